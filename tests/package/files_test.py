"""What is installed: headers that stand alone, and libraries that show their interface only."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from installed import WARNINGS, InstalledTest, declared_functions

PUBLIC = {"sluice.h", "engine.hpp", "coroutine.hpp", "stream.hpp", "stream_options.hpp",
          "listener.hpp", "datagram.hpp", "config.hpp", "stats.hpp", "core.hpp"}


class Files(InstalledTest):
    def symbols(self, *options: str) -> list[tuple[str, str]]:
        """Kind and name of each that `nm` lists."""
        lines = self.run_ok("nm", "--format=posix", *options).splitlines()
        return [(words[1], words[0]) for line in lines if len(words := line.split()) >= 2]

    def test_headers_compile_alone(self) -> None:
        """With no path but the installed one, in the language that their name says."""
        include = self.prefix / "include" / "sluice"
        headers = sorted(path.relative_to(include) for path in include.rglob("*.*"))
        self.assertLessEqual(PUBLIC, {h.name for h in headers if h.parent.name == "dataplane"})
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for header, errors in zip(headers, pool.map(self.compile_alone, headers)):
                self.assertEqual(errors, "", header)

    def compile_alone(self, header: os.PathLike) -> str:
        language = ["c", "-std=c11"] if str(header).endswith(".h") else ["c++", "-std=c++20"]
        done = subprocess.run(
            ["c++", "-x", *language, *WARNINGS, "-fsyntax-only", "-I",
             str(self.prefix / "include" / "sluice"), "-"],
            input=f"#include <{header}>\n" * 2, check=False, capture_output=True, text=True,
        )
        return done.stderr

    def test_headers_that_nobody_needs_stay_away(self) -> None:
        include = self.prefix / "include" / "sluice"
        for name in ("dataplane/worker/worker.hpp", "dataplane/shard/shard.hpp",
                     "dataplane/control.hpp", "tools"):
            self.assertFalse((include / name).exists(), name)

    def test_shared_library_exports_the_interface_with_versions_and_nothing_else(self) -> None:
        library = self.prefix / "lib" / "libsluice.so"
        self.assertEqual(os.readlink(library), "libsluice.so.0")
        exported = self.symbols("--dynamic", "--defined-only", "--with-symbol-versions", library)
        functions = {name for kind, name in exported if kind != "A"}
        self.assertEqual(functions, {f"{name}@@SLUICE_0.1" for name in declared_functions()})
        self.assertEqual({name for kind, name in exported if kind == "A"}, {"SLUICE_0.1"})
        dynamic = self.run_ok("readelf", "--dynamic", str(library))
        self.assertRegex(dynamic, r"SONAME.*\[libsluice\.so\.0\]")
        needed = set(re.findall(r"NEEDED.*\[((?!ld-linux).*?)\.so", dynamic))
        self.assertLessEqual(needed, {"libc", "libm", "libgcc_s", "libstdc++"})

    def test_static_library_is_whole(self) -> None:
        """It defines the interface; what it lacks comes from C and C++ themselves."""
        listed = self.symbols(str(self.prefix / "lib" / "libsluice.a"))
        defined = {name for kind, name in listed if kind not in "Uw"}
        missing = {name for kind, name in listed if kind == "U"} - defined
        self.assertLessEqual(declared_functions(), defined)
        self.assertEqual([name for name in missing if "sluice" in name], [])
        self.assertEqual([name for name in missing if name.startswith(("io_uring", "bpf_"))], [])

    def test_nothing_names_the_build(self) -> None:
        for path in (self.prefix / "lib").rglob("*"):
            if path.suffix in (".cmake", ".pc"):
                text = path.read_text(encoding="utf-8")
                self.assertNotIn(str(self.outside), text, path)
                self.assertNotRegex(text, r"/(build|tools|dataplane)\b", path)
