"""Who may include whom: the boxes of the house, one row each."""

import re
import sys

import tree

# The first prefix that fits names a file's box.
BOXES = (
    ("proto/base/", "base"),
    ("proto/wire/", "wire"),
    ("proto/flow.", "wire"),
    ("proto/tcp/", "tcp"),
    ("dataplane/memory/", "memory"),
    ("dataplane/link/", "link"),
    ("dataplane/sim/", "sim"),
    ("dataplane/io/", "io"),
    ("dataplane/shard/", "shard"),
    ("dataplane/sockets/", "sockets"),
    ("dataplane/worker/", "worker"),
    ("dataplane/coroutine/", "coroutine"),
    ("dataplane/stream.", "values"),  # public headers that the shard speaks, compiled with it
    ("dataplane/stream_options.", "values"),
    ("dataplane/listener.", "values"),
    ("dataplane/datagram.", "values"),
    ("dataplane/config.", "config"),  # how workers are set up, and what they count: compiled with
    ("dataplane/stats.", "config"),  # them
    ("dataplane/core.", "config"),
    ("dataplane/engine.hpp", "face"),
    ("dataplane/coroutine.hpp", "coroutine"),
    ("dataplane/sluice.h", "interface"),
    ("dataplane/sluice.cpp", "c"),
    ("tools/examples/tun_echo.c", "examples in C"),
    ("tools/examples/two_stacks.c", "examples in C"),
    ("tools/examples/", "examples"),
    ("tools/", "tools"),
    ("bench/", "bench"),
    ("tests/", "tests"),
)

PURE_SHARD = {"base", "wire", "tcp", "memory", "shard", "values"}
WORKER = PURE_SHARD | {"link", "io", "worker", "config"}
ENGINE = WORKER | {"face", "engine"}
COROUTINE = ENGINE | {"coroutine"}
SIM = PURE_SHARD | {"link", "sim"}
SOCKETS = PURE_SHARD | {"link", "sockets", "interface"}

ALLOWED = {
    "base": {"base"},
    "wire": {"base", "wire"},
    "tcp": {"base", "wire", "tcp"},
    "memory": {"base", "memory"},
    "link": {"base", "wire", "memory", "link"},
    "io": {"base", "wire", "memory", "io"},
    "shard": PURE_SHARD,
    "sim": SIM,
    "values": PURE_SHARD,
    "sockets": SOCKETS,
    "interface": set(),
    "c": SOCKETS | {"io"},
    "config": PURE_SHARD | {"link", "io", "config"},
    "worker": WORKER,
    "engine": ENGINE,
    "face": ENGINE,
    "coroutine": COROUTINE,
    "examples": {"values", "config", "face", "coroutine", "examples"},
    "examples in C": {"interface"},
    "tools": COROUTINE | SIM | {"interface", "tools"},
    "bench": ENGINE | {"bench"},
    "tests": COROUTINE | SIM | SOCKETS | {"tools", "tests"},
}

# These boxes see no clock, no entropy, no file, no thread: only what is named here.
PURE = {"base", "wire", "tcp", "memory", "link", "shard", "sim", "sockets", "values"}
PURE_HEADERS = set(
    """
    algorithm any array bit bitset cassert cctype cerrno charconv cinttypes climits cmath compare
    concepts coroutine cstdarg cstddef cstdint cstdlib cstring deque exception expected forward_list
    functional initializer_list iosfwd iterator limits list map memory memory_resource new numbers
    numeric optional queue ranges ratio set source_location span stack stdexcept string string_view
    system_error tuple type_traits typeindex typeinfo unordered_map unordered_set utility variant
    vector version
    """.split()
)
EXTRA_HEADERS = {
    "memory": {"sys/uio.h"},
    # Structs and numbers; the functions are not linked (purity_test.py).
    "sockets": {"netinet/in.h", "netinet/tcp.h", "sys/socket.h", "sys/types.h", "sys/uio.h"},
}

# What C++ itself brings, for the examples: no slash, no suffix.
STANDARD = re.compile(r"[a-z_0-9]+")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def box_of(path):
    """The box of a file or of an include written from the root; None outside the house."""
    name = str(path)
    for prefix, box in BOXES:
        if name.startswith(prefix):
            return box
    if re.fullmatch(r"dataplane/[^/]+", name):
        return "engine"
    return None


def complaint(box, bracket, target, exists):
    """What is wrong with one include, or None."""
    target_box = box_of(target)
    if bracket == '"' or target_box is not None:
        if not exists or bracket == "<":
            return f'no "{target}" from the root; write includes like "proto/base/time.hpp"'
        if target_box not in ALLOWED[box]:
            allowed = ", ".join(sorted(ALLOWED[box]))
            return f"{box} must not include {target} ({target_box}); it may use: {allowed}"
        return None
    if box in PURE and target not in PURE_HEADERS | EXTRA_HEADERS.get(box, set()):
        return f"<{target}> is not for {box}, which is pure; pass the value in as an argument"
    if box == "examples" and not STANDARD.fullmatch(target):
        return f"an example shows the public headers and the standard library only, not <{target}>"
    return None


def check(path, text):
    box = box_of(path)
    if box is None:
        yield f"{path}:1: belongs to no box; add its folder to BOXES or move it"
        return
    for number, line in enumerate(text.split("\n"), 1):
        if found := INCLUDE.match(line):
            bracket, target = found.groups()
            if what := complaint(box, bracket, target, (tree.ROOT / target).is_file()):
                yield f"{path}:{number}: {what}"


def self_test():
    """Every kind of breach is seen, and the nearest permitted neighbour is not."""
    rows = (
        ("base", '"', "proto/base/time.hpp", True, False),
        ("base", '"', "proto/wire/tcp.hpp", True, True),
        ("wire", '"', "proto/flow.hpp", True, False),
        ("base", '"', "time.hpp", False, True),
        ("wire", "<", "proto/base/time.hpp", True, True),
        ("tcp", "<", "chrono", False, True),
        ("tcp", "<", "cstdint", False, False),
        ("memory", "<", "sys/uio.h", False, False),
        ("shard", "<", "sys/uio.h", False, True),
        ("shard", '"', "dataplane/listener.hpp", True, False),
        ("shard", '"', "dataplane/engine.hpp", True, True),
        ("link", '"', "dataplane/shard/shard.hpp", True, True),
        ("shard", '"', "dataplane/link/link.hpp", True, True),
        ("sim", '"', "dataplane/link/link.hpp", True, False),
        ("sim", '"', "dataplane/io/clock.hpp", True, True),
        ("sim", "<", "cstdio", False, True),
        ("sockets", '"', "dataplane/sluice.h", True, False),
        ("sockets", '"', "dataplane/io/entropy.hpp", True, True),
        ("sockets", "<", "netinet/in.h", False, False),
        ("sockets", "<", "unistd.h", False, True),
        ("shard", '"', "dataplane/sockets/stack.hpp", True, True),
        ("c", '"', "dataplane/io/entropy.hpp", True, False),
        ("worker", '"', "dataplane/sim/simulation.hpp", True, True),
        ("io", '"', "proto/tcp/seq.hpp", True, True),
        ("io", "<", "liburing.h", False, False),
        ("engine", '"', "tests/support/packets.hpp", True, True),
        ("engine", '"', "dataplane/coroutine.hpp", True, True),
        ("coroutine", '"', "dataplane/engine.hpp", True, False),
        ("examples", '"', "dataplane/shard/shard.hpp", True, True),
        ("examples", "<", "fmt/core.h", False, True),
        ("examples", "<", "thread", False, False),
        ("tools", "<", "fmt/core.h", False, False),
    )
    for box, bracket, target, exists, wrong in rows:
        seen = complaint(box, bracket, target, exists) is not None
        tree.fail_unless(seen == wrong, f"{box} includes {bracket}{target}: reported {seen}")


def main():
    self_test()
    violations = []
    for path in tree.files(".cpp", ".hpp", ".h", ".c"):
        violations.extend(check(path, tree.read(path)))
    return tree.report(violations)


sys.exit(main())
