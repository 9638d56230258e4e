"""Every header compiles alone, and twice; those in C as both languages. Usage: headers_test.py BUILD_FOLDER COMPILER"""

import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

KEPT = ("-I", "-D", "-W", "-std=")
C_FLAGS = ("-I.", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
           "-Werror")
KEPT_WITH_VALUE = ("-isystem",)  # -include would bring what a header forgot


def project_flags(build):
    """All include paths, definitions and warnings of its C++, each once, in order."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        if not entry["file"].endswith(".cpp"):
            continue
        words = iter(shlex.split(entry["command"])[1:])
        for word in words:
            if word in KEPT_WITH_VALUE:
                flags[word, next(words)] = None
            elif word.startswith(KEPT):
                flags[(word,)] = None
    return [word for flag in flags for word in flag]


def compile_alone(compiler, flags, code, language="c++"):
    """What the compiler says about code read from its standard input; empty when all is well."""
    done = subprocess.run(
        [*compiler, *flags, "-fsyntax-only", "-x", language, "-"],
        cwd=tree.ROOT, input=code, capture_output=True, text=True, check=False,
    )
    return done.stderr.strip() if done.returncode != 0 or done.stderr else ""


def check(compiler, flags, header):
    code = f'#include "{header}"\n' * 2
    errors = compile_alone(compiler, flags, code)
    if header.suffix == ".h":
        errors += compile_alone(compiler, C_FLAGS, code, "c")
    if not errors:
        return []
    return [f"{header}:1: does not compile alone; include what it uses\n{errors}"]


def main():
    build, compiler = Path(sys.argv[1]), sys.argv[2:]
    flags = project_flags(build)
    broken = compile_alone(compiler, flags, "std::vector<int> v;\n")
    tree.fail_unless(broken, "a missing include was accepted")
    headers = tree.files(".hpp", ".h")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda header: check(compiler, flags, header), headers))
    return tree.report([violation for violations in found for violation in violations])


sys.exit(main())
