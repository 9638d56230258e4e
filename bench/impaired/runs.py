"""One run: an engine behind a worse wire, and one transfer through it."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from systems import ADDRESS, Bench, System, inside

SENDERS = ("sluice", "linux")
TRANSFER = Path(__file__).with_name("transfer.py")
SLOWEST = 0.5e6  # bits a second: what is slower has failed
MTU = 1500


class RunFailed(Exception):
    """One run went wrong; one line."""


@dataclass(frozen=True)
class Impairment:
    """What the wires do to packets. Where all is slow for want of window, not of processor, the
    rounds run at the same time, each behind wires of its own."""

    options: tuple[str, ...]
    at_once: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.options)


@dataclass(frozen=True)
class Run:
    mbit_per_second: float
    resent: int  # segments


class Wire(System):
    """An engine behind an impairment, in a namespace with the kernel's side of it."""

    def __init__(self, bench: Bench, impairment: Impairment, sender: str, turn: int) -> None:
        super().__init__(bench, MTU)
        self.name = f"{sender}-{turn}"
        # The wire to us draws from the seed, the one from us from the next: so the packets of both
        # senders meet the same fate, number by number.
        seed = 1000 + 10 * turn + (1 if sender == "linux" else 0)
        self.options = (*impairment.options, "--impair-seed", str(seed))

    def start(self) -> None:
        self.serve(self.add_namespace(), "sluice", "run", *self.device_options(), *self.options)

    def retransmitted(self) -> int:
        """Ends the engine."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate()
        return int(re.search(r"retransmitted (\d+)", said)[1])


def run_once(bench: Bench, impairment: Impairment, sender: str, turn: int, size: int) -> Run:
    with Wire(bench, impairment, sender, turn) as wire:
        direction = "from" if sender == "sluice" else "to"
        command = inside(wire.client_namespace, sys.executable, "-B", str(TRANSFER), direction,
                         ADDRESS, str(size))
        limit = 10 + size * 8 / SLOWEST
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit,
                                  check=False)
        except subprocess.TimeoutExpired:
            raise RunFailed(wire.end() or f"took more than {limit:.0f} s") from None
        if done.returncode != 0:
            raise RunFailed(wire.end() or done.stderr.strip().splitlines()[-1])
        said = json.loads(done.stdout)
        resent = wire.retransmitted() if sender == "sluice" else said["resent"]
        return Run(size * 8 / 1e6 / said["seconds"], resent)
