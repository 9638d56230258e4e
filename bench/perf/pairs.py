"""Pairs of a client and a server that speak iperf3's protocol, and one run of a client.

A pair that has a stock client is given it; the client of `sluice perf` is measured at a stock
server. The stock pair is in two namespaces, joined by a pair of virtual Ethernet devices.
"""

import json
import shutil
import subprocess
import threading
from dataclasses import dataclass

import place
from systems import CLIENT, GATEWAY, Bench, StartFailed, System, inside

MTU = 1500
REFERENCE = "stock"
PATIENCE = 10.0  # seconds, beyond the time of a run
OMITTED = 1  # seconds: slow start, and buffers that grow


class RunFailed(Exception):
    """One run went wrong; one line."""


@dataclass(frozen=True)
class Job:
    name: str
    words: tuple[str, ...]
    sends: bool  # the server; seen from a client of ours it is the other way round

    @property
    def is_udp(self) -> bool:
        return "-u" in self.words


UDP = ("-u", "-b", "1G", "-l", "1400", "-w", "4M")
JOBS = [
    Job("receive-1", (), False), Job("receive-8", ("-P", "8"), False),
    Job("send-1", (), True), Job("send-8", ("-P", "8"), True),
    Job("udp-receive", UDP, False), Job("udp-send", UDP, True),
]


@dataclass(frozen=True)
class Run:
    gbit_per_second: float  # that were received
    lost: int  # datagrams, or segments that were sent again
    missing_bytes: int  # that were sent, and not received when the test ended

    @staticmethod
    def of(job: Job, document: dict) -> "Run":
        end = document["end"]
        sent, received = end["sum_sent"], end["sum_received"]
        return Run(
            gbit_per_second=received["bits_per_second"] / 1e9,
            lost=end["sum"]["lost_packets"] if job.is_udp else sent["retransmits"],
            missing_bytes=sent["bytes"] - received["bytes"],
        )


def check_iperf3() -> None:
    if shutil.which("iperf3") is None:
        place.refuse("no command `iperf3`: run tools/setup")


class Pair(System):
    """A server that listens, and the words that start a client of it."""

    address = "10.0.5.1"

    def __init__(self, bench: Bench, workers: int) -> None:
        super().__init__(bench, MTU)
        self.workers = workers

    def pinned(self) -> list[str]:
        """Of sluice."""
        cpus = self.bench.system_cpus
        chosen = [str(cpus[number % len(cpus)]) for number in range(self.workers)]
        return ["--workers", str(self.workers), "--pin", ",".join(chosen)]

    def client(self) -> list[str]:
        return ["iperf3", "-c", self.address, "-A", str(self.bench.client_cpu_for(True))]

    def is_forward(self, job: Job) -> bool:
        return not job.sends

    def listen(self, namespace: str, *command: str) -> None:
        """Starts a server, and waits until it listens."""
        self.process = subprocess.Popen(inside(namespace, *command), stdin=subprocess.DEVNULL,
                                        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        heard = threading.Event()
        threading.Thread(target=self.read, args=(heard,), daemon=True).start()
        if not heard.wait(PATIENCE) or self.process.poll() is not None:
            raise StartFailed(self.end() or f"{command[0]} did not say that it listens")

    def read(self, heard: threading.Event) -> None:
        """What a server says of its tests nobody looks at."""
        for line in self.process.stdout:
            if "listening" in line:
                heard.set()


class Stock(Pair):
    name = REFERENCE
    address = GATEWAY

    def start(self) -> None:
        _, server = self.add_veth_pair()
        self.listen(server, "iperf3", "-s", "--forceflush", "-A", str(self.bench.system_cpus[0]))


class OurServer(Pair):
    name = "server"

    def start(self) -> None:
        self.listen(self.add_namespace(), str(self.bench.bin / "sluice"), "perf", "-s",
                    *self.device_options(), *self.pinned())


class OurClient(Pair):
    """At a stock server, on the kernel's side of the client's own device."""

    name = "client"
    address = CLIENT

    def start(self) -> None:
        cpu = str(self.bench.client_cpu_for(True))
        self.listen(self.add_namespace(), "iperf3", "-s", "--forceflush", "-A", cpu)

    def client(self) -> list[str]:
        return [str(self.bench.bin / "sluice"), "perf", "-c", self.address, *self.device_options(),
                *self.pinned()]

    def is_forward(self, job: Job) -> bool:
        return job.sends


PAIRS = {pair.name: pair for pair in (Stock, OurServer, OurClient)}


def run_client(bench: Bench, job: Job, pair: Pair, seconds: int) -> Run:
    words = [*pair.client(), *job.words, "-t", str(seconds), "-O", str(OMITTED), "-J"]
    words += [] if job.is_udp else ["-C", bench.congestion]
    words += [] if pair.is_forward(job) else ["-R"]
    limit = seconds + OMITTED + PATIENCE
    try:
        done = subprocess.run(inside(pair.client_namespace, *words), capture_output=True, text=True,
                              timeout=limit, check=False)
        document = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise RunFailed(pair.end() or f"the client took more than {limit:.0f} s") from None
    except ValueError:
        raise RunFailed(pair.end() or done.stderr.strip() or "no JSON") from None
    if "error" in document:
        raise RunFailed(pair.end() or document["error"])
    return Run.of(job, document)
