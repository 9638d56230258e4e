"""The pure archives call no clock, entropy, file, thread, socket or io_uring.

Usage: purity_test.py ARCHIVE_FOLDER COMPILER...
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import tree

ARCHIVES = ("base", "wire", "tcp", "link", "shard", "sim", "sockets")

# C symbols, whole names; the fortified (__x_chk) and 64-bit (x64) forms are found as well.
FORBIDDEN_C = {
    "a clock": """clock clock_gettime clock_getres clock_nanosleep time times gettimeofday ftime
        localtime localtime_r gmtime gmtime_r timespec_get timer_.* timerfd_.*""",
    "entropy": """getrandom getentropy rand rand_r srand random random_r srandom [deljmn]rand48.*
        arc4random.*""",
    "sleep": "sleep usleep nanosleep alarm setitimer pause",
    "files": """open openat creat close read write pread pwrite readv writev preadv.* pwritev.*
        fopen fdopen freopen fclose fread fwrite fflush fgets fgetc getc getchar getline
        fputs fputc putc putchar puts perror printf fprintf vprintf vfprintf dprintf
        scanf fscanf __isoc99_f?scanf stdin stdout stderr
        ioctl fcntl dup.? pipe.? stat fstat lstat access unlink rename mmap munmap madvise""",
    "threads": """pthread_.* thrd_.* mtx_.* cnd_.* sem_.* sched_.* futex fork vfork clone
        __gthread.*""",
    "sockets": """socket socketpair bind listen accept accept4 connect send sendto sendmsg sendmmsg
        recv recvfrom recvmsg recvmmsg setsockopt getsockopt select poll ppoll epoll_.* eventfd
        if_nametoindex getaddrinfo""",
    "io_uring": "io_uring_.* __io_uring_.*",
    "system calls": "syscall prctl signal sigaction kill raise getenv secure_getenv setenv system",
}
# Demangled C++ names, by their beginning.
FORBIDDEN_CPP = {
    "a clock": r"std::chrono::.*::now",
    "entropy": r"std::random_device",
    "files": r"std::(__cxx11::)?basic_([io]?fstream|filebuf)|std::(w?c(out|err|log|in))\b"
    r"|std::filesystem|std::print",
    "threads": r"std::(thread|mutex|recursive_mutex|timed_mutex|condition_variable|this_thread"
    r"|__atomic_futex|jthread|__atomic_wait|__detail::__.*wait)",
}

C_RULES = {
    kind: re.compile(rf"(?:__)?(?:{'|'.join(names.split())})(?:64)?(?:_chk)?(?:_2)?")
    for kind, names in FORBIDDEN_C.items()
}
CPP_RULES = {kind: re.compile(beginning) for kind, beginning in FORBIDDEN_CPP.items()}
# Origin, then an address (blank where undefined), the symbol's class and its name.
NM_LINE = re.compile(r"(.*?):([0-9a-f]{16}| {16}) \S (.*)")


def kind_of(symbol):
    """The forbidden kind of a demangled undefined symbol, or None."""
    symbol = symbol.split("@")[0]
    for kind, rule in C_RULES.items():
        if rule.fullmatch(symbol):
            return kind
    return next((kind for kind, rule in CPP_RULES.items() if rule.match(symbol)), None)


def undefined_symbols(archive):
    """Pairs of object file and demangled symbol, of those that no object of the archive defines."""
    listing = subprocess.run(
        ["nm", "--demangle", "--print-file-name", archive],
        capture_output=True, text=True, check=True,
    ).stdout
    undefined, defined = [], set()
    for line in listing.splitlines():
        if found := NM_LINE.fullmatch(line):
            origin, address, symbol = found.groups()
            if address.isspace():
                undefined.append((origin.rpartition(":")[2], symbol))
            else:
                defined.add(symbol)
    return [(member, symbol) for member, symbol in undefined if symbol not in defined]


def check(archive):
    if not archive.is_file():
        return [f"{archive}:1: no such archive; build it, or mend ARCHIVES in purity_test.py"]
    found = {
        f"{archive.name}:{member}: calls {symbol} ({kind}); pass the value in as an argument"
        for member, symbol in undefined_symbols(archive)
        if (kind := kind_of(symbol))
    }
    return sorted(found)


IMPURE = """
#include <chrono>
#include <cstdio>
#include <ctime>
#include <random>
#include <thread>
long own(long);
long own(long x) { return x; }
long impure() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  std::thread([] {}).join();
  std::printf("%d", 1 + std::random_device{}());
  return own(t.tv_sec + std::chrono::steady_clock::now().time_since_epoch().count());
}
"""


def self_test(compiler):
    """An object that sins is caught by each kind; names that only look like sins are not."""
    with tempfile.TemporaryDirectory() as folder:
        source, sinner = Path(folder, "sinner.cpp"), Path(folder, "sinner.o")
        source.write_text(IMPURE, encoding="utf-8")
        subprocess.run([*compiler, "-std=c++20", "-c", source, "-o", sinner], check=True)
        kinds = {kind for _, symbol in undefined_symbols(sinner) if (kind := kind_of(symbol))}
    tree.fail_unless(kinds == {"a clock", "entropy", "files", "threads"}, f"caught only {kinds}")
    for symbol in ("clock_gettime@GLIBC_2.17", "__printf_chk", "__open64_2", "io_uring_submit"):
        tree.fail_unless(kind_of(symbol), f"{symbol} was not caught")
    for symbol in ("sluice::time()", "memcpy", "__tsan_read8", "__ubsan_handle_abort", "abort"):
        tree.fail_unless(not kind_of(symbol), f"{symbol} was caught")


def main():
    folder, compiler = Path(sys.argv[1]), sys.argv[2:]
    self_test(compiler)
    violations = []
    for box in ARCHIVES:
        violations.extend(check(folder / f"libsluice_{box}.a"))
    return tree.report(violations)


sys.exit(main())
