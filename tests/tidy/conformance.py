"""Joins where each RFC duty is met and where it is tested into proto/CONFORMANCE.md.

Sources and tests name a duty by its id (`RFC 9293 MUST-58`, `RFC 5681 R5681-9`, `MUST-58/59`); a
test may carry it in its own name (`RFC9293_MUST_58_AcksOnceATurn`), a packet script has it in its
first comment. Ids and wording: duties.tsv.
Usage: conformance.py --write | --check
"""

import re
import sys
from collections import defaultdict

import cpp_scan
import tree

PAGE = tree.Path("proto/CONFORMANCE.md")
MEND = "python3 tests/tidy/conformance.py --write"
RFC_OF_FAMILY = {"MUST": "9293", "SHLD": "9293", "MAY": "9293", "REC": "9293", "SA": "9293"}

IN_TEXT = re.compile(r"(?:RFC ?(\d+) )?\b(MUST|SHLD|MAY|REC|SA|BBR|R\d{3,4})-([A-Z]?\d+(?:/\d+)*)\b")
IN_NAME = re.compile(r"\bRFC(\d+)((?:_[A-Z]+\d*_[A-Z]?\d+)+)(?=_|\b)")
ONE_IN_NAME = re.compile(r"_([A-Z]+\d*)_([A-Z]?\d+)(?=_|\b)")
TEST_MACRO = re.compile(r"\s*(?:TYPED_)?TEST(?:_[FP])?\s*\(\s*(\w+)\s*,\s*(\w+)")


def rfc_of(duty):
    family = duty.split("-")[0]
    if family == "BBR":
        return "BBR"
    return RFC_OF_FAMILY.get(family) or family[1:]


def mentions(text):
    """(line, the RFC's number as written or None, id) of each duty named."""
    for number, line in enumerate(text.split("\n"), 1):
        for rfc, family, numbers in IN_TEXT.findall(line):
            for one in numbers.split("/"):
                yield number, rfc or None, f"{family}-{one}"
        for rfc, ids in IN_NAME.findall(line):
            for family, one in ONE_IN_NAME.findall(ids):
                yield number, rfc, f"{family}-{one}"


def test_lines(text):
    """Line -> test's name, for the tests of a C++ file and the comment lines that lead to each."""
    lines, names = text.split("\n"), {}
    for function in cpp_scan.functions(text):
        found = TEST_MACRO.match("\n".join(lines[function.first_line - 1 : function.last_line]))
        if found is None:
            continue
        first = function.first_line
        while first > 1 and lines[first - 2].startswith("//"):
            first -= 1
        name = ".".join(found.groups())
        names.update((number, name) for number in range(first, function.last_line + 1))
    return names


def collect(texts, duties):
    """(met, tested, violations) from pairs of path and text; the first two map id -> places."""
    met, tested, violations = defaultdict(set), defaultdict(set), []
    for path, text in texts:
        is_test = path.parts[0] == "tests"
        names = test_lines(text) if is_test and path.suffix == ".cpp" else {}
        for number, rfc, duty in mentions(text):
            if duty not in duties:
                violations.append(f"{path}:{number}: no duty {duty}; see tests/tidy/duties.tsv")
            elif rfc not in (None, rfc_of(duty)):
                violations.append(f"{path}:{number}: {duty} is of RFC {rfc_of(duty)}, not {rfc}")
            elif is_test:
                name = names.get(number)
                tested[duty].add(f"`{path}`" + (f" {name}" if name else ""))
            else:
                met[duty].add(f"`{path}`")
    return met, tested, violations


def load_duties():
    """id -> (level, wording), in the order of the file."""
    rows = (line.split("\t") for line in tree.read("tests/tidy/duties.tsv").splitlines())
    return {duty: (level, wording) for duty, level, wording in rows}


def listing(title, ids):
    return [f"{title} ({len(ids)}): {', '.join(ids)}", ""] if ids else []


def section(rfc, duties, met, tested):
    own = [duty for duty in duties if rfc_of(duty) == rfc]
    named = [duty for duty in own if duty in met or duty in tested]
    lines = [f"## {'BBRv3' if rfc == 'BBR' else f'RFC {rfc}'}", ""]
    if named:
        lines += ["| id | level | duty | met in | tested in |", "|---|---|---|---|---|"]
    for duty in named:
        level, wording = duties[duty]
        places = ("<br>".join(sorted(found.get(duty, ()))) or "-" for found in (met, tested))
        cells = (duty, level, wording.replace("|", "\\|"), *places)
        lines.append(f"| {' | '.join(cells)} |")
    lines += [""] if named else []
    lines += listing("Met, no test names it", [d for d in named if d not in tested])
    lines += listing("Tested, no source names it", [d for d in named if d not in met])
    lines += listing("Not named anywhere", [d for d in own if d not in named])
    return lines


def page(duties, met, tested):
    both = sum(1 for duty in duties if duty in met and duty in tested)
    lines = [
        "# Conformance: where each duty is met, and where it is tested",
        "",
        f"Made by `{MEND}` from the ids that sources and tests name;",
        "do not edit. The duties are in our own words (`tests/tidy/duties.tsv`). M must, S should, O",
        "may, – what the algorithm rests on. A duty that is not named is not claimed.",
        "",
        f"Of {len(duties)} duties {len(met)} are named in a source, {len(tested)} in a test, "
        f"{both} in both.",
        "",
    ]
    for rfc in dict.fromkeys(rfc_of(duty) for duty in duties):
        lines += section(rfc, duties, met, tested)
    return "\n".join(lines)


def sources():
    for path in tree.files(".cpp", ".hpp", ".h", ".pkt", ".py", ".sh"):
        if path.parts[0] in ("proto", "dataplane", "tests") and path.parts[1] != "tidy":
            yield path, tree.read(path)


def self_test(duties):
    sample = """// RFC 9293 MUST-58/59, SHLD-18 and RFC 5681 R5681-9; not MAY-1ce
// RFC 5681 MUST-1, MUST-70
TEST_F(Suite,
       RFC9293_SA_C1_MUST_2_Name) {
  f();  // RFC 9293 MAY-2
}
// R6298-1
"""
    script = "// RFC 9293 SA-L3, MUST-14: a SYN is answered.\n\n   +0 > S. 0:0(0) ack 1\n"
    pairs = [(tree.Path("tests/proto/tcp/a_test.cpp"), sample),
             (tree.Path("tests/scripts/open/a.pkt"), script)]
    _, tested, violations = collect(pairs, duties)
    name = "`tests/proto/tcp/a_test.cpp` Suite.RFC9293_SA_C1_MUST_2_Name"
    expected = dict.fromkeys(
        ("MUST-58", "MUST-59", "SHLD-18", "R5681-9", "SA-C1", "MUST-2", "MAY-2"), {name})
    expected["R6298-1"] = {"`tests/proto/tcp/a_test.cpp`"}
    expected["SA-L3"] = expected["MUST-14"] = {"`tests/scripts/open/a.pkt`"}
    tree.fail_unless(tested == expected, f"ids of the sample: {dict(tested)}")
    tree.fail_unless(len(violations) == 2, f"breaches of the sample: {violations}")


def main():
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit("usage: conformance.py --write | --check")
    duties = load_duties()
    self_test(duties)
    met, tested, violations = collect(sources(), duties)
    wanted = page(duties, met, tested)
    target = tree.ROOT / PAGE
    if sys.argv[1] == "--write":
        target.write_text(wanted, encoding="utf-8")
    elif not target.is_file() or target.read_text(encoding="utf-8") != wanted:
        violations.append(f"{PAGE}:1: stale; write it anew: {MEND}")
    return tree.report(violations)


sys.exit(main())
