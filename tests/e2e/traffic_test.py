"""Stock programs and checksummed bytes, both ways."""

import re
import selectors
import signal
import socket
import subprocess
import sys
import time
import os

import lab
from lab import V4, V6, LabTest


class Traffic(LabTest):
    def ping(self, address: str) -> None:
        self.engine()
        slowest = lab.at_best(lambda: self.slowest_answer(address), lambda ms: ms < 100)
        self.assertLess(slowest, 100)

    def slowest_answer(self, address: str) -> float:
        """In milliseconds."""
        said = self.run_ok("ping", "-c", "200", "-i", "0.005", address)
        self.assertIn("200 received, 0% packet loss", said)
        times = [float(ms) for ms in re.findall(r"time=([\d.]+) ms", said)]
        self.assertEqual(len(times), 200)
        return max(times)

    def test_ping_v4(self) -> None:
        self.ping(V4)

    def test_ping_v6(self) -> None:
        self.ping(V6)

    def test_curl_v4_and_v6(self) -> None:
        self.engine()
        for url in (f"http://{V4}/", f"http://[{V6}]/any/path"):
            said = self.run_ok("curl", "-sS", "--max-time", "10", "-w", "%{http_code}", url)
            self.assertRegex(said, r"sluice.*\n200$")

    def test_chargen_follows_rfc_864(self) -> None:
        engine = self.engine()
        for address in (V4, V6):
            with lab.connect(address, lab.CHARGEN) as client:
                lab.read_chargen(client, 100 << 20)
        self.assert_no_connections(engine)

    def test_echo_of_200_mb(self) -> None:
        engine = self.engine()
        lab.echo(V4, 200_000_000)
        totals = self.assert_stops_well(engine)
        self.assertEqual(totals["bytes"]["tcp_in"], 200_000_000)
        self.assertEqual(totals["bytes"]["tcp_out"], 200_000_000)

    def test_echo_v6(self) -> None:
        self.engine()
        lab.echo(V6, 50_000_000)

    def test_iperf_with_1_and_8_connections(self) -> None:
        engine = self.engine()
        for connections in (1, 8):
            self.assertGreater(self.rate(V4, connections), 0.5)
        self.assert_no_connections(engine)
        connections = self.assert_stops_well(engine)["connections"]
        self.assertGreaterEqual(connections["closed"], 1 + 8)
        self.assertEqual(connections["closed"], connections["accepted"])

    def test_iperf_v6(self) -> None:
        self.engine()
        self.assertGreater(self.rate(V6), 0.5)

    def rate(self, address: str, connections: int = 1) -> float:
        rate = lab.at_best(lambda: lab.iperf(address, 1, connections), lambda rate: rate > 0.5)
        print(f"iperf -P {connections}: {rate:.1f} Gbit/s")
        return rate

    def test_thousand_connections_at_once(self) -> None:
        engine = self.engine()
        payloads = {}
        with selectors.DefaultSelector() as selector:
            for number in range(1000):
                client = lab.connect(f"10.0.5.{101 + number % 100}", lab.ECHO)
                self.addCleanup(client.close)
                payloads[client] = os.urandom(1000 + number * 7)
                client.sendall(payloads[client])
            self.assertEqual(engine.totals()["connections"]["now"], 1000)
            got = {client: b"" for client in payloads}
            for client in payloads:
                selector.register(client, selectors.EVENT_READ)
            while selector.get_map() and (ready := selector.select(lab.PATIENCE)):
                for key, _ in ready:
                    got[key.fileobj] += key.fileobj.recv(65536)
                    if len(got[key.fileobj]) >= len(payloads[key.fileobj]):
                        selector.unregister(key.fileobj)
        self.assertTrue(got == payloads, "an echo differs")
        for client in payloads:
            client.close()
        self.assert_no_connections(engine)

    def test_half_close(self) -> None:
        self.engine()
        text = os.urandom(300_000)
        for address in (V4, V6):
            with lab.connect(address, lab.ECHO) as client:
                client.sendall(text)  # both sides' buffers hold it
                client.shutdown(socket.SHUT_WR)
                time.sleep(0.1)
                self.assertEqual(lab.receive_exactly(client, len(text)), text)
                self.assertEqual(client.recv(1), b"")

    def peer_killed(self, port: int, work: str) -> None:
        engine = self.engine()
        script = (
            "import socket\n"
            f"client = socket.create_connection(('{V4}', {port}))\n"
            "block = bytes(1 << 20)\n"
            f"while True: {work}\n"
        )
        with subprocess.Popen([sys.executable, "-c", script]) as peer:
            self.assert_becomes(
                lambda: engine.totals()["connections"]["now"], 1, "number of connections"
            )
            time.sleep(0.3)
            peer.send_signal(signal.SIGKILL)
        self.assert_no_connections(engine)
        lab.echo(V4, 1_000_000)
        self.assert_stops_well(engine)

    def test_peer_killed_while_sending(self) -> None:
        self.peer_killed(lab.DISCARD, "client.sendall(block)")

    def test_peer_killed_while_receiving(self) -> None:
        self.peer_killed(lab.CHARGEN, "client.recv(65536)")

    def test_peer_killed_with_an_echo_unread(self) -> None:
        self.peer_killed(lab.ECHO, "client.sendall(block)")

    def test_clean_path_has_no_retransmissions(self) -> None:
        engine = self.engine()
        before = lab.KernelLosses.now()
        lab.iperf(V4, 2)
        with lab.connect(V4, lab.CHARGEN) as client:
            lab.read_chargen(client, 1 << 30)
        theirs = lab.KernelLosses.now() - before
        ours = self.assert_stops_well(engine)
        print(f"ours {ours['segments']}, the kernel's {theirs}, device {ours['packets']}")
        self.assert_nothing_was_resent(ours["segments"], theirs)
        self.assertEqual(ours["packets"]["device_dropped"], 0)

    def test_idle_cpu_after_traffic(self) -> None:
        engine = self.engine()
        lab.echo(V4, 10_000_000)
        with lab.connect(V4, lab.ECHO):  # an idle connection costs nothing, either
            time.sleep(0.5)
            before = engine.cpu_seconds()
            time.sleep(3)
            self.assertLessEqual(engine.cpu_seconds() - before, 0.03)
