"""The examples build on the public headers alone, start, serve and stop."""

import fcntl
import os
import re
import signal
import struct
import subprocess
from pathlib import Path

import lab
from lab import V4, V6, LabTest

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "examples"
PUBLIC = {"config", "coroutine", "engine", "listener", "stats", "stream"}

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
LINES = {"coroutine_echo.cpp": 15, "echo_server.cpp": 30, "two_stacks.c": 99, "tun_echo.c": 149}


class Examples(LabTest):
    def start(self, name: str, *arguments: str, device: str = "tun1", keep: tuple[int, ...] = ()):
        process = subprocess.Popen([str(lab.BIN / name), *arguments], pass_fds=keep)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assert_becomes(lambda: device in lab.links(), True, f"presence of {device}")
        return process

    def start_serving(self, name: str, port: int):
        process = self.start(name)
        for address in (V4, V6):
            self.assert_becomes(lambda address=address: lab.is_served(address, port), True,
                                f"service at {address}")
        return process

    def set_up(self, device: str) -> None:
        for words in ("address add 10.0.5.100/24 dev {}", "address add fd05::100/64 dev {} nodad",
                      "link set {} up"):
            self.run_ok("ip", *words.format(device).split())

    def assert_ends(self, process: subprocess.Popen) -> None:
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(lab.PATIENCE), 0)
        self.assertEqual(lab.links(), ["lo"])

    def test_echo_server(self) -> None:
        process = self.start_serving("echo_server", lab.ECHO)
        for address in (V4, V6):
            lab.echo(address, 10_000_000)
        self.assert_ends(process)

    def test_coroutine_echo(self) -> None:
        process = self.start_serving("coroutine_echo", lab.ECHO)
        for address in (V4, V6):
            lab.echo(address, 10_000_000)
        self.assert_ends(process)

    def test_two_stacks(self) -> None:
        self.assertEqual(self.run_ok(str(lab.BIN / "two_stacks")), "hello, stack\n")

    def test_tun_echo_makes_its_device(self) -> None:
        process = self.start("tun_echo", "tun7", f"{V4} {V6}", device="tun7")
        self.set_up("tun7")
        for address in (V4, V6):
            self.run_ok("ping", "-c", "1", "-W", "5", address)
            lab.echo(address, 5_000_000)
        lab.echo(V4, 1000, half_close=False)  # the peer's close ends it likewise
        self.assertIsNone(process.poll())

    def test_tun_echo_takes_a_descriptor(self) -> None:
        device = os.open("/dev/net/tun", os.O_RDWR)
        self.addCleanup(os.close, device)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"tun8", IFF_TUN | IFF_NO_PI))
        self.set_up("tun8")
        process = self.start("tun_echo", str(device), V4, device="tun8", keep=(device,))
        lab.echo(V4, 5_000_000)
        self.assertIsNone(process.poll())

    def test_tun_echo_says_what_is_wrong(self) -> None:
        for arguments, naming in (((), "usage:"), (("tun7",), "usage:"), (("lo", V4), "lo: "),
                                  (("99", V4), "99: "), (("tun7", "10.0.5.300"), "10.0.5.300"),
                                  (("sixteenletters16", V4), "sixteenletters16: ")):
            with self.subTest(arguments=arguments):
                done = subprocess.run([str(lab.BIN / "tun_echo"), *arguments], check=False,
                                      capture_output=True, text=True, timeout=20)
                self.assertGreater(done.returncode, 0)
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
                self.assertIn(naming, done.stderr)

    def test_http_server(self) -> None:
        process = self.start_serving("http_server", 8080)
        for host in (V4, f"[{V6}]"):
            said = self.run_ok("curl", "-sS", "--max-time", "10", f"http://{host}:8080/")
            self.assertRegex(said, r"^Hello .* your round trip is \d+ microseconds")
        self.assert_ends(process)

    def test_they_include_public_headers_only(self) -> None:
        sources = sorted(FOLDER.glob("*.c*"))
        self.assertEqual(len(sources), 5)
        for source in sources:
            included = re.findall(r'^#include "(.*)"', source.read_text(encoding="utf-8"), re.M)
            self.assertTrue(included)
            public = "sluice.h" if source.suffix == ".c" else rf"({'|'.join(sorted(PUBLIC))})\.hpp"
            for header in included:
                self.assertRegex(header, rf"^dataplane/{public}$")

    def test_they_are_short(self) -> None:
        for name, limit in LINES.items():
            lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
            self.assertLessEqual(len(lines), limit, name)
