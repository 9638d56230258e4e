#!/usr/bin/env python3
"""The same jobs, in turns, over sluice, the kernel's own TCP, and a bare TUN device.

    python3 bench/compare [--quick] [--jobs bulk-in,request] [--workers N] [--json]

bench/README.md says what is measured and how to read it.
"""

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import arguments
import place
import report
from jobs import JOBS, Job, Refused, RunFailed, check_congestion, run_client
from systems import SYSTEMS, Bench, StartFailed, System

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("sluice", "sluice_bare", "sluice_load")
MTUS = (1500, 65520)


# --- options ------------------------------------------------------------------------------------


def cpu_count() -> int:
    return len(os.sched_getaffinity(0))


def parse_options() -> argparse.Namespace:
    job_names = [job.name for job in JOBS]
    parser = arguments.Parser(
        description="The same jobs, in turns, over sluice, the kernel and a bare TUN device.",
        epilog="Needs root, or user namespaces and access to /dev/net/tun. All of it happens in "
        "namespaces of its own, which go with it.",
    )
    add = parser.add_argument
    add("--bin", type=Path, default=ROOT / "build/release/bin", metavar="FOLDER",
        help="where sluice, sluice_bare and sluice_load are (default: build/release/bin)")
    add("--jobs", type=arguments.choice(job_names, True), default=job_names, metavar="LIST",
        help=f"names, or how they begin, separated by commas, of: {', '.join(job_names)}")
    add("--systems", type=arguments.choice(list(SYSTEMS), False), default=list(SYSTEMS),
        metavar="LIST", help=f"of: {', '.join(SYSTEMS)}")
    add("--mtu", type=arguments.number(int, 1280, 65520), action="append", metavar="BYTES",
        help="repeatable (default: 1500 and 65520)")
    add("--rounds", type=arguments.number(int, 1, 1000), metavar="N",
        help="runs of each (default: 3)")
    add("--seconds", type=arguments.number(float, 0.05, 60), metavar="S",
        help="length of a run (default: 0.7)")
    add("--quick", action="store_true", help="MTU 1500 only, one round of 0.3 s")
    add("--workers", type=arguments.number(int, 1, 64), default=min(2, cpu_count()), metavar="N",
        help="jobs of several connections are done by sluice with N workers, too (default: 2)")
    add("--placement", choices=("together", "apart"), default="together",
        help="of client and system for request and connect: on one CPU, or on two "
        "(default: together)")
    add("--congestion", default="cubic", metavar="NAME",
        help="congestion control of every kernel socket (default: cubic)")
    add("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    options.mtu = options.mtu or (MTUS[:1] if options.quick else MTUS)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (0.3 if options.quick else 0.7)
    return options


def check_cpus(options: argparse.Namespace) -> None:
    if options.workers > cpu_count():
        place.refuse(f"--workers {options.workers}: CPUs that can be used: {cpu_count()}")


# --- the whole ----------------------------------------------------------------------------------


def systems_for(bench: Bench, options: argparse.Namespace, mtu: int) -> list[System]:
    systems = [SYSTEMS[name](bench, mtu) for name in options.systems]
    if options.workers > 1 and "sluice" in options.systems:
        position = options.systems.index("sluice") + 1
        systems.insert(position, SYSTEMS["sluice"](bench, mtu, options.workers))
    return systems


def compare(options: argparse.Namespace, bench: Bench) -> list[report.Result]:
    results = []
    for mtu in options.mtu:
        with ExitStack() as stack:
            systems = systems_for(bench, options, mtu)
            for system in systems:
                stack.enter_context(system)
            for job in JOBS:
                if job.name in options.jobs:
                    able = [system for system in systems if system.does(job.connections)]
                    results += take_turns(options, bench, job, able)
    return results


def take_turns(options: argparse.Namespace, bench: Bench, job: Job,
               systems: list[System]) -> list[report.Result]:
    results = [report.Result(system.mtu, job, system.name) for system in systems]
    for turn in range(options.rounds):
        for system, result in zip(systems, results):
            report.show_progress(
                f"MTU {system.mtu}, {job.name}, {turn + 1} of {options.rounds}, {system.name}"
            )
            try:
                result.runs.append(run_client(bench, job, system, options.seconds))
            except RunFailed as failure:
                result.failures.append(str(failure))
    report.show_progress("")
    return results


def run_inside(options: argparse.Namespace) -> int:
    bench = Bench.on_this_machine(options.bin.resolve(), options.congestion, options.placement)
    check_congestion(bench)
    facts = {"machine": report.machine(), "fixed": report.fixed(options, bench)}
    if not options.json:
        print("\n".join(report.heading(facts)), flush=True)
    begin = time.monotonic()
    results = compare(options, bench)
    facts["took_seconds"] = round(time.monotonic() - begin, 1)
    facts["machine"]["busy_after"] = report.busy_share()
    report.add_ratios(results)
    if options.json:
        facts["results"] = [report.as_dict(result) for result in results]
        print(json.dumps(facts, indent=1))
    else:
        print("\n".join([*report.tables(results), *report.footing(facts)]))
    return 1 if any(result.failures for result in results) else 0


def main() -> int:
    options = parse_options()
    place.check_machine(options.bin, PROGRAMS)
    check_cpus(options)
    return place.run_inside(lambda: run_inside(options), (Refused, StartFailed))


if __name__ == "__main__":
    sys.exit(main())
