"""The systems under test. Each has a network namespace for the client and a process that serves.

All answer on 10.0.5.1 to 10.0.5.62, on the ports of `sluice run`; the client is 10.0.5.100.
"""

import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ADDRESS, ADDRESSES = "10.0.5.1", 62
SERVED = "10.0.5.0/26"  # holds them
CLIENT, GATEWAY, PREFIX = "10.0.5.100", "10.0.5.101", 24
QUEUE_LENGTH = 32768  # txqueuelen of every device
PATIENCE = 10.0  # seconds that a start may take


class StartFailed(Exception):
    """A system could not be set up; one line."""


@dataclass(frozen=True)
class Bench:
    """What is the same for all systems."""

    bin: Path
    congestion: str
    placement: str  # of request and connect: together or apart
    cpus: tuple[int, ...]

    @staticmethod
    def on_this_machine(folder: Path, congestion: str, placement: str) -> "Bench":
        return Bench(folder, congestion, placement, tuple(sorted(os.sched_getaffinity(0))))

    @property
    def system_cpus(self) -> tuple[int, ...]:
        """Of one worker, of the second, and so on: the client's comes last."""
        return (*self.cpus[1:], self.cpus[0])

    def client_cpu_for(self, bulk: bool) -> int:
        together = not bulk and self.placement == "together"
        return self.system_cpus[0] if together else self.cpus[0]


def call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartFailed(f"`{' '.join(words)}` failed: {done.stderr.strip()}")


def inside(namespace: str, *command: str) -> list[str]:
    """The words that run a command there; the kernel ends it should we be killed."""
    return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{namespace}", *command]


class System:
    """A context: set up on entry, gone on exit. `name` is unique within one comparison."""

    name = ""

    def __init__(self, bench: Bench, mtu: int) -> None:
        self.bench = bench
        self.mtu = mtu
        self.process: subprocess.Popen | None = None
        self.namespaces: list[str] = []

    def __enter__(self) -> "System":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        for namespace in self.namespaces:
            call("ip", "netns", "delete", namespace)

    def start(self) -> None:
        raise NotImplementedError

    def does(self, connections: int) -> bool:
        """Whether it takes part in jobs of so many connections."""
        return connections > 0

    @property
    def client_namespace(self) -> str:
        return self.namespaces[0]

    def end(self) -> str:
        """How the process ended, or nothing while it lives."""
        if self.process is None or self.process.poll() is None:
            return ""
        _, said = self.process.communicate()
        reason = said.strip().splitlines()[-1:] or [f"exit status {self.process.returncode}"]
        return f"{self.name} ended: {reason[0]}"

    def add_namespace(self, suffix: str = "") -> str:
        namespace = self.name + suffix
        call("ip", "netns", "add", namespace)
        self.namespaces.append(namespace)
        call("ip", "-netns", namespace, "link", "set", "lo", "up")
        return namespace

    def add_veth_pair(self) -> tuple[str, str]:
        """The client's namespace and the server's, joined by virtual Ethernet devices."""
        client, server = self.add_namespace("-client"), self.add_namespace("-server")
        device = ["mtu", str(self.mtu), "txqueuelen", str(QUEUE_LENGTH)]
        call("ip", "-netns", client, "link", "add", "veth0", *device,
             "type", "veth", "peer", "name", "veth0", *device, "netns", server)
        for namespace, address in ((client, CLIENT), (server, GATEWAY)):
            at = ["ip", "-netns", namespace]
            call(*at, "address", "add", f"{address}/{PREFIX}", "dev", "veth0")
            call(*at, "link", "set", "veth0", "up")
        return client, server

    def serve(self, namespace: str, program: str, *options: str) -> None:
        """Starts the process and waits for the line in which it says that it is ready."""
        command = inside(namespace, str(self.bench.bin / program), *options)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if readable and self.process.stdout.readline().startswith("ready"):
            return
        time.sleep(0.1)  # for one that is about to end
        raise StartFailed(self.end() or f"{program} did not say that it is ready")

    def serve_with_kernel(self, namespace: str) -> None:
        self.serve(namespace, "sluice_load", "serve", "--congestion", self.bench.congestion,
                   "--pin", str(self.bench.system_cpus[0]))

    def device_options(self) -> list[str]:
        return ["--address", f"{CLIENT}/{PREFIX}", "--mtu", str(self.mtu),
                "--queue-length", str(QUEUE_LENGTH)]


class Sluice(System):
    def __init__(self, bench: Bench, mtu: int, workers: int = 1) -> None:
        super().__init__(bench, mtu)
        self.workers = workers
        self.name = "sluice" if workers == 1 else f"sluice-{workers}"

    def does(self, connections: int) -> bool:
        return self.workers == 1 or connections > 1

    def start(self) -> None:
        cpus = self.bench.system_cpus[: self.workers]
        self.serve(self.add_namespace(), "sluice", "run", *self.device_options(),
                   "--workers", str(self.workers), "--pin", ",".join(map(str, cpus)))


class Bare(System):
    name = "bare"

    def start(self) -> None:
        self.serve(self.add_namespace(), "sluice_bare", *self.device_options(),
                   "--pin", str(self.bench.system_cpus[0]))


class Veth(System):
    """The kernel behind a pair of virtual Ethernet devices."""

    name = "veth"

    def start(self) -> None:
        client, server = self.add_veth_pair()
        call("ip", "-netns", client, "route", "add", SERVED, "via", GATEWAY)
        call("ip", "-netns", server, "route", "add", "local", SERVED, "dev", "lo")
        self.serve_with_kernel(server)


class Loopback(System):
    """The kernel with itself."""

    name = "loopback"

    def start(self) -> None:
        at = ["ip", "-netns", self.add_namespace()]
        call(*at, "link", "set", "lo", "mtu", str(self.mtu), "txqueuelen", str(QUEUE_LENGTH))
        call(*at, "address", "add", f"{CLIENT}/32", "dev", "lo")
        call(*at, "route", "add", "local", SERVED, "dev", "lo", "src", CLIENT)
        self.serve_with_kernel(self.client_namespace)


SYSTEMS = {"sluice": Sluice, "veth": Veth, "loopback": Loopback, "bare": Bare}
