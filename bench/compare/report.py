"""Medians, spread and ratios, as tables or as JSON."""

import argparse
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

from jobs import WARMUP, Job, Run
from systems import QUEUE_LENGTH, Bench

REFERENCES = ("veth", "bare")
QUIET = 0.1  # of the machine: what others may use


@dataclass
class Result:
    """All runs of one job on one system."""

    mtu: int
    job: Job
    system: str
    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)  # by the name of the other system

    def median(self, what: str) -> float | None:
        """Of a field of Run; None when no run has it."""
        values = [getattr(run, what) for run in self.runs if getattr(run, what) is not None]
        return statistics.median(values) if values else None

    @property
    def values(self) -> list[float]:
        return [run.value for run in self.runs]


def add_ratios(results: list[Result]) -> None:
    """Of medians, to the systems that the others are measured by."""
    for other in results:
        if other.system not in REFERENCES or not other.runs:
            continue
        for result in results:
            if result.runs and (result.mtu, result.job) == (other.mtu, other.job):
                result.ratios[other.system] = result.median("value") / other.median("value")


# --- the circumstances --------------------------------------------------------------------------


def cpu_ticks() -> tuple[int, int]:
    """Of all CPUs since the start of the machine: busy or stolen, and in all."""
    line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    user, nice, system, idle, io_wait, *others = map(int, line.split()[1:9])
    busy = user + nice + system + sum(others)
    return busy, busy + idle + io_wait


def busy_share(seconds: float = 0.5) -> float:
    """How much of the machine others use, while nothing of ours runs: 0 to 1."""
    busy, ticks = cpu_ticks()
    time.sleep(seconds)
    busy_then, ticks_then = cpu_ticks()
    return round((busy_then - busy) / max(1, ticks_then - ticks), 3)


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine() -> dict:
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "model": cpu_model(),
            "busy_before": busy_share()}


def fixed(options: argparse.Namespace, bench: Bench) -> dict:
    program = bench.bin / "sluice"
    built = datetime.fromtimestamp(program.stat().st_mtime)
    return {
        "sluice": str(program),
        "built": built.isoformat(" ", "minutes"),
        "congestion": bench.congestion,
        "txqueuelen": QUEUE_LENGTH,
        "system_cpus": list(bench.system_cpus[: options.workers]),
        "client_cpu_bulk": bench.client_cpu_for(True),
        "client_cpu_other": bench.client_cpu_for(False),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "warmup": WARMUP,
    }


def heading(facts: dict) -> list[str]:
    this, same = facts["machine"], facts["fixed"]
    system = ",".join(map(str, same["system_cpus"]))
    return [
        f"sluice     {same['sluice']}, built {same['built']}",
        f"machine    Linux {this['kernel']}, {this['cpus']} CPUs, {this['model']}; "
        f"others use {this['busy_before']:.0%} of it",
        f"for all    {same['congestion']} on kernel sockets (each is asked), "
        f"txqueuelen {same['txqueuelen']}",
        f"pinned     systems to CPU {system}; client to CPU {same['client_cpu_bulk']} for bulk, "
        f"to CPU {same['client_cpu_other']} for request and connect",
        f"runs       {same['rounds']} in turns, {same['seconds']} s each "
        f"after {same['warmup']} s of warm-up",
    ]


def footing(facts: dict) -> list[str]:
    shares = [facts["machine"][when] for when in ("busy_before", "busy_after")]
    lines = [
        "",
        "CPU: seconds for each gigabyte of bulk; microseconds for each request, or connection.",
        f"Took {facts['took_seconds']:.0f} s; others used {shares[0]:.0%} of the machine before, "
        f"{shares[1]:.0%} after.",
    ]
    if max(shares) > QUIET:
        lines.append("The machine is not quiet: these figures say little. Repeat them when it is.")
    return lines


# --- results ------------------------------------------------------------------------------------


def rounded(value: float | None) -> float | None:
    """Six digits are more than a measurement has."""
    return None if value is None else float(f"{value:.6g}")


def as_dict(result: Result) -> dict:
    cpu_unit = "s/GB" if result.job.is_bulk else "us/operation"
    return {
        "mtu": result.mtu,
        "job": result.job.name,
        "connections": result.job.connections,
        "system": result.system,
        "unit": result.job.unit,
        "median": rounded(result.median("value")),
        "min": rounded(min(result.values, default=None)),
        "max": rounded(max(result.values, default=None)),
        "values": [rounded(value) for value in result.values],
        "ratio_to_veth": rounded(result.ratios.get("veth")),
        "ratio_to_bare": rounded(result.ratios.get("bare")),
        "cpu_unit": cpu_unit,
        "system_cpu": rounded(result.median("system_cpu")),
        "machine_cpu": rounded(result.median("machine_cpu")),
        "p50_us": rounded(result.median("p50_us")),
        "p99_us": rounded(result.median("p99_us")),
        "failures": result.failures,
    }


ROW = "{:<12} {:<9} {:>9} {:>17} {:>7} {:>6} {:>6} {:>9} {:>9}  {}"


def shown(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def row(result: Result) -> str:
    if not result.runs:
        return f"{result.job.name:<12} {result.system:<9} failed: {result.failures[0]}"
    digits = 1 if result.job.is_bulk else 0
    low, high = shown(min(result.values), digits), shown(max(result.values), digits)
    latency = ""
    if result.median("p50_us") is not None:
        latency = f"{shown(result.median('p50_us'), 1)} / {shown(result.median('p99_us'), 1)}"
    if result.failures:
        latency += f"  {len(result.failures)} failed: {result.failures[0]}"
    return ROW.format(
        result.job.name, result.system, shown(result.median("value"), digits), f"{low}..{high}",
        result.job.unit, shown(result.ratios.get("veth")), shown(result.ratios.get("bare")),
        shown(result.median("system_cpu")), shown(result.median("machine_cpu")), latency,
    ).rstrip()


def tables(results: list[Result]) -> list[str]:
    lines = []
    for mtu, of_mtu in groupby(results, key=lambda result: result.mtu):
        lines += ["", ROW.format(f"MTU {mtu}", "system", "median", "min..max", "", "/veth",
                                 "/bare", "its CPU", "all CPUs", "p50 / p99 us").rstrip()]
        for _, of_job in groupby(of_mtu, key=lambda result: result.job.name):
            lines += [row(result) for result in of_job] + [""]
        lines.pop()
    return lines


def show_progress(what: str) -> None:
    """One line that is written over, for a person at a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)
