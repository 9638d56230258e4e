"""The same bytes over every kind of path: offloads, back ends, MTUs."""

import lab
from lab import V4, V6, LabTest


class Paths(LabTest):
    def transfer(self, *options: str, count: int = 20_000_000) -> dict:
        """Checksummed bytes both ways, IPv4 and IPv6; the totals."""
        engine = self.engine(*options)
        for address in (V4, V6):
            lab.echo(address, count)
            with lab.connect(address, lab.CHARGEN) as client:
                lab.read_chargen(client, count)
        self.assert_no_connections(engine)
        self.facts = engine.ready
        return self.assert_stops_well(engine)

    def test_all_offloads_uring(self) -> None:
        self.transfer("--io", "uring")
        self.assertTrue(self.facts["tso"] and self.facts["checksum"])

    def test_all_offloads_poll(self) -> None:
        self.transfer("--io", "poll")
        self.assertEqual(self.facts["io"], "poll")

    def test_no_tso_uring(self) -> None:
        self.transfer("--no-tso", "--io", "uring")
        self.assertFalse(self.facts["tso"])

    def test_no_tso_poll(self) -> None:
        self.transfer("--no-tso", "--io", "poll")

    def test_no_checksums_uring(self) -> None:
        self.transfer("--no-csum", "--io", "uring")
        self.assertFalse(self.facts["tso"] or self.facts["checksum"])

    def test_no_checksums_poll(self) -> None:
        self.transfer("--no-csum", "--io", "poll")

    def test_mtu_1280(self) -> None:
        self.transfer("--mtu", "1280")

    def test_mtu_9000(self) -> None:
        self.transfer("--mtu", "9000")

    def test_mtu_65520(self) -> None:
        self.transfer("--mtu", "65520")

    def test_mtu_65535_without_tso(self) -> None:
        self.transfer("--mtu", "65535", "--no-tso")

    def test_busy_poll_and_pinned(self) -> None:
        self.transfer("--busy-poll", "--pin", ",".join(["0"] * lab.WORKERS))

    def test_mtu_68_and_88_of_v4(self) -> None:
        # Linux sends TCP segments of at least 88 bytes (tcp_min_snd_mss): below, it fragments.
        for mtu, check_tcp in (("68", False), ("88", True)):
            engine = self.engine("--mtu", mtu, "--address", "10.0.5.100/24")
            said = self.run_ok("ping", "-c", "20", "-i", "0.01", "-s", "40", V4)
            self.assertIn(" 0% packet loss", said)
            if check_tcp:
                lab.echo(V4, 200_000)
            self.assert_stops_well(engine)

    def test_other_addresses(self) -> None:
        self.engine("--tun", "other0", "--address", "192.0.2.1/24", "--address", "2001:db8::1/64")
        lab.echo("192.0.2.254", 1_000_000)
        lab.echo("2001:db8::ffff", 1_000_000)
