"""bench/compare: what it prints and refuses, and what stays behind: nothing. And the ceiling."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lab
from lab import LabTest

COMPARE = Path(__file__).resolve().parents[2] / "bench" / "compare"
SYSTEMS = ["sluice", "veth", "loopback", "bare"]
SHORT = ("--quick", "--seconds", "0.1")


def command(*options: str) -> list[str]:
    return [sys.executable, "-B", str(COMPARE), "--bin", str(lab.BIN), *options]


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


class Compare(LabTest):
    def setUp(self) -> None:
        if not os.path.ismount("/run"):
            self.skipTest("no /run of our own can be mounted here")

    def compare(self, *options: str) -> str:
        said = self.run_ok(*command(*SHORT, *options))
        self.assertEqual(lab.links(), ["lo"])
        return said

    def test_json(self) -> None:
        names = ["bulk-in-1", "bulk-out-8", "bulk-both-1", "request-16", "connect-1"]
        said = json.loads(self.compare("--json", "--workers", "1", "--jobs", ",".join(names)))
        results = said["results"]
        self.assertEqual([(result["job"], result["system"]) for result in results],
                         [(name, system) for name in names for system in SYSTEMS])
        for result in results:
            self.assert_is_sound(result)
        self.assertEqual(said["fixed"]["congestion"], "cubic")
        self.assertEqual(said["fixed"]["rounds"], 1)
        self.assertGreater(said["machine"]["cpus"], 0)

    def assert_is_sound(self, result: dict) -> None:
        with self.subTest(job=result["job"], system=result["system"]):
            self.assertEqual(result["failures"], [])
            self.assertEqual(result["mtu"], 1500)
            self.assertEqual(result["values"], [result["median"]])
            self.assertGreater(result["min"], 0)
            self.assertGreater(result["machine_cpu"], 0)
            self.assertGreaterEqual(result["machine_cpu"], result["system_cpu"] * 0.5)
            for reference in ("veth", "bare"):
                ratio = result[f"ratio_to_{reference}"]
                self.assertGreater(ratio, 0)
                if result["system"] == reference:
                    self.assertEqual(ratio, 1)
            if result["unit"] == "1/s":
                self.assertLessEqual(result["p50_us"], result["p99_us"])
                self.assertLess(result["p50_us"] * result["median"],
                                result["connections"] * 2e6)
            else:
                self.assertIsNone(result["p50_us"])

    def test_workers_take_part_in_jobs_of_several_connections(self) -> None:
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("only one CPU")
        said = json.loads(self.compare("--json", "--workers", "2", "--jobs", "request",
                                       "--systems", "sluice,bare"))
        self.assertEqual([(result["job"], result["system"]) for result in said["results"]],
                         [("request-1", "sluice"), ("request-1", "bare"),
                          ("request-16", "sluice"), ("request-16", "sluice-2"),
                          ("request-16", "bare")])
        self.assertEqual([result["failures"] for result in said["results"]], [[]] * 5)

    def test_text(self) -> None:
        said = self.compare("--jobs", "request-1", "--systems", "veth,sluice", "--mtu", "9000",
                            "--rounds", "2")
        self.assertRegex(said, r"(?m)^for all +cubic .* txqueuelen 32768$")
        self.assertRegex(said, r"(?m)^MTU 9000 +system +median ")
        self.assertRegex(said, r"(?m)^request-1 +sluice +[\d,]+ +[\d,]+\.\.[\d,]+ +1/s ")
        self.assertRegex(said, r"(?m)^request-1 +veth +[\d,]+ .* 1\.00 +- ")
        self.assertNotRegex(said, r"(?m)^request-1 +bare ")
        self.assertNotIn("request-16", said)

    def assert_refused(self, words: list[str], naming: str) -> None:
        with self.subTest(words=words):
            done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
            self.assertGreater(done.returncode, 0)
            self.assertEqual(done.stdout, "")
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertRegex(done.stderr, r"^compare: ")
            self.assertIn(naming, done.stderr)
            self.assertEqual(lab.links(), ["lo"])

    def test_wrong_options(self) -> None:
        self.assert_refused(command("--quik"), naming="--quik")
        self.assert_refused(command("--jobs", "bulk,knit"), naming="'knit'")
        self.assert_refused(command("--jobs", ""), naming="bulk-in-1")
        self.assert_refused(command("--systems", "lwip"), naming="'lwip'")
        self.assert_refused(command("--rounds", "0"), naming="'0'")
        self.assert_refused(command("--rounds", "three"), naming="'three'")
        self.assert_refused(command("--seconds", "nan"), naming="'nan'")
        self.assert_refused(command("--mtu", "65536"), naming="'65536'")
        self.assert_refused(command("--workers", "64"), naming="64")

    def test_missing_program(self) -> None:
        self.assert_refused([*command(), "--bin", "/nowhere"], naming="no sluice in /nowhere")

    def test_without_the_congestion_control(self) -> None:
        self.assert_refused(command("--congestion", "nonesuch"), naming="'nonesuch'")

    def test_where_no_namespace_can_be_made(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            refusing = Path(folder) / "unshare"
            refusing.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
            refusing.chmod(0o755)
            words = ["env", f"PATH={folder}:{os.environ['PATH']}", *command()]
            self.assert_refused(words, naming="run as root")

    def end_at(self, number: int) -> int:
        """Ends a comparison that is measuring; all processes that it started must go, too."""
        process = subprocess.Popen(command("--seconds", "30", "--jobs", "bulk-in-1",
                                           "--workers", "1"),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assert_becomes(lambda: len(children_of(process.pid)), 5, "number of its children")
        children = children_of(process.pid)
        process.send_signal(number)
        code = process.wait(lab.PATIENCE)
        self.assert_becomes(
            lambda: [pid for pid in children if Path(f"/proc/{pid}").exists()], [],
            "list of processes that stay",
        )
        self.assertEqual(list(Path("/run").glob("netns/*")), [])
        return code

    def test_interrupted_it_leaves_nothing(self) -> None:
        self.assertEqual(self.end_at(signal.SIGINT), 130)

    def test_terminated_it_leaves_nothing(self) -> None:
        self.assertEqual(self.end_at(signal.SIGTERM), 128 + signal.SIGTERM)

    def test_killed_it_leaves_nothing(self) -> None:
        self.assertEqual(self.end_at(signal.SIGKILL), -signal.SIGKILL)


class Impaired(LabTest):
    def setUp(self) -> None:
        if not os.path.ismount("/run"):
            self.skipTest("no /run of our own can be mounted here")

    def impaired(self, *options: str) -> subprocess.CompletedProcess:
        words = [sys.executable, "-B", str(COMPARE.with_name("impaired")), "--bin", str(lab.BIN)]
        done = subprocess.run([*words, *options], check=False, capture_output=True, text=True,
                              timeout=50)
        self.assertEqual(lab.links(), ["lo"])
        return done

    def test_both_senders_meet_the_same_losses(self) -> None:
        done = self.impaired("--json", "--rounds", "2", "--megabytes", "1", "--at-once",
                             "--impair", "--delay 2ms --loss 2%")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        [comparison] = json.loads(done.stdout)
        self.assertEqual(comparison["options"], ["--delay", "2ms", "--loss", "2%"])
        self.assertGreater(comparison["ratio"], 0)
        for sender in ("sluice", "linux"):
            runs = comparison["runs"][sender]
            self.assertEqual(len(runs), 2)
            for run in runs:
                self.assertGreater(run["mbit_per_second"], 0.1)
                # Of 691 segments 14 are lost; what is held up on a busy machine is resent, too.
                self.assertGreater(run["resent"], 0)
                self.assertLess(run["resent"], 100)

    def test_says_which_ratio_is_too_small(self) -> None:
        done = self.impaired("--rounds", "1", "--megabytes", "0.1", "--least", "100",
                             "--impair", "--delay 1ms")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"--delay 1ms\n  sluice +[\d.]+ Mbit/s")
        self.assertRegex(done.stdout, r"ratio +\d+\.\d\d, below 100")

    def test_wrong_options_and_wires(self) -> None:
        for words, code, naming in (
            (("--rounds", "0"), 2, "'0'"),
            (("--impair", "20ms"), 2, "'20ms'"),
            (("--impair", "--delay soon", "--rounds", "1"), 1, "soon"),
        ):
            with self.subTest(words=words):
                done = self.impaired(*words)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(naming, done.stderr)


class PerfBench(LabTest):
    """bench/perf."""

    def setUp(self) -> None:
        if not os.path.ismount("/run"):
            self.skipTest("no /run of our own can be mounted here")

    def bench(self, *options: str) -> subprocess.CompletedProcess:
        words = [sys.executable, "-B", str(COMPARE.with_name("perf")), "--bin", str(lab.BIN)]
        done = subprocess.run([*words, *options], check=False, capture_output=True, text=True,
                              timeout=50)
        self.assertEqual(lab.links(), ["lo"])
        return done

    def test_all_pairs_take_turns(self) -> None:
        done = self.bench("--quick", "--jobs", "receive-1,udp-send", "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)  # 1: datagrams were lost
        said = json.loads(done.stdout)
        self.assertEqual([(result["job"], result["pair"]) for result in said],
                         [(job, pair) for job in ("receive-1", "udp-send")
                          for pair in ("stock", "server", "client")])
        for result in said:
            with self.subTest(job=result["job"], pair=result["pair"]):
                self.assertEqual(result["failures"], [])
                self.assertEqual(len(result["runs"]), 1)
                self.assertGreater(result["runs"][0]["gbit_per_second"], 0.1)
                self.assertEqual(result["ratio"] is None, result["pair"] == "stock")

    def test_says_which_ratio_is_too_small(self) -> None:
        done = self.bench("--quick", "--jobs", "receive-1", "--pairs", "stock,server", "--least",
                          "100")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^receive-1 +server .* below 100$")

    def test_wrong_options(self) -> None:
        for words, naming in (
            (("--rounds", "0"), "'0'"), (("--jobs", "sned"), "'sned'"),
            (("--pairs", "iperf2"), "'iperf2'"),
        ):
            done = self.bench(*words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn(naming, done.stderr)


class Ceiling(LabTest):
    """sluice_bare: little TCP, but what there is of it is right."""

    def setUp(self) -> None:
        process = subprocess.Popen([str(lab.BIN / "sluice_bare"), "--address", "10.0.5.100/24"],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertRegex(process.stdout.readline(), r"^ready: tun1, MTU 1500, ")

    def test_echo_and_close(self) -> None:
        text = os.urandom(100_000)
        with lab.connect(lab.V4, lab.ECHO) as client:
            client.sendall(text)  # more than a segment: what does not fit is sent again
            self.assertEqual(lab.receive_exactly(client, len(text)), text)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")

    def test_sink_acknowledges_all(self) -> None:
        with lab.connect(lab.V4, lab.IPERF) as client:
            client.sendall(bytes(50_000_000))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")

    def test_source_fills_a_window_that_closes_and_opens(self) -> None:
        with lab.connect(lab.V4, lab.CHARGEN) as client:
            time.sleep(0.3)
            got = lab.receive_exactly(client, 50_000_000)
        self.assertEqual(got.count(b"x"), len(got))

    def test_other_ports_are_refused(self) -> None:
        with self.assertRaises(ConnectionRefusedError):
            lab.connect(lab.V4, 80)

    def test_many_connections_one_after_the_other(self) -> None:
        for _ in range(2000):
            with lab.connect(lab.V4, lab.ECHO) as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")

    def test_wrong_use(self) -> None:
        self.assert_refused("--tun", "a/b", naming="a/b")
        self.assert_refused("--tun", "tun2", "--address", "there", naming="there")
        self.assert_refused("--tun", "tun2", "--mtu", "5", naming="5")
        self.assert_refused("--pin", "999", naming="999")
        self.assert_refused(naming="tun1 is taken")

    def assert_refused(self, *options: str, naming: str) -> None:
        with self.subTest(options=options):
            done = subprocess.run([str(lab.BIN / "sluice_bare"), *options], check=False,
                                  capture_output=True, text=True, timeout=20)
            self.assertGreater(done.returncode, 0)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertRegex(done.stderr, r"^sluice_bare: ")
            self.assertIn(naming, done.stderr)
