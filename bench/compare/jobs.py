"""The jobs, and one run of one of them by the client, which is the same for all systems."""

import json
import subprocess
from dataclasses import dataclass

from systems import ADDRESS, ADDRESSES, Bench, System, inside

WARMUP = 0.2  # seconds, not counted: slow start, and buffers that grow
WRONG_CONGESTION = 3  # exit status of sluice_load
PATIENCE = 15.0  # seconds that a run may take beyond its time


class RunFailed(Exception):
    """One run went wrong; one line."""


class Refused(Exception):
    """No run can be compared with another; one line."""


@dataclass(frozen=True)
class Job:
    name: str
    words: tuple[str, ...]  # for sluice_load
    connections: int

    @property
    def is_bulk(self) -> bool:
        return self.words[0] == "bulk"

    @property
    def unit(self) -> str:
        return "Gbit/s" if self.is_bulk else "1/s"


def bulk(direction: str, connections: int) -> Job:
    return Job(f"bulk-{direction}-{connections}", ("bulk", "--direction", direction), connections)


JOBS = [
    *(bulk(direction, count) for direction in ("in", "out", "both") for count in (1, 8)),
    Job("request-1", ("request",), 1),
    Job("request-16", ("request",), 16),
    Job("connect-1", ("connect", "--addresses", str(ADDRESSES)), 1),
]


@dataclass(frozen=True)
class Run:
    """What one run came to. CPU: seconds for each gigabyte, or microseconds for each operation."""

    value: float  # in the job's unit
    system_cpu: float
    machine_cpu: float
    p50_us: float | None
    p99_us: float | None

    @staticmethod
    def of(job: Job, said: dict) -> "Run":
        moved = said["bytes_in"] + said["bytes_out"]
        amount = moved / 1e9 if job.is_bulk else said["operations"] / 1e6
        if amount == 0:
            raise RunFailed("nothing was done in the time")
        rate = moved * 8 / 1e9 if job.is_bulk else said["operations"]
        return Run(
            value=rate / said["seconds"],
            system_cpu=said["system_cpu_seconds"] / amount,
            machine_cpu=said["machine_cpu_seconds"] / amount,
            p50_us=said.get("p50_us"),
            p99_us=said.get("p99_us"),
        )


def check_congestion(bench: Bench) -> None:
    command = [str(bench.bin / "sluice_load"), "probe", "--congestion", bench.congestion]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())


def run_client(bench: Bench, job: Job, system: System, seconds: float) -> Run:
    assert system.process is not None
    command = inside(
        system.client_namespace, str(bench.bin / "sluice_load"), *job.words,
        "--address", ADDRESS, "--connections", str(job.connections),
        "--seconds", str(seconds), "--warmup", str(WARMUP),
        "--congestion", bench.congestion, "--pin", str(bench.client_cpu_for(job.is_bulk)),
        "--watch", str(system.process.pid),
    )
    limit = seconds + WARMUP + PATIENCE
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise RunFailed(system.end() or f"the client took more than {limit:.0f} s") from None
    if done.returncode == WRONG_CONGESTION:
        raise Refused(done.stderr.strip())
    if done.returncode != 0:
        raise RunFailed(system.end() or done.stderr.strip())
    return Run.of(job, json.loads(done.stdout))
