"""`cpack` makes a Debian package; unpacked, it is whole, and programs build against it."""

import re
import shutil
import subprocess
import unittest
from pathlib import Path

from installed import BUILD, InstalledTest

TOOLS = ("dpkg-deb", "dpkg-shlibdeps", "file")


class Debian(InstalledTest):
    @classmethod
    def setUpClass(cls) -> None:
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if missing:
            raise unittest.SkipTest(f"needs {', '.join(missing)}")
        super().setUpClass()

    @classmethod
    def install(cls, folder: Path) -> Path:
        made = subprocess.run(
            ["cpack", "-G", "DEB", "-B", str(folder / "made")],
            cwd=BUILD, check=True, capture_output=True, text=True,
        )
        assert "Warning" not in made.stderr, made.stderr
        (cls.package,) = (folder / "made").glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(cls.package), str(folder / "root")], check=True)
        return folder / "root" / "usr"

    def field(self, name: str) -> str:
        return self.run_ok("dpkg-deb", "--field", self.package, name).strip()

    def test_control(self) -> None:
        self.assertRegex(self.package.name, r"^sluice_\d+\.\d+\.\d+_[a-z0-9]+\.deb$")
        self.assertEqual(self.field("Package"), "sluice")
        needed = {name.split()[0] for name in self.field("Depends").split(", ")}
        self.assertLessEqual({"libc6", "libstdc++6", "libbpf1", "liburing2"}, needed)
        self.assertEqual([name for name in needed if name.endswith("-dev")], [])
        self.assertIn("liburing-dev", self.field("Recommends"))
        control = self.folder / "control"
        self.run_ok("dpkg-deb", "--control", self.package, control)
        self.assertRegex((control / "shlibs").read_text(), r"^libsluice 0 sluice \(>= \d")
        self.assertEqual((control / "triggers").read_text(), "activate-noawait ldconfig\n")
        self.assertIn("usr/lib/libsluice.a", (control / "md5sums").read_text())

    def test_contents(self) -> None:
        for name in ("bin/sluice", "lib/libsluice.so.0", "lib/libsluice.a",
                     "lib/libsluice_engine.a", "lib/pkgconfig/sluice.pc",
                     "lib/cmake/sluice/sluice-config.cmake",
                     "include/sluice/dataplane/sluice.h", "share/man/man1/sluice.1.gz",
                     "share/bash-completion/completions/sluice",
                     "share/doc/sluice/copyright", "share/doc/sluice/changelog.gz"):
            self.assertTrue((self.prefix / name).is_file(), name)
        listed = self.run_ok("dpkg-deb", "--contents", self.package)
        for line in listed.splitlines():
            self.assertRegex(line, r"^([-d]rwxr-xr-x|-rw-r--r--|lrwxrwxrwx) root/root ")
            self.assertRegex(line, r" \./(usr/.*)?$")

    def test_no_debugging_symbols(self) -> None:
        for name in ("bin/sluice", "lib/libsluice.so.0", "lib/libsluice.a",
                     "lib/libsluice_engine.a"):
            sections = self.run_ok("readelf", "--sections", "--wide", self.prefix / name)
            self.assertNotIn(".debug_info", sections, name)

    def test_it_builds_programs(self) -> None:
        self.write("program.c", '#include <dataplane/sluice.h>\n#include <stdio.h>\n'
                                'int main(void) { return puts(sluice_version()) < 0; }\n')
        self.shell("cc program.c -o program $(pkg-config --cflags --libs sluice)")
        version = re.escape(self.field("Version"))
        self.assertRegex(self.run_ok("./program"), rf"^{version}$")
        self.assertRegex(self.run_ok(self.prefix / "bin" / "sluice", "--version"),
                         rf"^sluice {version}$")
