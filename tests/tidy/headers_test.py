"""Every header compiles alone, and twice; those in C as both languages. What a source includes before
anything else the build has compiled alone. Usage: headers_test.py BUILD_FOLDER COMPILER"""

import json
import os
import re
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
FIRST_INCLUDE = re.compile(r'^#include ["<](.*)[">]$', re.MULTILINE)


def sources_of(build):
    """What the build tells of each C++ source: its file, and the command that compiles it."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    return [entry for entry in entries if entry["file"].endswith(".cpp")]


def compiled_alone(sources):
    """Headers that come first in a source, before which the compiler is given nothing else."""
    texts = [Path(entry["file"]).read_text(encoding="utf-8") for entry in sources
             if " -include " not in entry["command"]]
    first = {Path(found[1]) for text in texts if (found := FIRST_INCLUDE.search(text))}
    return {header for header in first if (tree.ROOT / header).is_file()
            and "#pragma once\n" in tree.read(header)}


def project_flags(sources):
    """All include paths, definitions and warnings of its C++, each once, in order."""
    flags = {}
    for entry in sources:
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
    sources = sources_of(build)
    flags = project_flags(sources)
    broken = compile_alone(compiler, flags, "std::vector<int> v;\n")
    tree.fail_unless(broken, "a missing include was accepted")
    headers = sorted(set(tree.files(".hpp", ".h")) - compiled_alone(sources))
    tree.fail_unless(headers, "no header is left to compile")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda header: check(compiler, flags, header), headers))
    return tree.report([violation for violations in found for violation in violations])


sys.exit(main())
