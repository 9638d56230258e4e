"""Runs one test: run.py BUILD_FOLDER MODULE.CLASS.METHOD. Exit status: 0 passed, 1 failed, 77
skipped (with the reason)."""

import os
import sys
import unittest
from pathlib import Path

SKIPPED = 77


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    os.environ["SLUICE_BUILD"] = str(Path(sys.argv[1]).resolve())
    suite = unittest.defaultTestLoader.loadTestsFromName(sys.argv[2])
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if result.skipped and result.testsRun == len(result.skipped):
        print(f"skipped: {result.skipped[0][1]}")
        return SKIPPED
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


sys.exit(main())
