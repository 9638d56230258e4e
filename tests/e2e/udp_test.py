"""Datagrams and fragments, both ways, against the kernel's sockets."""

import os
import socket
import time

import lab
from lab import KERNEL_V4, V4, V6, LabTest

SOL_UDP, UDP_SEGMENT = 17, 103
SIZES = (0, 1, 1000, 1452, 1453, 1472, 1473, 3000, 9000, 40_000)
LARGEST_V4, LARGEST_V6 = 65_507, 65_487  # the engine's limits: an IP packet of 65,535 bytes


def udp(address: str, timeout: float = lab.PATIENCE) -> socket.socket:
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    client.settimeout(timeout)
    return client


class Datagrams(LabTest):
    def echo_all(self, address: str, sizes: tuple[int, ...]) -> None:
        with udp(address) as client:
            for size in sizes:
                text = os.urandom(size)
                client.sendto(text, (address, lab.ECHO))
                self.assertEqual(client.recv(70_000), text, f"{size} bytes")

    def test_echo_of_all_sizes(self) -> None:
        engine = self.engine()
        self.echo_all(V4, (*SIZES, LARGEST_V4))
        self.echo_all(V6, (*SIZES, LARGEST_V6))
        totals = self.assert_stops_well(engine)
        self.assertEqual(totals["datagrams"]["in"], 2 * len(SIZES) + 2)
        self.assertEqual(totals["datagrams"]["out"], 2 * len(SIZES) + 2)
        self.assertEqual(totals["drops"].keys() - {"multicast"}, set())

    def test_echo_without_offloads(self) -> None:
        for options in (("--no-uso",), ("--no-csum",), ("--io", "poll")):
            engine = self.engine(*options)
            self.echo_all(V4, SIZES)
            self.echo_all(V6, SIZES)
            self.assert_stops_well(engine)

    def test_echo_with_small_and_large_mtus(self) -> None:
        for mtu in ("1280", "65535"):
            engine = self.engine("--mtu", mtu)
            self.echo_all(V4, SIZES)
            self.echo_all(V6, SIZES)
            self.assert_stops_well(engine)

    def test_the_answer_comes_from_the_address_asked(self) -> None:
        self.engine()
        with udp(V4) as client:
            for last in (1, 2, 77, 254):
                client.sendto(b"who", (f"10.0.5.{last}", lab.ECHO))
                self.assertEqual(client.recvfrom(100), (b"who", (f"10.0.5.{last}", lab.ECHO)))

    def segmented(self, address: str, *options: str) -> None:
        """UDP_SEGMENT: the kernel hands many datagrams over in one piece."""
        engine = self.engine(*options)
        sizes = [1200] * 40 + [17]
        text = os.urandom(sum(sizes))
        with udp(address) as client:
            client.connect((address, lab.ECHO))
            client.setsockopt(SOL_UDP, UDP_SEGMENT, 1200)
            client.send(text)
            parts = [client.recv(70_000) for _ in sizes]
        self.assertEqual([len(part) for part in parts], sizes)
        self.assertEqual(b"".join(parts), text)
        self.assertEqual(self.assert_stops_well(engine)["datagrams"]["in"], len(sizes))

    def test_many_in_one_piece_v4(self) -> None:
        self.segmented(V4)

    def test_many_in_one_piece_v6(self) -> None:
        self.segmented(V6)

    def test_many_in_one_piece_without_uso(self) -> None:
        self.segmented(V4, "--no-uso")

    def test_a_closed_port_is_unreachable(self) -> None:
        engine = self.engine()
        for address in (V4, V6):
            with udp(address) as client:
                client.connect((address, 4444))
                client.send(b"anybody?")
                with self.assertRaises(ConnectionRefusedError):
                    client.recv(100)
        totals = self.assert_stops_well(engine)
        self.assertEqual(totals["answers"]["errors"], 2)
        self.assertEqual(totals["drops"]["udp_unreachable"], 2)

    def test_errors_are_limited_in_rate(self) -> None:
        engine = self.engine()
        with udp(V4) as client:
            begin = time.monotonic()
            for _ in range(5000):
                client.sendto(b"anybody?", (V4, 4444))
            self.assert_becomes(
                lambda: engine.totals()["drops"].get("udp_unreachable", 0), 5000, "drops"
            )
            seconds = time.monotonic() - begin
        totals = self.assert_stops_well(engine)
        # 50 at once and 1,000 a second, from each worker.
        self.assertLessEqual(totals["answers"]["errors"], lab.WORKERS * (51 + 1000 * seconds))
        self.assertGreaterEqual(totals["answers"]["errors"], 40)

    def test_discard_and_chargen(self) -> None:
        engine = self.engine()
        with udp(V4, timeout=0.3) as client:
            client.sendto(b"to nobody", (V4, lab.DISCARD))
            with self.assertRaises(socket.timeout):
                client.recv(100)
        with udp(V4) as client:
            lengths = set()
            for _ in range(20):
                client.sendto(b"", (V4, lab.CHARGEN))
                text = client.recv(2000)
                self.assertEqual(text, lab.CYCLE[: len(text)])
                lengths.add(len(text))
        self.assertLessEqual(max(lengths), 512)
        self.assertGreater(len(lengths), 5, "lengths are drawn")
        self.assert_stops_well(engine)

    def test_services_do_not_answer_each_other(self) -> None:
        engine = self.engine()
        with udp(V4, timeout=0.3) as client:
            client.bind((KERNEL_V4, lab.ECHO))
            client.sendto(b"for ever?", (V4, lab.CHARGEN))
            with self.assertRaises(socket.timeout):
                client.recv(2000)
        self.assert_stops_well(engine)

    def test_a_thousand_flows(self) -> None:
        engine = self.engine()
        clients = [udp(V4) for _ in range(1000)]
        for number, client in enumerate(clients):
            client.sendto(str(number).encode(), (f"10.0.5.{1 + number % 99}", lab.ECHO))
        for number, client in enumerate(clients):
            with client:
                self.assertEqual(client.recv(100), str(number).encode())
        self.assert_stops_well(engine)


class Fragments(LabTest):
    def test_large_pings(self) -> None:
        engine = self.engine()
        # Of IPv6, those beyond 65,487 come and go in fragments only: no packet holds them whole.
        for address, sizes in ((V4, (1473, 5000, 65_507)), (V6, (1473, 65_487, 65_489))):
            for size in sizes:
                said = self.run_ok(
                    "ping", "-c", "20", "-i", "0.01", "-s", str(size), "-W", "2", address
                )
                self.assertIn("20 received, 0% packet loss", said)
        totals = self.assert_stops_well(engine)
        self.assertEqual(totals["datagrams"]["joined"], 120)
        self.assertEqual(totals["answers"]["echo_replies"], 120)
        self.assertGreater(totals["datagrams"]["fragments_out"], 120)
