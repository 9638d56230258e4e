"""The build, installed into a folder of its own that goes with the test; and what is run there."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build/release"))

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def declared_functions() -> set[str]:
    """Those of the C interface."""
    text = (ROOT / "dataplane" / "sluice.h").read_text(encoding="utf-8")
    return set(re.findall(r"^SLUICE_API [^(]*?\b(sluice_\w+)\(", text, re.M))


class InstalledTest(unittest.TestCase):
    """`cls.prefix` holds an installed tree, `self.folder` is an empty one; neither in the tree."""

    prefix: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.outside = Path(tempfile.mkdtemp(prefix="sluice-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.outside)
        cls.prefix = cls.install(cls.outside)

    @classmethod
    def install(cls, folder: Path) -> Path:
        prefix = folder / "prefix"
        subprocess.run(
            ["cmake", "--install", str(BUILD), "--prefix", str(prefix)],
            check=True, stdout=subprocess.DEVNULL,
        )
        # Nothing may lead back to where it was made: a tree that was moved works as well.
        return prefix.rename(folder / "moved")

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=self.outside))
        lib = self.prefix / "lib"
        self.environment = {
            **os.environ,
            "PKG_CONFIG_PATH": str(lib / "pkgconfig"),
            "CMAKE_PREFIX_PATH": str(self.prefix),
            "LD_LIBRARY_PATH": str(lib),
        }

    def run_ok(self, *command: str | Path, timeout: float = 300) -> str:
        """What it prints; nothing may come on standard error."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, capture_output=True,
            text=True, timeout=timeout,
        )
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        self.assertEqual(done.stderr, "", command)
        return done.stdout

    def shell(self, line: str) -> str:
        return self.run_ok("sh", "-ec", line)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")
