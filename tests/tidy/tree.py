"""The source tree as the tidy tests see it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def files(*suffixes):
    """Paths from the root, sorted: tracked, or new and not ignored; outside git, all but build/."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        listed = None
    if listed is not None and listed.returncode == 0:
        paths = {Path(name) for name in listed.stdout.split("\0") if name}
    else:
        paths = {path.relative_to(ROOT) for path in ROOT.rglob("*")}
    return sorted(
        path
        for path in paths
        if path.suffix in suffixes and path.parts[0] not in ("build", ".git")
        and (ROOT / path).is_file()
    )


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def report(violations):
    """Prints `file:line: what` for each violation; the exit status of a test."""
    for violation in violations:
        print(violation)
    if violations:
        print(f"{len(violations)} to mend")
    return 1 if violations else 0


def fail_unless(condition, what):
    """For self-tests: a checker that cannot fail proves nothing."""
    if not condition:
        sys.exit(f"self-test failed: {what}")
