"""The examples build on the public headers alone, start, serve and stop."""

import re
import signal
import subprocess
import time
from pathlib import Path

import lab
from lab import V4, V6, LabTest

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "examples"
PUBLIC = {"config", "engine", "listener", "stats", "stream"}


class Examples(LabTest):
    def start(self, name: str) -> subprocess.Popen:
        process = subprocess.Popen([str(lab.BIN / name)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assert_becomes(lambda: "tun1" in lab.links(), True, "presence of tun1")
        time.sleep(0.2)
        return process

    def assert_ends(self, process: subprocess.Popen) -> None:
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(lab.PATIENCE), 0)
        self.assertEqual(lab.links(), ["lo"])

    def test_echo_server(self) -> None:
        process = self.start("echo_server")
        for address in (V4, V6):
            lab.echo(address, 10_000_000)
        self.assert_ends(process)

    def test_http_server(self) -> None:
        process = self.start("http_server")
        for host in (V4, f"[{V6}]"):
            said = self.run_ok("curl", "-sS", "--max-time", "10", f"http://{host}:8080/")
            self.assertRegex(said, r"^Hello .* your round trip is \d+ microseconds")
        self.assert_ends(process)

    def test_they_include_public_headers_only(self) -> None:
        sources = sorted(FOLDER.glob("*.cpp"))
        self.assertGreaterEqual(len(sources), 2)
        for source in sources:
            included = re.findall(r'^#include "(.*)"', source.read_text(encoding="utf-8"), re.M)
            self.assertTrue(included)
            for header in included:
                self.assertRegex(header, rf"^dataplane/({'|'.join(sorted(PUBLIC))})\.hpp$")

    def test_echo_server_has_at_most_30_lines(self) -> None:
        lines = (FOLDER / "echo_server.cpp").read_text(encoding="utf-8").splitlines()
        self.assertLessEqual(len(lines), 30)
