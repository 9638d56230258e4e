"""Starting, stopping, and what stays behind: nothing."""

import os
import signal
import subprocess
import time
from pathlib import Path

import lab
from lab import V4, LabTest


class Lifecycle(LabTest):
    def test_sigusr1_prints_totals_and_goes_on(self) -> None:
        engine = self.engine()
        lab.echo(V4, 1_000_000)
        first = engine.totals()
        self.assertEqual(first["bytes"]["tcp_in"], 1_000_000)
        lab.echo(V4, 1_000_000)
        self.assertEqual(engine.totals()["bytes"]["tcp_in"], 2_000_000)

    def test_totals_as_text(self) -> None:
        with subprocess.Popen([lab.SLUICE, "run"], stdout=subprocess.PIPE, text=True) as process:
            self.addCleanup(process.kill)
            self.assertRegex(process.stdout.readline(), r"^ready: tun1 10\.0\.5\.100/24 ")
            lab.echo(V4, 100_000)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=lab.PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(said, r"^totals:\n")
        self.assertRegex(said, r"connections +now 0 .* accepted 1 ")

    def drain(self, number: int) -> None:
        """What was sent before the signal arrives, and then a FIN."""
        engine = self.engine()
        text = os.urandom(500_000)
        with lab.connect(V4, lab.ECHO) as client:
            client.sendall(text)
            self.assert_becomes(
                lambda: engine.totals()["bytes"]["tcp_in"], len(text), "number of bytes echoed"
            )
            engine.process.send_signal(number)
            self.assertEqual(lab.receive_exactly(client, len(text)), text)
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(engine.process.wait(lab.PATIENCE), 0)
        self.assertEqual(engine.read_line()["totals"]["connections"]["closed"], 1)
        self.assertEqual(lab.links(), ["lo"])

    def test_sigint_drains(self) -> None:
        self.drain(signal.SIGINT)

    def test_sigterm_drains(self) -> None:
        self.drain(signal.SIGTERM)

    def test_stop_without_connections_is_quick(self) -> None:
        self.assertLess(lab.at_best(self.time_to_stop, lambda seconds: seconds < 1), 1)

    def time_to_stop(self) -> float:
        engine = self.engine()
        begin = time.monotonic()
        self.assert_stops_well(engine)
        return time.monotonic() - begin

    def test_stop_while_traffic_runs(self) -> None:
        engine = self.engine()
        with lab.connect(V4, lab.CHARGEN) as client:
            lab.read_chargen(client, 10_000_000)
            begin = time.monotonic()
            self.assert_stops_well(engine)  # nobody reads any more: reset after the drain
            self.assertLess(time.monotonic() - begin, 4)

    def test_restart_20_times_in_a_row(self) -> None:
        for _ in range(20):
            engine = self.engine()
            lab.echo(V4, 100_000)
            self.assert_stops_well(engine)

    def test_killed_it_leaves_nothing(self) -> None:
        engine = self.engine()
        lab.echo(V4, 100_000)
        engine.kill()
        self.assert_becomes(lab.links, ["lo"], "list of devices")
        lab_again = self.engine()
        lab.echo(V4, 100_000)
        self.assert_stops_well(lab_again)

    def test_second_instance_is_refused_and_the_first_goes_on(self) -> None:
        engine = self.engine()
        second = subprocess.run(
            [lab.SLUICE, "run"], check=False, capture_output=True, text=True, timeout=20
        )
        self.assertNotEqual(second.returncode, 0)
        self.assertEqual(second.stderr.count("\n"), 1)
        self.assertIn("tun1 is taken", second.stderr)
        lab.echo(V4, 1_000_000)
        self.assert_stops_well(engine)

    def test_two_instances_side_by_side(self) -> None:
        first = self.engine()
        second = self.engine("--tun", "tun2", "--address", "10.0.6.100/24")
        lab.echo("10.0.5.101", 1_000_000)
        lab.echo("10.0.6.101", 1_000_000)
        code, _ = first.stop()
        self.assertEqual(code, 0)
        lab.echo("10.0.6.101", 1_000_000)
        self.assert_stops_well(second)

    def test_under_timeout(self) -> None:
        done = subprocess.run(
            ["timeout", "1", lab.SLUICE, "run"],
            check=False, capture_output=True, text=True, timeout=20,
        )
        self.assertEqual(done.returncode, 124)  # timeout's own: it had to send SIGTERM
        self.assertIn("totals:", done.stdout)
        self.assertEqual(lab.links(), ["lo"])


class NamedNamespace(LabTest):
    """`--netns`: in a /run of the test's own."""

    def setUp(self) -> None:
        if not os.path.ismount("/run"):
            self.skipTest("no /run of our own can be mounted here")

    def assert_gone(self) -> None:
        self.assertEqual([path.name for path in Path("/run").glob("netns/*")], [])
        self.assertEqual(lab.links(), ["lo"])

    def serve_and_stop(self, number: int) -> None:
        engine = self.engine("--netns", "made")
        self.assertTrue(Path("/run/netns/made").exists())
        self.assertEqual(lab.links(), ["lo"], "the device is in the other namespace")
        said = self.run_ok("ip", "netns", "exec", "made", "ping", "-c", "3", "-i", "0.1", V4)
        self.assertIn("3 received", said)
        self.assert_stops_well(engine, number)
        self.assert_gone()

    def test_made_and_removed_at_sigint(self) -> None:
        self.serve_and_stop(signal.SIGINT)

    def test_made_and_removed_at_sigterm(self) -> None:
        self.serve_and_stop(signal.SIGTERM)

    def test_removed_when_the_start_fails(self) -> None:
        done = subprocess.run(
            [lab.SLUICE, "run", "--netns", "made", "--pin", "1000"],
            check=False, capture_output=True, text=True, timeout=20,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("1000", done.stderr)
        self.assert_gone()

    def test_one_that_exists_is_used_and_kept(self) -> None:
        self.run_ok("ip", "netns", "add", "kept")
        engine = self.engine("--netns", "kept")
        self.run_ok("ip", "netns", "exec", "kept", "ping", "-c", "1", V4)
        self.assert_stops_well(engine)
        self.assertTrue(Path("/run/netns/kept").exists())
        self.run_ok("ip", "netns", "delete", "kept")
