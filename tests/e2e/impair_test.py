"""A worse wire in real time, and the same link model on virtual time."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import lab
from lab import V4, V6, LabTest


def round_trips(said: str) -> list[float]:
    return [float(ms) for ms in re.findall(r"time=([\d.]+) ms", said)]


class Impairment(LabTest):
    def ping(self, address: str, count: int, size: int = 56) -> str:
        words = ["-q" if count > 100 else "-n", "-c", str(count), "-i", "0.002", "-s", str(size)]
        done = subprocess.run(
            ["ping", *words, address], check=False, capture_output=True, text=True, timeout=60,
        )
        return done.stdout

    def loss(self, count: int) -> float:
        found = re.search(r"([\d.]+)% packet loss", self.ping(V4, count))
        assert found is not None
        return float(found.group(1))

    def test_delay_counts_twice(self) -> None:
        self.engine("--delay", "20ms")
        for address in (V4, V6):
            times = round_trips(self.ping(address, 50))
            self.assertEqual(len(times), 50)
            self.assertGreaterEqual(min(times), 40)
            self.assertLess(sorted(times)[25], 43)

    def test_delay_of_one_direction(self) -> None:
        self.engine("--out-delay", "15ms", "--io", "poll")
        times = round_trips(self.ping(V4, 50))
        self.assertGreaterEqual(min(times), 15)
        self.assertLess(sorted(times)[25], 18)

    def test_one_direction_goes_before_both(self) -> None:
        self.engine("--in-delay", "1ms", "--delay", "10ms")
        times = round_trips(self.ping(V4, 50))
        self.assertGreaterEqual(min(times), 11)
        self.assertLess(sorted(times)[25], 14)

    def test_loss(self) -> None:
        self.engine("--loss", "10%")
        self.assertAlmostEqual(self.loss(1500), 19, delta=4)  # 1 - 0.9 * 0.9

    def test_burst_loss(self) -> None:
        self.engine("--in-burst-loss", "10%:5")
        self.assertAlmostEqual(self.loss(2000), 10, delta=5)

    def test_duplicates(self) -> None:
        self.engine("--out-duplicate", "100%")
        self.assertRegex(self.ping(V4, 20), r"\+1?[0-9] duplicates")

    def rate_from(self, _engine: lab.Engine, seconds: float) -> float:
        """Mbit/s of chargen's text, once the queue is full."""
        with lab.connect(V4, lab.CHARGEN) as client:
            self.receive_for(client, 1)
            return self.receive_for(client, seconds) * 8 / 1e6 / seconds

    @staticmethod
    def receive_for(client: socket.socket, seconds: float) -> int:
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            count += len(client.recv(1 << 16))
        return count

    def rate_into(self, engine: lab.Engine, seconds: float) -> float:
        """Mbit/s of text that has arrived in order, once the queue is full."""
        iperf = subprocess.Popen(
            ["iperf", "-Z", "cubic", "-c", V4, "-t", str(seconds + 2)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(1)
        begin, before = time.monotonic(), engine.totals()["bytes"]["tcp_in"]
        time.sleep(seconds)
        end, after = time.monotonic(), engine.totals()["bytes"]["tcp_in"]
        iperf.wait(lab.PATIENCE)
        return (after - before) * 8 / 1e6 / (end - begin)

    def test_rate(self) -> None:
        engine = self.engine("--rate", "50M", "--queue", "256k")
        text = 50 * 1448 / 1500  # of 50 Mbit/s, IP headers counted
        for measure in (self.rate_from, self.rate_into):
            rate = lab.at_best(lambda measure=measure: measure(engine, 2),
                               lambda rate: text * 0.95 < rate < text * 1.03)
            print(f"{measure.__name__}: {rate:.2f} of {text:.2f} Mbit/s")
            self.assertLess(rate, text * 1.03)
            self.assertGreater(rate, text * 0.95)

    def test_what_two_workers_get_is_the_rate(self) -> None:
        self.engine("--workers", "2", "--rate", "50M", "--queue", "512k")
        rate = lab.iperf(V4, 3, 8) * 1000
        self.assertLess(rate, 60)  # iperf counts what its sockets have taken
        self.assertGreater(rate, 20)

    EVERYTHING = (
        "--delay", "1ms", "--jitter", "1ms", "--loss", "0.5%", "--burst-loss", "0.2%:3",
        "--reorder", "1%:2ms", "--duplicate", "0.5%", "--corrupt", "0.2%",
    )

    def test_bytes_survive_everything(self) -> None:
        engine = self.engine(*self.EVERYTHING)
        for address in (V4, V6):
            lab.echo(address, 5_000_000)
        self.assert_no_connections(engine)
        for way in ("wire_in", "wire_out"):
            for count in ("lost", "reordered", "duplicated", "corrupted"):
                self.assertGreater(engine.totals()[way][count], 0, f"{way}: {count}")

    def test_bytes_survive_everything_on_two_wires(self) -> None:
        engine = self.engine(*self.EVERYTHING, "--workers", "2", "--no-steering")
        for address in (V4, V6):
            lab.echo(address, 3_000_000)
        self.assert_no_connections(engine)

    def test_damage_is_found_by_both_stacks(self) -> None:
        engine = self.engine("--corrupt", "2%", "--impair-seed", "3")
        lab.echo(V4, 5_000_000)
        lab.echo(V6, 5_000_000)
        totals = engine.totals()
        self.assertGreater(totals["drops"]["bad_checksum"], 20)
        self.assertGreater(totals["wire_in"]["corrupted"], 20)
        self.assertGreater(lab.kernel_counters("Tcp")["InCsumErrors"], 20)
        # The device takes no packet whose version is neither 4 nor 6: a damaged first byte.
        self.assertLess(totals["packets"]["refused"], 0.1 * totals["wire_out"]["corrupted"])

    def test_damage_of_datagrams_is_found_by_both_stacks(self) -> None:
        engine = self.engine("--corrupt", "20%")
        self.ping(V4, 300, size=8)  # without a time in it: ping may wait for ever by a damaged one
        answers = self.datagrams_back(300)
        self.assertLess(answers, 280)
        self.assertGreater(answers, 100)
        self.assertGreater(engine.totals()["drops"]["bad_checksum"], 20)
        self.assertGreater(lab.kernel_counters("Icmp")["InCsumErrors"], 10)
        self.assertGreater(lab.kernel_counters("Udp")["InCsumErrors"], 10)

    def datagrams_back(self, count: int) -> int:
        """How many of so many come back from the echo service, all of them as they were."""
        missing = set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.05)
            for _ in range(count // 10):
                for _ in range(10):
                    text = os.urandom(1000)
                    missing.add(text)
                    client.sendto(text, (V4, lab.ECHO))
                try:
                    while text := client.recv(2000):
                        self.assertIn(text, missing)
                        missing.remove(text)
                except TimeoutError:
                    pass  # the others are lost, one way or the other
        return count - len(missing)

    def test_20_mb_both_ways_through_a_long_and_lossy_path(self) -> None:
        engine = self.engine("--delay", "20ms", "--loss", "1%")
        begin = time.monotonic()
        lab.echo(V4, 20_000_000)
        totals = engine.totals()
        print(f"{time.monotonic() - begin:.1f} s, {totals['segments']}")
        for way in ("wire_in", "wire_out"):
            self.assertAlmostEqual(totals[way]["lost"] / totals[way]["sent"], 0.01, delta=0.003)

    def test_a_long_clean_path_needs_no_retransmission(self) -> None:
        engine = self.engine("--delay", "10ms")
        before = lab.KernelLosses.now()
        with lab.connect(V4, lab.CHARGEN) as client:
            lab.read_chargen(client, 50_000_000)
        with lab.connect(V6, lab.DISCARD) as client:
            client.sendall(bytes(50_000_000))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")
        theirs = lab.KernelLosses.now() - before
        ours = engine.totals()
        print(f"ours {ours['segments']}, the kernel's {theirs}")
        self.assert_nothing_was_resent(ours["segments"], theirs)

    def test_nothing_is_left_of_a_wire_that_was_full(self) -> None:
        engine = self.engine("--delay", "200ms")
        with lab.connect(V4, lab.CHARGEN) as client:
            lab.read_chargen(client, 100_000)
        engine.stop()
        self.assertEqual(lab.links(), ["lo"])

    def test_bad_quantities_are_named(self) -> None:
        for option, value in (
            ("--delay", "20"), ("--delay", "-1ms"), ("--jitter", "soon"), ("--loss", "101%"),
            ("--burst-loss", "1%"), ("--burst-loss", "1%:0.5"), ("--burst-loss", "100%:2"),
            ("--rate", "fast"), ("--rate", "1Mbps"), ("--in-queue", "1e9"), ("--out-reorder", "x%"),
            ("--in-corrupt", "nan"), ("--impair-seed", "-1"),
        ):
            with self.subTest(option=option, value=value):
                done = subprocess.run(
                    [lab.SLUICE, "run", f"{option}={value}"],
                    check=False, capture_output=True, text=True, timeout=20,
                )
                self.assertGreater(done.returncode, 0)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(value, done.stderr)
                self.assertIn(option, done.stderr)


class Simulator(LabTest):
    def sim(self, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [lab.SLUICE, "sim", *options], check=False, capture_output=True, text=True, timeout=50
        )

    def digest(self, *options: str) -> str:
        done = self.sim(*options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return re.search(r"digest ([0-9a-f]{16})", done.stdout).group(1)

    def scenario(self, tree: dict) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "scenario.json")
        path.write_text(json.dumps(tree), encoding="utf-8")
        return str(path)

    def test_a_seed_is_repeated_to_the_byte(self) -> None:
        self.assertEqual(self.digest("--seed", "5"), self.digest("--seed", "5"))
        self.assertNotEqual(self.digest("--seed", "5"), self.digest("--seed", "6"))
        self.assertNotEqual(self.digest("--seed", "5"), self.digest("--seed", "5", "--minutes", "2"))
        self.assertEqual(self.digest("--seeds", "5"), self.digest("--seeds", "5"))

    def test_each_planted_fault_is_caught(self) -> None:
        listed = self.sim("--break", "?").stderr
        names = re.findall(r"^sluice:   ([a-z-]+) ", listed, re.MULTILINE)
        self.assertGreater(len(names), 5, listed)
        for name in names:
            with self.subTest(fault=name):
                done = self.sim("--break", name, "--seed", "77")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stdout, r"(?m)^sim seed=77 t=\d+us: .*")

    def test_captures_hold_what_crossed(self) -> None:
        path = self.scenario({
            "hosts": [{"up": {"delay": "10ms", "loss": "10%"}}, {"down": {"delay": "5ms"}}],
            "flows": [{"from": 0, "to": 1, "bytes": "100k"}],
        })
        with tempfile.TemporaryDirectory() as folder:
            self.digest("--scenario", path, "--pcap", folder)
            sizes = {name: os.path.getsize(Path(folder, name)) for name in os.listdir(folder)}
        self.assertEqual(sorted(sizes), ["host-0-up.pcap", "host-1-down.pcap", "host-1-up.pcap"])
        self.assertGreater(sizes["host-0-up.pcap"], 100_000)
        self.assertEqual(sizes["host-0-up.pcap"], sizes["host-1-down.pcap"])

    def test_a_flow_is_simulated_faster_than_the_clock(self) -> None:
        path = self.scenario({
            "hosts": [
                {"up": {"rate": "100M", "delay": "10ms", "queue": "250k"},
                 "tcp": {"send-buffer": "4M"}},
                {"up": {"delay": "10ms"}, "tcp": {"receive-buffer": "4M"}},
            ],
            "flows": [{"from": 0, "to": 1, "for": "30s"}],
            "measure": {"from": "5s", "to": "30s"},
        })
        begin = time.monotonic()
        said = self.sim("--scenario", path).stdout
        print(f"30 s in {time.monotonic() - begin:.2f} s: {said}")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertGreater(float(re.search(r"([\d.]+) % of its rate", said).group(1)), 80)

    def test_bad_scenarios_are_named(self) -> None:
        flow = {"from": 0, "to": 1, "bytes": 1000}
        for tree, naming in (
            ({}, "hosts"),
            ({"hosts": [{}]}, "two"),
            ({"hosts": [{}, {}]}, "flows"),
            ({"hosts": [{}, {}], "flows": [flow | {"to": 7}]}, "to"),
            ({"hosts": [{}, {}], "flows": [flow | {"to": 0}]}, "two hosts"),
            ({"hosts": [{}, {}], "flows": [flow | {"kind": "x"}]}, "'x'"),
            ({"hosts": [{"up": {"dealy": "1ms"}}, {}], "flows": [flow]}, "dealy"),
            ({"hosts": [{"up": {"delay": "1"}}, {}], "flows": [flow]}, "hosts[0].up"),
            ({"hosts": [{"mtu": -5}, {}], "flows": [flow]}, "mtu"),
        ):
            with self.subTest(tree=tree):
                done = self.sim("--scenario", self.scenario(tree))
                self.assertGreater(done.returncode, 0)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(naming, done.stderr)
