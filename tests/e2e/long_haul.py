"""Longer transfers, not part of ctest. In a folder with the build in build/release:

python3 tests/e2e/run.py build/release/bin long_haul.LongHaul
"""

import lab
from lab import V4, V6, LabTest


class LongHaul(LabTest):
    def test_echo_of_1_gb(self) -> None:
        engine = self.engine()
        lab.echo(V4, 1_000_000_000)
        totals = self.assert_stops_well(engine)
        print(totals["segments"])

    def test_chargen_of_10_gb_past_the_sequence_numbers_end(self) -> None:
        engine = self.engine()
        with lab.connect(V6, lab.CHARGEN) as client:
            lab.read_chargen(client, 10_000_000_000)
        self.assert_no_connections(engine)
        print(self.assert_stops_well(engine)["segments"])
