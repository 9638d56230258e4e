#!/usr/bin/env python3
"""Our sender and Linux' own CUBIC through the same worse wires, in the same run.

    python3 bench/impaired [--impair "--delay 20ms --loss 1%"] [--rounds N] [--megabytes M] [--json]

bench/README.md says what is measured and how to read it.
"""

import argparse
import json
import shlex
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "compare"))

import arguments
import place
import report
from jobs import Refused, check_congestion
from runs import SENDERS, Impairment, Run, RunFailed, run_once
from systems import Bench, StartFailed

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("sluice", "sluice_load")
IMPAIRMENTS = (
    Impairment(("--delay", "20ms", "--loss", "1%"), at_once=True),
    Impairment(("--delay", "5ms", "--loss", "0.1%")),
    Impairment(("--delay", "10ms", "--reorder", "1%")),
    Impairment(("--delay", "10ms", "--rate", "100M", "--queue", "256k")),
)
PAUSE = 0.05  # seconds between starts at the same time


def impairment(text: str) -> Impairment:
    words = tuple(shlex.split(text))
    if not words or not words[0].startswith("--"):
        raise argparse.ArgumentTypeError(f"'{text}': give options such as '--delay 20ms --loss 1%%'")
    return Impairment(words)


def parse_options() -> argparse.Namespace:
    parser = arguments.Parser(
        description="Our sender and Linux' own CUBIC through the same worse wires, in turns.",
        epilog="Needs root, or user namespaces and access to /dev/net/tun. All of it happens in "
        "namespaces of its own, which go with it. Exit status: 1 when a run failed, or a ratio is "
        "below --least.",
    )
    add = parser.add_argument
    add("--bin", type=Path, default=ROOT / "build/release/bin", metavar="FOLDER",
        help="where sluice and sluice_load are (default: build/release/bin)")
    add("--impair", type=impairment, action="append", metavar="OPTIONS",
        help="of `sluice run`, in quotes; repeatable (default: "
        + "; ".join(each.text for each in IMPAIRMENTS).replace("%", "%%") + ")")
    add("--rounds", type=arguments.number(int, 1, 100), default=5, metavar="N",
        help="runs of each sender (default: 5)")
    add("--megabytes", type=arguments.number(float, 0.01, 10_000), default=20, metavar="M",
        help="that each run carries (default: 20)")
    add("--at-once", action="store_true", help="all rounds at the same time, on every path")
    add("--least", type=arguments.number(float, 0, 100), default=0, metavar="RATIO",
        help="fail if a median of ours is less than so much of Linux'")
    add("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


class Comparison:
    """All runs of both senders behind one impairment."""

    def __init__(self, impairment: Impairment) -> None:
        self.impairment = impairment
        self.runs: dict[str, list[Run]] = {sender: [] for sender in SENDERS}
        self.failures: list[str] = []

    def median(self, sender: str) -> float:
        return statistics.median(run.mbit_per_second for run in self.runs[sender])

    @property
    def ratio(self) -> float | None:
        if not all(self.runs.values()):
            return None
        return self.median("sluice") / self.median("linux")

    def run(self, bench: Bench, options: argparse.Namespace) -> None:
        at_once = options.at_once or self.impairment.at_once
        turns = [(turn, sender) for turn in range(options.rounds) for sender in SENDERS]
        size = round(options.megabytes * 1e6)
        with ThreadPoolExecutor(max_workers=len(turns) if at_once else 1) as pool:
            pending = []
            for turn, sender in turns:
                pending.append(pool.submit(run_once, bench, self.impairment, sender, turn, size))
                time.sleep(PAUSE)
            for (turn, sender), future in zip(turns, pending):
                report.show_progress(f"{self.impairment.text}: {turn + 1} of {options.rounds}")
                try:
                    self.runs[sender].append(future.result())
                except RunFailed as failure:
                    self.failures.append(f"{sender}, round {turn + 1}: {failure}")
        report.show_progress("")

    def lines(self, least: float) -> list[str]:
        lines = [f"\n{self.impairment.text}"]
        for sender, runs in self.runs.items():
            if not runs:
                continue
            rates = [run.mbit_per_second for run in runs]
            resent = statistics.median(run.resent for run in runs)
            lines.append(f"  {sender:<7}{self.median(sender):9.2f} Mbit/s  "
                         f"{min(rates):8.2f} ..{max(rates):8.2f}   {resent:6.0f} resent")
        if self.ratio is not None:
            verdict = f", below {least:g}" if self.ratio < least else ""
            lines.append(f"  ratio  {self.ratio:9.2f}{verdict}")
        return lines + [f"  failed: {failure}" for failure in self.failures]

    def as_dict(self) -> dict:
        return {
            "options": self.impairment.options,
            "ratio": self.ratio,
            "runs": {sender: [vars(run) for run in runs] for sender, runs in self.runs.items()},
            "failures": self.failures,
        }


def run_inside(options: argparse.Namespace) -> int:
    bench = Bench.on_this_machine(options.bin.resolve(), "cubic", "apart")
    check_congestion(bench)
    comparisons = [Comparison(each) for each in options.impair or IMPAIRMENTS]
    for comparison in comparisons:
        comparison.run(bench, options)
        if not options.json:
            print("\n".join(comparison.lines(options.least)), flush=True)
    if options.json:
        print(json.dumps([comparison.as_dict() for comparison in comparisons], indent=1))
    good = all(each.ratio is not None and not each.failures and each.ratio >= options.least
               for each in comparisons)
    return 0 if good else 1


def main() -> int:
    options = parse_options()
    place.check_machine(options.bin, PROGRAMS)
    return place.run_inside(lambda: run_inside(options), (Refused, StartFailed))


if __name__ == "__main__":
    sys.exit(main())
