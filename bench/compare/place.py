"""A network and mounts of our own, which end with the last process in them."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

NAME = Path(sys.argv[0]).resolve().name  # of the folder that is run
TOOLS = ("ip", "mount", "nsenter", "setpriv", "unshare")
INSIDE = "SLUICE_BENCH_INSIDE"


def refuse(what: str) -> NoReturn:
    sys.exit(f"{NAME}: {what}")


def check_machine(folder: Path, programs: tuple[str, ...]) -> None:
    for name in programs:
        if not os.access(folder / name, os.X_OK):
            refuse(f"no {name} in {folder}: build it with `cmake --build --preset release "
                   f"--target {' '.join(programs)}`, or say --bin FOLDER")
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # not in everybody's
    for tool in TOOLS:
        if shutil.which(tool) is None:
            refuse(f"no command `{tool}`: run tools/setup")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        refuse("no access to /dev/net/tun: run as root (and `modprobe tun` if it is missing)")


def enter_namespaces() -> None:
    """Starts this program again in a network and mounts that end with its last process."""
    words = ["unshare", "--net", "--mount", "--propagation", "private"]
    for extra in ([], ["--user", "--map-root-user"]):
        command = [*words, *extra]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            again = [*command, sys.executable, "-B", *sys.argv]
            os.execvpe(command[0], again, {**os.environ, INSIDE: "1"})
    refuse("cannot make a network namespace: run as root, or where user namespaces are allowed")


def settle_in() -> None:
    """A /run of our own: namespaces that are named here are seen by nobody else."""
    done = subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        refuse(f"cannot mount a /run of its own: {done.stderr.strip()}")


def run_inside(work: Callable[[], int], failures: tuple[type[Exception], ...]) -> int:
    """`work` in such a place; its exit status. What it raises of `failures` is said in a line."""
    if os.environ.get(INSIDE) != "1":
        enter_namespaces()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell has ignored it
    for deadly in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(deadly, lambda caught, _: sys.exit(128 + caught))
    try:
        settle_in()
        return work()
    except failures as failure:
        refuse(str(failure))
    except KeyboardInterrupt:
        print(f"{NAME}: interrupted", file=sys.stderr)
        return 130
