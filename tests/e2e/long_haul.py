"""Longer transfers, not part of ctest. In a folder with the build in build/release:

python3 tests/e2e/run.py build/release/bin long_haul.LongHaul
"""

import sys
import time
from pathlib import Path

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

    def test_200_mb_both_ways_through_20_ms_and_1_percent(self) -> None:
        """Takes some eight minutes: so fast is such a path."""
        engine = self.engine("--delay", "20ms", "--loss", "1%")
        begin = time.monotonic()
        lab.echo(V4, 200_000_000)
        print(f"{time.monotonic() - begin:.1f} s")
        self.assert_no_connections(engine)
        print(self.assert_stops_well(engine)["segments"])

    def test_our_sender_is_as_fast_as_linux_cubic(self) -> None:
        """Through the same losses, five runs of 20 MB each: the medians."""
        bench = str(Path(__file__).resolve().parents[2] / "bench" / "impaired")
        print(self.run_ok(
            sys.executable, "-B", bench, "--bin", str(lab.BIN), "--least", "0.95",
            "--impair", "--delay 20ms --loss 1%", "--at-once", timeout=600,
        ))
