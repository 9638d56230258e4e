"""Packet scripts: each names the duty that it shows, every theme has some, and there are enough."""

import re
import sys
from collections import Counter

import tree

LEAST = 200
LEAST_OF_A_THEME = 5
COLUMNS = 100
THEMES = set(
    """
    backlog close delayed_ack ecn errno keepalive mss nagle_cork open paws pmtu rack reset
    retransmit rfc5961 sack shutdown simultaneous socket_options time_wait timestamps udp urgent
    window zero_window
    """.split()
)

# "// RFC 9293 SA-L3, SA-14: a SYN makes a listener answer." All of the comment that leads counts.
DUTY = re.compile(r"\b(?:MUST|SHLD|MAY|REC|SA|R\d{3,4})-[A-Z]?\d+")
HEAD = re.compile(r"// RFC \d+ [^:]+: \S")
NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
# What can fail: a packet that comes out, the result of a call, an assertion.
CHECK = re.compile(r"^\s*[+*\d][^\s]*\s+(?:>|%\{|\w+\()", re.MULTILINE)


def opening(text):
    """The comment that a script begins with, as one line."""
    lines = []
    for line in text.split("\n"):
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").strip())
    return "// " + " ".join(lines)


def check(path, text, duties):
    head = opening(text)
    named = DUTY.findall(head.split(": ")[0])
    if not HEAD.match(head) or not named:
        yield f"{path}:1: begin with the duty and what is seen: // RFC 9293 SA-14: an ACK makes ..."
    for duty in named:
        if duty not in duties:
            yield f"{path}:1: no duty {duty}; see tests/tidy/duties.tsv"
    if path.parts[2] not in THEMES or len(path.parts) != 4:
        yield f"{path}:1: no theme; put it into one of: {', '.join(sorted(THEMES))}"
    if not NAME.fullmatch(path.stem):
        yield f"{path}:1: name it in snake_case, by what it shows"
    if not CHECK.search(text):
        yield f"{path}:1: nothing in it can fail"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield f"{path}:{text.count(chr(10)) + 1}: end the file with exactly one newline"
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            yield f"{path}:{number}: {len(line)} columns; break the line at {COLUMNS}"
        if line != line.rstrip() or "\t" in line:
            yield f"{path}:{number}: tab or space at the end; remove it"


def check_numbers(paths):
    themes = Counter(path.parts[2] for path in paths)
    for theme in sorted(THEMES):
        if themes[theme] < LEAST_OF_A_THEME:
            yield f"tests/scripts/{theme}:1: {themes[theme]} scripts; {LEAST_OF_A_THEME} at least"
    if len(paths) < LEAST:
        yield f"tests/scripts:1: {len(paths)} scripts; {LEAST} at least"


def self_test():
    duties = {"MUST-14", "SA-L3"}
    good = "// RFC 9293 SA-L3,\n// MUST-14: it is so.\n\n   +0 > S 0:0(0) <...>\n"
    path = tree.Path("tests/scripts/open/a_name.pkt")
    tree.fail_unless(not list(check(path, good, duties)), "a good script")
    for wrong in (
        good.replace("MUST-14", "MUST-15"),
        good.replace("// RFC", "// FC"),
        good.replace(": it is so.", ""),
        good.replace("+0 >", "+0 <"),
        good.replace("<...>", "<...> "),
        good + "\n",
        good + "// " + "x" * COLUMNS + "\n",
    ):
        tree.fail_unless(len(list(check(path, wrong, duties))) == 1, f"a breach in\n{wrong}")
    for place in ("open/aName.pkt", "nothing/a.pkt", "open/deep/a.pkt"):
        path = tree.Path("tests/scripts") / place
        tree.fail_unless(len(list(check(path, good, duties))) == 1, f"the place {place}")
    one_each = [tree.Path(f"tests/scripts/{theme}/a.pkt") for theme in THEMES]
    tree.fail_unless(len(list(check_numbers(one_each))) == len(THEMES) + 1, "too few scripts")
    tree.fail_unless(not list(check_numbers(one_each * 8)), "enough scripts")


def main():
    self_test()
    duties = {line.split("\t")[0] for line in tree.read("tests/tidy/duties.tsv").splitlines()}
    paths = tree.files(".pkt")
    violations = list(check_numbers(paths))
    for path in paths:
        violations.extend(check(path, tree.read(path), duties))
    return tree.report(violations)


sys.exit(main())
