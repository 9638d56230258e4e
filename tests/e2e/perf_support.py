"""What the tests of `sluice perf` share: servers and clients, ours and stock ones, in one namespace.

The engine of a server of ours is behind tun1 (10.0.5.0/24, fd05::/64) and answers at .101; that of a
client of ours is behind tun2 (10.0.6.0/24, fd06::/64), where a stock server is reached at .100.

With PERF_SUBJECT=iperf3 stock programs take the place of ours, at the same addresses: what fails
then is wrong with the test. But a stock server does not survive all of perf_hostile_test.py.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import lab
import perf_json
from lab import LabTest

SUBJECT = os.environ.get("PERF_SUBJECT", "sluice")
IS_OURS = SUBJECT == "sluice"
STOCK = "iperf3"

SERVER_V4, SERVER_V6 = "10.0.5.101", "fd05::101"  # a server of ours
KERNEL_V4, KERNEL_V6 = "10.0.6.100", "fd06::100"  # where a client of ours finds a stock one
CLIENT_V4, CLIENT_V6 = "10.0.6.101", "fd06::101"  # a client of ours
LOOP_V4, LOOP_V6 = "127.0.0.1", "::1"  # where stock meets stock
PORT = 5201

ours_only = unittest.skipUnless(IS_OURS, "stock iperf3 does not do this")

NOT_YET = ("Connection refused", "No route to host", "Network is unreachable",
           "Cannot assign requested address")


@dataclass
class Client:
    """A client that has ended."""

    words: list[str]
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"{' '.join(self.words)}: exit status {self.code}\n{self.out}{self.err}"

    @property
    def document(self) -> dict:
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"{error} in the JSON of {self.said}") from None


def stock_client(address: str, *options: str) -> list[str]:
    """Its congestion control is CUBIC, unless the test says it."""
    return [STOCK, "-c", address, *with_cubic(options)]


def with_cubic(options: tuple[str, ...]) -> tuple[str, ...]:
    return options if {"-C", "-u"} & set(options) else (*options, "-C", "cubic")


def subject_client(address: str, *options: str) -> list[str]:
    if IS_OURS:
        return [lab.SLUICE, "perf", "-c", address, *lab.with_defaults(with_cubic(options))]
    if "-u" in options:  # a server on lo would answer from the very address that asks
        return stock_client(address, *options)
    return stock_client(address, *options, "-B", CLIENT_V6 if ":" in address else CLIENT_V4)


def run_once(words: list[str], timeout: float = 60) -> Client:
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"{late}: {late.stdout}{late.stderr}") from None
    return Client(words, done.returncode, done.stdout, done.stderr)


def run_client(words: list[str], timeout: float = 60) -> Client:
    """Tries again while nobody listens yet."""
    end = time.monotonic() + lab.PATIENCE
    while True:
        client = run_once(words, timeout)
        if not any(each in client.out + client.err for each in NOT_YET):
            return client
        if time.monotonic() > end:
            raise AssertionError(f"nobody listens: {client.said}")
        time.sleep(0.05)


class Server:
    """A server that runs. What it prints goes to files."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.folder = tempfile.TemporaryDirectory()
        self.out_path = Path(self.folder.name, "out")
        self.err_path = Path(self.folder.name, "err")
        self.taken = 0  # documents
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            command = ["setpriv", "--pdeathsig", "KILL", *words]
            self.process = subprocess.Popen(command, stdout=out, stderr=err)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def out(self) -> str:
        return self.out_path.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self.err_path.read_text(encoding="utf-8")

    def documents(self) -> list[dict]:
        """Those that are complete."""
        text, at, found = self.out, 0, []
        decoder = json.JSONDecoder()
        while match := re.compile(r"\s*(?=\{)").match(text, at):
            try:
                document, at = decoder.raw_decode(text, match.end())
            except ValueError:
                break
            found.append(document)
        return found

    def wait_for(self, what, description: str):
        """The first true value of `what()`."""
        end = time.monotonic() + lab.PATIENCE
        while not (found := what()):
            if time.monotonic() > end or self.process.poll() is not None:
                found = what()
                if found:
                    return found
                raise AssertionError(
                    f"no {description} from {' '.join(self.words)} (exit status "
                    f"{self.process.poll()}): {self.out}{self.err}"
                )
            time.sleep(0.01)
        return found

    def wait_listening(self, times: int = 1) -> None:
        self.wait_for(lambda: self.out.count("Server listening on") >= times, "listening server")

    def next_document(self) -> dict:
        """Of the test after the one asked for last, when it has come."""
        document = self.wait_for(lambda: self.documents()[self.taken :], "further document")[0]
        self.taken += 1
        return document

    def wait(self) -> int:
        return self.process.wait(lab.PATIENCE)

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.folder.cleanup()


@dataclass(frozen=True)
class Holdings:
    """What a process holds of the machine."""

    resident_bytes: int
    descriptors: int

    @staticmethod
    def of(pid: int) -> "Holdings":
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return Holdings(pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{pid}/fd")))


class PerfTest(LabTest):
    """With stock servers and clients, and ours."""

    def setUp(self) -> None:
        if IS_OURS:
            return
        for address in (SERVER_V4, SERVER_V6, KERNEL_V4, KERNEL_V6, CLIENT_V4, CLIENT_V6):
            nodad = ["nodad"] if ":" in address else []
            self.run_ok("ip", "address", "add", address, "dev", "lo", *nodad)

    @staticmethod
    def forward() -> None:
        """The namespace becomes a router between its devices."""
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path("/proc/sys/net", switch).write_text("1\n", encoding="ascii")

    def start(self, words: list[str]) -> Server:
        server = Server(words)
        self.addCleanup(server.kill)
        return server

    def subject_server(self, *options: str) -> Server:
        """Listens on port 5201 of the SERVER_ addresses."""
        if IS_OURS:
            return self.listening([lab.SLUICE, "perf", "-s", *lab.with_defaults(options)])
        return self.stock_server(*options)

    def stock_server(self, *options: str) -> Server:
        return self.listening([STOCK, "-s", "--forceflush", *options])

    def listening(self, words: list[str]) -> Server:
        """As JSON it says so to nobody: clients try again."""
        server = self.start(words)
        if not {"-J", "--json", "--logfile"} & set(words):
            server.wait_listening()
        return server

    def assert_done(self, client: Client) -> None:
        self.assertEqual(client.code, 0, client.said)
        self.assertEqual(client.err, "", client.said)

    def run_client_ok(self, words: list[str], timeout: float = 60) -> Client:
        client = run_client(words, timeout)
        self.assert_done(client)
        return client

    def run_both(self, *several: list[str]) -> list[Client]:
        """At once, each at a server of its own."""
        with ThreadPoolExecutor() as beside:
            return list(beside.map(self.run_client_ok, several))

    def document_of(self, words: list[str], timeout: float = 60) -> dict:
        """The JSON of a client that ends well, and adds up."""
        document = self.run_client_ok([*words, "-J"], timeout).document
        self.assertNotIn("error", document)
        return document

    def assert_same_shape(self, found: dict, wanted: dict, who: str) -> None:
        self.assertEqual(perf_json.differences(found, wanted), [], f"JSON of the {who}")

    def assert_adds_up(self, document: dict, who: str) -> None:
        self.assertEqual(list(perf_json.sum_errors(document)), [], f"JSON of the {who}")

    def assert_counts_cross(self, client: dict, server: dict,
                            server_knows: bool = IS_OURS) -> None:
        self.assertEqual(list(perf_json.count_errors(client, server, server_knows)), [])

    def assert_one_line(self, text: str, *naming: str) -> None:
        self.assertEqual(text.count("\n"), 1, text)
        for name in naming:
            self.assertIn(name, text)
