"""Runs one test, or all, each in a network namespace of its own.

Usage: run.py BIN_FOLDER MODULE.CLASS.METHOD [OPTION...] | run.py BIN_FOLDER all [OPTION...]
Each `sluice run` gets the options, for example: --workers 2 --misroute
Exit status: 0 passed, 1 failed, 77 skipped (with the reason).
"""

import importlib
import os
import subprocess
import sys
import unittest
from pathlib import Path

SKIPPED = 77
HERE = Path(__file__).resolve().parent


def skip(reason: str) -> int:
    print(f"skipped: {reason}")
    return SKIPPED


def run_inside(name: str) -> int:
    """In the private namespace: run the test."""
    import lab  # it reads SLUICE_BIN when imported

    lab.settle_in()
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if result.skipped and result.testsRun == len(result.skipped):
        return skip(result.skipped[0][1])
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


def run_outside(binaries: str, name: str) -> int:
    import lab

    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return skip("no access to /dev/net/tun")
    words = lab.namespace_command()
    if not words:
        return skip("no network namespace of our own: neither root nor user namespaces here")
    environment = {**os.environ, "SLUICE_BIN": binaries, "SLUICE_E2E_INSIDE": "1"}
    command = [*words, sys.executable, "-B", __file__, binaries, name]
    return subprocess.run(command, env=environment, check=False).returncode


def names() -> list[str]:
    found = []
    for path in sorted(HERE.glob("*_test.py")):
        suites = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(path.stem))
        found += [test.id() for suite in suites for test in suite]
    return found


def run_all(binaries: str) -> int:
    outcomes = {name: run_outside(binaries, name) for name in names()}
    for name, outcome in outcomes.items():
        if outcome != 0:
            print(f"{name}: {'skipped' if outcome == SKIPPED else 'FAILED'}")
    failed = [name for name, outcome in outcomes.items() if outcome not in (0, SKIPPED)]
    skipped = [name for name, outcome in outcomes.items() if outcome == SKIPPED]
    passed = len(outcomes) - len(failed) - len(skipped)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


def main() -> int:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    binaries, name = str(Path(sys.argv[1]).resolve()), sys.argv[2]
    if len(sys.argv) > 3:
        os.environ["SLUICE_OPTIONS"] = " ".join(sys.argv[3:])
    sys.path.insert(0, str(HERE))
    if name == "all":
        return run_all(binaries)
    if os.environ.get("SLUICE_E2E_INSIDE") == "1":
        return run_inside(name)
    return run_outside(binaries, name)


sys.exit(main())
