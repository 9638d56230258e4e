"""Several workers: steered, learned or misrouted, each flow is served by its owner."""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import lab
from lab import V4, V6, LabTest

STORM = """
import socket, sys
first, count = int(sys.argv[1]), int(sys.argv[2])
for number in range(first, first + count):
    with socket.create_connection((f"10.0.5.{1 + number % 99}", 7), 20) as client:
        client.sendall(b"x")
        if client.recv(1) != b"x":
            sys.exit("no echo")
"""


class Workers(LabTest):
    def serve(self, *options: str) -> dict:
        engine = self.engine(*options)
        lab.echo(V4, 20_000_000)
        lab.echo(V6, 20_000_000)
        lab.iperf(V4, 1, 8)
        self.run_ok("ping", "-c", "20", "-i", "0.005", "-s", "4000", V4)
        self.assert_no_connections(engine)
        return self.assert_stops_well(engine)

    def test_one_two_and_four(self) -> None:
        for workers in ("1", "2", "4"):
            totals = self.serve("--workers", workers)
            self.assertEqual(totals["handoff"]["given"], totals["handoff"]["taken"])
            self.assertEqual(totals["handoff"]["refused"], 0)

    def test_steered_packets_come_to_their_owner(self) -> None:
        engine = self.engine("--workers", "4")
        if engine.ready["steering"] != "ebpf":
            self.skipTest(f"no steering program: {engine.ready['notes']}")
        lab.iperf(V4, 1, 8)
        with lab.connect(V6, lab.CHARGEN) as client:
            lab.read_chargen(client, 200 << 20)
        totals = self.assert_stops_well(engine)
        self.assertLess(totals["handoff"]["given"], totals["packets"]["in"] / 1000)

    def test_learned_by_the_kernel(self) -> None:
        totals = self.serve("--workers", "4", "--no-steering")
        self.assertGreater(totals["handoff"]["taken"], 0, "the kernel cannot know them all")

    def test_misrouted(self) -> None:
        for options in ((), ("--io", "poll"), ("--no-tso",)):
            totals = self.serve("--workers", "2", "--misroute", *options)
            # Fragments, too: they meet at the owner of their addresses.
            self.assertGreaterEqual(totals["handoff"]["taken"], totals["packets"]["in"])
            self.assertEqual(totals["handoff"]["refused"], 0)

    def test_more_workers_than_processors(self) -> None:
        self.serve("--workers", "16")

    def test_each_has_a_thread(self) -> None:
        engine = self.engine("--workers", "3")
        names = {
            path.read_text(encoding="ascii").strip()
            for path in Path(f"/proc/{engine.pid}/task").glob("*/comm")
        }
        self.assertLessEqual({"sluice-0", "sluice-1", "sluice-2"}, names)

    def test_ten_thousand_connections_at_once(self) -> None:
        engine = self.engine("--workers", "2")
        clients = []
        try:
            for number in range(10_000):
                address = f"10.0.5.{1 + number % 99}"
                clients.append(socket.create_connection((address, lab.ECHO), lab.PATIENCE))
            self.assertEqual(engine.totals()["connections"]["now"], 10_000)
            for number, client in enumerate(clients):
                client.sendall(number.to_bytes(4, "big"))
            for number, client in enumerate(clients):
                self.assertEqual(lab.receive_exactly(client, 4), number.to_bytes(4, "big"))
        finally:
            for client in clients:
                client.close()
        self.assert_no_connections(engine)
        self.assert_stops_well(engine)

    def test_a_hundred_thousand_connections_one_after_the_other(self) -> None:
        each, processes = 25_000, 4
        engine = self.engine("--workers", "2")
        lab.echo(V4, 1_000_000)
        before = resident_kib(engine)
        storms = [
            subprocess.Popen([sys.executable, "-c", STORM, str(i * each), str(each)])
            for i in range(processes)
        ]
        for storm in storms:
            self.assertEqual(storm.wait(50), 0)
        self.assert_no_connections(engine)
        grown = resident_kib(engine) - before
        totals = self.assert_stops_well(engine)  # which asserts that all frames are home
        self.assertEqual(totals["connections"]["accepted"], each * processes + 1)
        self.assertEqual(totals["connections"]["closed"], each * processes + 1)
        self.assertLess(grown, 20_000, "KiB")

    def test_stopped_under_load(self) -> None:
        """Every byte that the engine has acknowledged has reached its application."""
        engine = self.engine("--workers", "4")
        clients = [lab.connect(V4, lab.DISCARD) for _ in range(8)]
        acknowledged = [0] * len(clients)

        def send(number: int) -> None:
            try:
                while True:
                    clients[number].sendall(bytes(1 << 16))
            except OSError:
                pass  # the engine has gone
            acknowledged[number] = bytes_acknowledged(clients[number])

        threads = [threading.Thread(target=send, args=(i,)) for i in range(len(clients))]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        totals = self.assert_stops_well(engine)
        for thread in threads:
            thread.join(lab.PATIENCE)
        for client in clients:
            client.close()
        # The kernel counts SYN and FIN as bytes, too.
        self.assertGreaterEqual(totals["bytes"]["tcp_in"] + 2 * len(clients), sum(acknowledged))
        self.assertGreater(sum(acknowledged), 10_000_000)


    def test_stopped_in_a_flood_of_datagrams(self) -> None:
        """What was handed over was taken, if only to be dropped."""
        stop = threading.Event()

        def flood() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                while not stop.is_set():
                    try:
                        client.sendto(bytes(100), (V4, lab.DISCARD))
                    except OSError:
                        pass  # the engine has gone

        floods = [threading.Thread(target=flood) for _ in range(2)]
        for thread in floods:
            thread.start()
        try:
            for _ in range(5):
                engine = self.engine("--workers", "4", "--misroute")
                time.sleep(0.3)
                totals = self.assert_stops_well(engine)
                self.assertGreater(totals["handoff"]["given"], 100)
                self.assertEqual(totals["handoff"]["given"], totals["handoff"]["taken"])
        finally:
            stop.set()
            for thread in floods:
                thread.join()


class Recording(LabTest):
    def new_path(self) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return str(Path(folder.name, "packets.pcap"))

    def test_both_directions_are_recorded(self) -> None:
        path = self.new_path()
        engine = self.engine("--workers", "2", "--pcap", path)
        self.run_ok("ping", "-c", "3", "-i", "0.01", V4)
        lab.echo(V4, 100_000)
        totals = self.assert_stops_well(engine)
        said = self.run_ok("tcpdump", "-nr", path)
        self.assertEqual(len(said.splitlines()), totals["packets"]["in"] + totals["packets"]["out"])
        self.assertEqual(said.count("echo request"), 3)
        self.assertEqual(said.count("echo reply"), 3)
        checked = self.run_ok("tcpdump", "-nvvr", path, "tcp")
        self.assertNotIn("incorrect", checked)

    def test_an_engine_that_cannot_start_leaves_the_file_to_another(self) -> None:
        path = self.new_path()
        engine = self.engine("--pcap", path)
        self.run_ok("ping", "-c", "200", "-i", "0.002", V4)
        done = subprocess.run([lab.SLUICE, "run", "--pcap", path], check=False, timeout=20)
        self.assertEqual(done.returncode, 1, "the device is taken")
        totals = self.assert_stops_well(engine)
        said = self.run_ok("tcpdump", "-nr", path)
        self.assertEqual(len(said.splitlines()), totals["packets"]["in"] + totals["packets"]["out"])

    def test_a_file_that_cannot_be_written(self) -> None:
        done = subprocess.run(
            [lab.SLUICE, "run", "--pcap", "/nowhere/x.pcap"],
            check=False, capture_output=True, text=True, timeout=20,
        )
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("/nowhere/x.pcap", done.stderr)
        self.assertEqual(lab.links(), ["lo"])


def resident_kib(engine: lab.Engine) -> int:
    status = Path(f"/proc/{engine.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


def bytes_acknowledged(client: socket.socket) -> int:
    """tcpi_bytes_acked of Linux's struct tcp_info, which also counts what a reset connection had."""
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int.from_bytes(info[120:128], "little")
