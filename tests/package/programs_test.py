"""Programs outside of the tree build against what is installed, and run."""

from installed import ROOT, WARNINGS, InstalledTest

C_PROGRAM = """
#include <stdio.h>
#include <string.h>
#include <dataplane/sluice.h>

int main(void) {
  struct sluice_config config;
  sluice_stack* stack = NULL;
  if (sluice_config_init(&config, sizeof config, "strict") != 0) return 1;
  config.addresses = "192.0.2.1";
  if (sluice_stack_create(&config, &stack) != 0) return 2;
  if (sluice_stack_destroy(stack) != 0) return 3;
  puts(sluice_version());
  return 0;
}
"""

CPP_PROGRAM = """
#include <cstdio>
#include <dataplane/coroutine.hpp>
#include <dataplane/sluice.h>

sluice::co::Task<int> answer() { co_return 42; }

int main() {
  sluice::Config config;
  config.workers = 0;
  try {
    sluice::Engine engine(config);
  } catch (const sluice::EngineError& error) {
    auto task = answer();
    task.start();
    std::printf("%d %s\\n", task.is_done(), error.what());
  }
  return 0;
}
"""

PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(outside LANGUAGES {languages})
find_package(sluice {version} REQUIRED {components})
{targets}
"""


class Programs(InstalledTest):
    def setUp(self) -> None:
        super().setUp()
        self.write("program.c", C_PROGRAM)
        self.write("program.cpp", CPP_PROGRAM)
        self.version = self.run_ok(
            "pkg-config", "--modversion", "sluice").strip()

    def project(self, languages: str, targets: str, version: str = "", components: str = ""):
        self.write("CMakeLists.txt", PROJECT.format(
            languages=languages, targets=targets, version=version, components=components))
        self.run_ok("cmake", "-S", ".", "-B", "built")
        self.run_ok("cmake", "--build", "built")

    def target(self, name: str, source: str, library: str) -> str:
        return (f"add_executable({name} {source})\n"
                f"target_link_libraries({name} PRIVATE {library})\n")

    def assert_engine_complains(self, said: str) -> None:
        self.assertRegex(said, r"^1 .*workers")

    def test_cmake_without_cxx(self) -> None:
        targets = (self.target("shared", "program.c", "sluice::sluice")
                   + self.target("static", "program.c", "sluice::sluice_static"))
        self.project("C", targets, version="0.1")
        for name in ("shared", "static"):
            self.assertEqual(self.run_ok(f"built/{name}").strip(), self.version)
        self.assertIn("libsluice.so.0", self.run_ok("ldd", "built/shared"))
        self.assertNotIn("libsluice", self.run_ok("ldd", "built/static"))

    def test_cmake_engine(self) -> None:
        targets = (self.target("engine", "program.cpp", "sluice::engine")
                   + self.target("both", "program.cpp", "sluice::engine sluice::sluice"))
        self.project("CXX", targets, components="COMPONENTS engine")
        for name in ("engine", "both"):
            self.assert_engine_complains(self.run_ok(f"built/{name}"))

    def test_cmake_refuses_another_version(self) -> None:
        with self.assertRaisesRegex(AssertionError, r"compatible\s+with requested version"):
            self.project("C", "", version="0.9")

    def test_pkg_config(self) -> None:
        warnings = " ".join(WARNINGS)
        self.shell(f"cc -std=c11 {warnings} program.c -o shared "
                   "$(pkg-config --cflags --libs sluice)")
        self.shell(f"cc -std=c11 {warnings} program.c -o static -static "
                   "$(pkg-config --static --cflags --libs sluice)")
        for name in ("./shared", "./static"):
            self.assertEqual(self.run_ok(name).strip(), self.version)

    def test_pkg_config_engine(self) -> None:
        self.shell(f"c++ -std=c++20 {' '.join(WARNINGS)} program.cpp -o engine "
                   "$(pkg-config --cflags --libs sluice-engine)")
        self.assert_engine_complains(self.run_ok("./engine"))

    def test_libraries_may_be_part_of_shared_libraries(self) -> None:
        self.write("engine.cpp", CPP_PROGRAM.replace("int main()", "int run()"))
        self.shell("c++ -std=c++20 -shared -fPIC engine.cpp -o libown.so -Wl,-z,defs "
                   "$(pkg-config --cflags --libs sluice-engine)")
        self.shell("cc -shared -fPIC -Dmain=run program.c -o libown_c.so -Wl,-z,defs "
                   "$(pkg-config --cflags sluice) "
                   f"{self.prefix}/lib/libsluice.a -lstdc++ -lm")

    def test_command(self) -> None:
        self.assertEqual(self.run_ok(self.prefix / "bin" / "sluice", "--version").strip(),
                         f"sluice {self.version}")
        said = self.run_ok(self.prefix / "bin" / "sluice", "sim", "--minutes", "0.01")
        self.assertRegex(said, r"^seed 1: digest [0-9a-f]+")

    def test_examples_in_c(self) -> None:
        for name in ("two_stacks", "tun_echo"):
            source = ROOT / "tools" / "examples" / f"{name}.c"
            self.shell(f"cc -std=c11 {' '.join(WARNINGS)} {source} -o {name} "
                       "$(pkg-config --cflags --libs sluice)")
        self.assertEqual(self.run_ok("./two_stacks"), "hello, stack\n")
