"""The text that servers and clients print, without what differs from test to test."""

import re

AMOUNT = re.compile(r" *[\d.]+ [KMGT]?(Bytes|bits|bytes)(/sec)?")
SUBSTITUTES = (
    # Ours: what iperf3 does not say of a sender.
    (re.compile(r" +RTT p50   p99$"), lambda _: ""),
    # Stock clients head the rows of a receiver like those of a sender, unless -O is given.
    (re.compile(r" +Retr  Cwnd$"), lambda _: ""),
    (re.compile(r"(?<=Bytes)( +[\d.]+ [mu]?s| +-){2}(?= {7})"), lambda _: ""),
    (re.compile(r"^\[ *(\d+|SUM)\]"), lambda match: "[SUM]" if match[1] == "SUM" else "[ id]"),
    (re.compile(r" +[\d.]+- *[\d.]+ +sec "), lambda _: " <interval>"),
    (AMOUNT, lambda match: f" <{match[1].lower()}{match[2] or ''}>"),
    (re.compile(r"(port|test #|Time:|Cookie:|MSS) .*?(?= connected|$|\))"),
     lambda match: match[1]),
    (re.compile(r"local \S+ port"), lambda _: "local <host> port"),
    (re.compile(r"(connected to|from|host|Linux) \S.*"), lambda match: match[1]),
    (re.compile(r"^(iperf|sluice) \d.*"), lambda _: "<version>"),
    (re.compile(r" *\d+/\d+ \([^)]*\)"), lambda _: " <lost/total>"),
    (re.compile(r" *\b\d+(\.\d+)?\b"), lambda _: " <number>"),
)


MOST_ROWS = 12  # of an interval


def normal(text: str) -> list[str]:
    """Its lines; of rows alike, and of intervals alike, one after the other, the first: a server
    that is late prints a short interval at its end."""
    lines: list[str] = []
    for line in text.splitlines():
        for pattern, substitute in SUBSTITUTES:
            line = pattern.sub(substitute, line)
        lines.append(line)
        for rows in range(1, MOST_ROWS + 1):
            if lines[-2 * rows : -rows] == lines[-rows:]:
                del lines[-rows:]
                break
    return lines


ROW = re.compile(
    r"(\w+:  )?\[(SUM|[ \d]{3})\](\[[TR]X-[CS]\])? [ \d.]{6}-[ \d.]{6} sec  "
    r"[ \d.]{4} [KMGT]?Bytes  [ \d.]{4,} [KMGT]?(bits|Bytes)/sec  .*"
)


def crooked(text: str) -> list[str]:
    """Rows that are not below their headings."""
    rows = [line for line in text.splitlines() if " sec  " in line]
    return [row for row in rows if not ROW.fullmatch(row)]
