"""What the tests on a real device share: a private namespace, `sluice run` in it, and clients."""

import fcntl
import hashlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

BIN = Path(os.environ.get("SLUICE_BIN", "."))  # where the programs under test lie
SLUICE = str(BIN / "sluice")
OPTIONS = os.environ.get("SLUICE_OPTIONS", "").split()  # that every engine gets
WORKERS = int(OPTIONS[OPTIONS.index("--workers") + 1]) if "--workers" in OPTIONS else 1

V4, V6 = "10.0.5.101", "fd05::101"  # two of the many addresses that the engine answers on
KERNEL_V4, KERNEL_V6 = "10.0.5.100", "fd05::100"
ECHO, DISCARD, CHARGEN, HTTP, IPERF = 7, 9, 19, 80, 5001

PATIENCE = 20.0  # seconds that any single step may take
LINE, CHARACTERS = 72, bytes(range(32, 127))
# RFC 864: each line begins one character later; the pattern repeats after 95 lines.
CYCLE = b"".join(
    (CHARACTERS[line:] + CHARACTERS)[:LINE] + b"\r\n" for line in range(len(CHARACTERS))
)


# --- the namespace ------------------------------------------------------------------------------


def namespace_command() -> list[str]:
    """The words before a command that give it a network and mounts of its own; [] if refused."""
    command = ["unshare", "--net", "--mount", "--propagation", "private"]
    as_user = [*command, "--user", "--map-root-user"]
    for words in [command, as_user] if os.geteuid() == 0 else [as_user]:
        if subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0:
            return words
    return []


def settle_in() -> None:
    """Loopback up, and a /run of our own: named namespaces made here are seen by nobody else."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=False, capture_output=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))


def links() -> list[str]:
    """The names of the namespace's network devices."""
    listed = subprocess.run(["ip", "-json", "link"], check=True, capture_output=True)
    return [link["ifname"] for link in json.loads(listed.stdout)]


# --- the engine ---------------------------------------------------------------------------------


def with_defaults(options: tuple[str, ...]) -> list[str]:
    """OPTIONS first, unless the test says itself how many workers there are."""
    return list(options) if "--workers" in options else [*OPTIONS, *options]


class Engine:
    """A `sluice run --json`, started and ready."""

    def __init__(self, *options: str, program: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*program, SLUICE, "run", "--json", *with_defaults(options)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        try:
            self.ready = self.read_line()["ready"]
        except Exception:
            self.process.kill()
            self.process.wait()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def read_line(self) -> dict:
        assert self.process.stdout is not None and self.process.stderr is not None
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if readable else b""
        if not line:
            self.process.kill()
            said = self.process.stderr.read().decode()
            if "cannot misroute" in said:  # it takes eBPF
                raise unittest.SkipTest(said)
            raise AssertionError(f"sluice said nothing: {said}")
        return json.loads(line)

    def totals(self) -> dict:
        self.process.send_signal(signal.SIGUSR1)
        return self.read_line()["totals"]

    def stop(self, number: int = signal.SIGINT) -> tuple[int, dict]:
        """The exit code and the last totals."""
        self.process.send_signal(number)
        totals = self.read_line()["totals"]
        return self.process.wait(PATIENCE), totals

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class KernelLosses:
    """What the namespace's TCP takes for lost, since the namespace was made."""

    resent: int
    timeouts: int
    probes: int

    @staticmethod
    def now() -> "KernelLosses":
        more = kernel_counters("TcpExt", "netstat")
        resent = kernel_counters("Tcp")["RetransSegs"]
        return KernelLosses(resent, more["TCPTimeouts"], more["TCPLossProbes"])

    def __sub__(self, before: "KernelLosses") -> "KernelLosses":
        return KernelLosses(
            self.resent - before.resent, self.timeouts - before.timeouts,
            self.probes - before.probes,
        )


class LabTest(unittest.TestCase):
    """A test in the private namespace."""

    def engine(self, *options: str) -> Engine:
        engine = Engine(*options)
        self.addCleanup(engine.kill)
        return engine

    def assert_stops_well(self, engine: Engine, number: int = signal.SIGINT) -> dict:
        code, totals = engine.stop(number)
        self.assertEqual(code, 0)
        self.assertEqual(totals["connections"]["now"], 0)
        self.assertEqual(links(), ["lo"], "nothing stays behind")
        return totals

    def assert_becomes(self, value, wanted, what: str) -> None:
        """`value()` is `wanted` within PATIENCE."""
        end = time.monotonic() + PATIENCE
        while (found := value()) != wanted:
            self.assertLess(time.monotonic(), end, f"{what} is {found}, not {wanted}")
            time.sleep(0.05)

    def assert_no_connections(self, engine: Engine) -> None:
        self.assert_becomes(
            lambda: engine.totals()["connections"]["now"], 0, "number of connections"
        )

    def assert_nothing_was_resent(self, ours: dict, theirs: KernelLosses) -> None:
        """But for tail probes: a machine that stands still for two round trips looks like a loss
        of the last segment, and the stack that asks is right to ask."""
        self.assertEqual(ours["timeouts"], 0, ours)
        self.assertEqual(ours["fast_retransmits"], 0, ours)
        self.assertLessEqual(ours["retransmitted"], ours["tail_probes"], ours)
        self.assertEqual(theirs.timeouts, 0, theirs)
        self.assertLessEqual(theirs.resent, theirs.probes, theirs)

    def run_ok(self, *command: str, timeout: float = 60) -> str:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=timeout
        )
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout


def at_best(measure, is_good, tries: int = 3):
    """The first value of `measure()` that is good, or the last: a machine that stands still for a
    moment spoils one of them, a fault spoils all."""
    for _ in range(tries):
        if is_good(value := measure()):
            break
    return value


# --- clients ------------------------------------------------------------------------------------


def connect(address: str, port: int) -> socket.socket:
    """A connection that gives up after PATIENCE; CUBIC, whatever the machine's default is."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM)
    try:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
    except OSError:
        pass  # then the default, which is slower
    client.settimeout(PATIENCE)
    client.connect((address, port))
    return client


def is_served(address: str, port: int) -> bool:
    try:
        connect(address, port).close()
    except OSError:
        return False
    return True


def wait_until_acknowledged(client: socket.socket) -> None:
    """Until the peer has all that was sent."""
    end = time.monotonic() + PATIENCE
    while any(fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4))):
        if time.monotonic() > end:
            raise AssertionError("the peer does not acknowledge what was sent")
        time.sleep(0.001)


def receive_exactly(client: socket.socket, count: int) -> bytes:
    parts = []
    while count > 0:
        part = client.recv(min(count, 1 << 20))
        if not part:
            raise AssertionError(f"the peer ended {count} bytes early")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_chargen(client: socket.socket, count: int) -> None:
    """Reads at least `count` bytes and compares each with RFC 864."""
    expected = CYCLE * (2 + (1 << 20) // len(CYCLE))
    position = 0
    while position < count:
        part = client.recv(1 << 20)
        offset = position % len(CYCLE)
        if not part or part != expected[offset : offset + len(part)]:
            raise AssertionError(f"chargen is wrong after byte {position}")
        position += len(part)


def echo(address: str, count: int, half_close: bool = True) -> None:
    """Sends `count` bytes to the echo service and compares the SHA-256 of what comes back."""
    block = os.urandom(1 << 20)
    sent, echoed = hashlib.sha256(), hashlib.sha256()
    with connect(address, ECHO) as client:

        def send() -> None:
            left = count
            while left > 0:
                part = block[: min(left, len(block))]
                client.sendall(part)
                sent.update(part)
                left -= len(part)
            if half_close:
                client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        left = count
        while left > 0 and (part := client.recv(1 << 20)):
            echoed.update(part)
            left -= len(part)
        sender.join()
        if left != 0 or sent.digest() != echoed.digest():
            raise AssertionError(f"{count - left} of {count} bytes came back, or not the same")
        if half_close and client.recv(1) != b"":
            raise AssertionError("more came back than was sent")


def iperf(address: str, seconds: int, connections: int = 1) -> float:
    """Gbit/s into the iperf 2 sink."""
    words = ["iperf", "-Z", "cubic", "-c", address, "-t", str(seconds), "-y", "C"]
    words += ["-P", str(connections)] + (["-V"] if ":" in address else [])
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    rows = [line.split(",") for line in done.stdout.split()]
    if len(rows) != connections:
        raise AssertionError(f"{' '.join(words)} said: {done.stdout}{done.stderr}")
    return sum(float(row[8]) for row in rows) / 1e9


def kernel_counters(protocol: str, file: str = "snmp") -> dict[str, int]:
    """The namespace's own /proc/net/snmp, row `protocol`; or another such file."""
    rows = Path("/proc/self/net", file).read_text(encoding="ascii").splitlines()
    names, values = (row.split()[1:] for row in rows if row.startswith(protocol + ":"))
    return dict(zip(names, map(int, values)))


if __name__ == "__main__":
    sys.exit("this is a library: run run.py")
