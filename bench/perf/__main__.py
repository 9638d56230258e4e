#!/usr/bin/env python3
"""`sluice perf` beside a stock iperf3 pair across a veth, in turns in one run, CUBIC everywhere.

    python3 bench/perf [--quick] [--jobs receive,send,udp] [--rounds N] [--seconds S] [--json]

bench/README.md says what is measured and how to read it.
"""

import argparse
import json
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "compare"))

import arguments
import pairs
import place
import report
from pairs import JOBS, PAIRS, REFERENCE, Job, Pair, Run, RunFailed
from systems import Bench, StartFailed

ROOT = Path(__file__).resolve().parents[2]
ROW = "{:<12} {:<8} {:>9} {:>17} {:>8} {:>6} {:>9} {:>11}"


def parse_options() -> argparse.Namespace:
    names = [job.name for job in JOBS]
    parser = arguments.Parser(
        description="`sluice perf` beside a stock iperf3 pair across a veth, in turns.",
        epilog="Needs root, or user namespaces and access to /dev/net/tun, and iperf3. All of it "
        "happens in namespaces of its own, which go with it. Exit status: 1 when a run failed, a "
        "ratio is below --least, or datagrams were lost where the stock pair lost none.",
    )
    add = parser.add_argument
    add("--bin", type=Path, default=ROOT / "build/release/bin", metavar="FOLDER",
        help="where sluice is (default: build/release/bin)")
    add("--jobs", type=arguments.choice(names, True), default=names, metavar="LIST",
        help=f"names, or how they begin, separated by commas, of: {', '.join(names)}")
    add("--pairs", type=arguments.choice(list(PAIRS), False), default=list(PAIRS), metavar="LIST",
        help=f"of: {', '.join(PAIRS)}")
    add("--rounds", type=arguments.number(int, 1, 100), metavar="N",
        help="runs of each (default: 5)")
    add("--seconds", type=arguments.number(int, 1, 60), metavar="S",
        help="length of a run, after one that is not counted (default: 2)")
    add("--quick", action="store_true", help="one round of a second")
    add("--workers", type=arguments.number(int, 1, 64), default=1, metavar="N",
        help="of sluice (default: 1)")
    add("--least", type=arguments.number(float, 0, 100), default=0, metavar="RATIO",
        help="fail if a median is less than so much of the stock pair's")
    add("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 2)
    return options


class Result:
    """All runs of one job by one pair."""

    def __init__(self, job: Job, pair: Pair) -> None:
        self.job, self.pair = job, pair.name
        self.runs: list[Run] = []
        self.failures: list[str] = []
        self.ratio: float | None = None  # to the stock pair's median

    def median(self, what: str) -> float:
        return statistics.median(getattr(run, what) for run in self.runs)

    def verdict(self, least: float) -> str:
        if self.failures:
            return f"  {len(self.failures)} failed: {self.failures[0]}"
        return f"  below {least:g}" if self.ratio is not None and self.ratio < least else ""

    def line(self, least: float) -> str:
        if not self.runs:
            return f"{self.job.name:<12} {self.pair:<8}{self.verdict(least)}"
        rates = [run.gbit_per_second for run in self.runs]
        spread = f"{min(rates):.2f}..{max(rates):.2f}"
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        lost = max(run.lost for run in self.runs)
        missing = self.median("missing_bytes") / 1e6
        return ROW.format(self.job.name, self.pair, f"{self.median('gbit_per_second'):.2f}", spread,
                          "Gbit/s", ratio, lost, f"{missing:.2f} MB") + self.verdict(least)

    def as_dict(self) -> dict:
        return {"job": self.job.name, "pair": self.pair, "ratio": self.ratio,
                "runs": [vars(run) for run in self.runs], "failures": self.failures}


def take_turns(options: argparse.Namespace, bench: Bench, job: Job,
               pairs_up: list[Pair]) -> list[Result]:
    results = [Result(job, pair) for pair in pairs_up]
    for turn in range(options.rounds):
        for pair, result in zip(pairs_up, results):
            report.show_progress(f"{job.name}, {turn + 1} of {options.rounds}, {pair.name}")
            try:
                result.runs.append(pairs.run_client(bench, job, pair, options.seconds))
            except RunFailed as failure:
                result.failures.append(str(failure))
    report.show_progress("")
    add_ratios(results)
    return results


def add_ratios(results: list[Result]) -> None:
    for other in results:
        if other.pair == REFERENCE and other.runs:
            for result in results:
                if result.runs and result is not other:
                    result.ratio = (result.median("gbit_per_second")
                                    / other.median("gbit_per_second"))


def is_good(results: list[Result], least: float) -> bool:
    lossless = {result.job for result in results
                if result.pair == REFERENCE and not any(run.lost for run in result.runs)}
    for result in results:
        lost = result.job.is_udp and any(run.lost for run in result.runs)
        if result.failures or (lost and result.job in lossless):
            return False
        if result.ratio is not None and result.ratio < least:
            return False
    return True


def heading(options: argparse.Namespace) -> list[str]:
    this = report.machine()
    return [
        f"machine    Linux {this['kernel']}, {this['cpus']} CPUs, {this['model']}; "
        f"others use {this['busy_before']:.0%} of it",
        f"runs       {options.rounds} in turns, {options.seconds} s each after 1 s that is omitted; "
        f"CUBIC at both ends; sluice with {options.workers} workers; MTU 1500",
        "",
        ROW.format("job", "pair", "median", "min..max", "", "ratio", "resent/lost", "missing"),
    ]


def run_inside(options: argparse.Namespace) -> int:
    bench = Bench.on_this_machine(options.bin.resolve(), "cubic", "apart")
    if not options.json:
        print("\n".join(heading(options)), flush=True)
    begin, results = time.monotonic(), []
    with ExitStack() as stack:
        up = [stack.enter_context(PAIRS[name](bench, options.workers)) for name in options.pairs]
        for job in JOBS:
            if job.name in options.jobs:
                found = take_turns(options, bench, job, up)
                results += found
                if not options.json:
                    print("\n".join(each.line(options.least) for each in found), flush=True)
    if options.json:
        print(json.dumps([result.as_dict() for result in results], indent=1))
    else:
        print(f"\nTook {time.monotonic() - begin:.0f} s; others used {report.busy_share():.0%} of "
              "the machine after.")
    return 0 if is_good(results, options.least) else 1


def main() -> int:
    options = parse_options()
    place.check_machine(options.bin, ("sluice",))
    pairs.check_iperf3()
    return place.run_inside(lambda: run_inside(options), (StartFailed,))


if __name__ == "__main__":
    sys.exit(main())
