"""Compares the JSON of two tests: keys and types, not values; and what must add up in one.

A document is flattened into paths. The elements of a list go by what they are, not by their number:
`end.streams[sends].udp.bytes`. What an object called "sluice" holds is ours alone, and ignored.
"""

from collections import defaultdict
from collections.abc import Iterator

OURS = "sluice"
WHOLE = {  # never with a fraction
    "blksize", "blocks", "bytes", "duration", "lost_packets", "max_rtt", "max_snd_cwnd",
    "max_snd_wnd", "mean_rtt", "min_rtt", "num_streams", "omit", "out_of_order", "packets", "pmtu",
    "port", "local_port", "remote_port", "rcvbuf_actual", "retransmits", "reverse", "rtt", "rttvar",
    "snd_cwnd", "snd_wnd", "sndbuf_actual", "sock_bufsize", "socket", "target_bitrate",
    "tcp_mss", "tcp_mss_default", "timesecs", "tos",
}


def kind(value) -> str:
    if isinstance(value, bool):
        return "bool"
    for type_, name in ((int, "number"), (float, "number"), (str, "string"), (list, "list"),
                        (dict, "object")):
        if isinstance(value, type_):
            return name
    return "null"


def label(element) -> str:
    """What tells the elements of a list apart: whether this host sends on that stream."""
    inner = element
    while isinstance(inner, dict):
        if isinstance(inner.get("sender"), bool):
            return "sends" if inner["sender"] else "receives"
        inner = next((each for each in inner.values() if isinstance(each, dict)), None)
    return ""


def flatten(value, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, path of the object that it is in, and type, of everything inside, any number of times."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == OURS:
                continue
            at = f"{path}.{key}" if path else key
            yield at, path, kind(inner)
            yield from flatten(inner, at)
    elif isinstance(value, list):
        for element in value:
            at = f"{path}[{label(element)}]"
            yield at, path, kind(element)
            yield from flatten(element, at)


class Shape:
    def __init__(self, document: dict) -> None:
        self.types: dict[str, set[str]] = defaultdict(set)
        self.counts: dict[str, int] = defaultdict(int)
        self.parents: dict[str, str] = {}
        self.counts[""] = 1
        for path, parent, type_ in flatten(document):
            self.types[path].add(type_)
            self.counts[path] += 1
            self.parents[path] = parent

    def always(self, path: str) -> bool:
        """Each object that could have it has it. Lists may be empty."""
        return path.endswith("]") or self.counts[path] >= self.counts[self.parents[path]]


def differences(found: dict, wanted: dict) -> list[str]:
    """A line for each: what is missing in, or foreign to, `found`, or of another type."""
    ours, theirs = Shape(found), Shape(wanted)
    lines = []
    for path in sorted(ours.types.keys() | theirs.types.keys()):
        parents = {shape.parents[path] for shape in (ours, theirs) if path in shape.types}
        if not all(parent in shape.counts for parent in parents for shape in (ours, theirs)):
            continue  # said of the parent already
        if path not in ours.types:
            lines.append(f"{path}: missing ({', '.join(sorted(theirs.types[path]))})")
        elif path not in theirs.types:
            lines.append(f"{path}: extra ({', '.join(sorted(ours.types[path]))})")
        elif ours.types[path] != theirs.types[path]:
            lines.append(f"{path}: {sorted(ours.types[path])} instead of "
                         f"{sorted(theirs.types[path])}")
        elif ours.always(path) != theirs.always(path):
            lines.append(f"{path}: {'always' if ours.always(path) else 'not always'} there")
    return lines + list(fractions(found))


def fractions(value, path: str = "") -> Iterator[str]:
    """Floating-point numbers where only whole ones make sense."""
    if isinstance(value, dict):
        for key, inner in value.items():
            at = f"{path}.{key}" if path else key
            if key in WHOLE and isinstance(inner, float):
                yield f"{at}: {inner} is not a whole number"
            yield from fractions(inner, at)
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield from fractions(element, f"{path}[{number}]")


# --- sums ---------------------------------------------------------------------------------------


def streams_of(document: dict) -> list[dict]:
    """Of the end: {"udp": ...}, or {"sender": ..., "receiver": ...}."""
    return document["end"]["streams"]


def sent(stream: dict) -> dict:
    return stream.get("udp") or stream["sender"]


def received(stream: dict) -> dict:
    return stream.get("udp") or stream["receiver"]


def sends(stream: dict) -> bool:
    return sent(stream)["sender"]


def counted_bytes(document: dict, sending: bool) -> int:
    """What the intervals of this host come to, in one direction, without the omitted ones."""
    return sum(
        stream["bytes"] for interval in document["intervals"] for stream in interval["streams"]
        if stream["sender"] == sending and not stream["omitted"]
    )


def sum_errors(document: dict) -> Iterator[str]:
    """Where the parts of one document do not add up."""
    for number, interval in enumerate(document["intervals"]):
        for name in ("sum", "sum_bidir_reverse"):
            if name not in interval:
                continue
            way = interval[name]["sender"]
            parts = [each for each in interval["streams"] if each["sender"] == way]
            for key in ("bytes", "retransmits", "packets"):
                if key in interval[name] and interval[name][key] != sum(e[key] for e in parts):
                    yield f"intervals[{number}].{name}.{key}: not the sum of its streams"
            yield from rate_errors(interval[name], f"intervals[{number}].{name}")
    for sending in (True, False):
        counted, said = counted_bytes(document, sending), own_bytes(document, sending)
        if said is not None and said != counted:
            yield (f"end: {said} bytes {'sent' if sending else 'received'}, in the intervals "
                   f"{counted}")


def own_bytes(document: dict, sending: bool) -> int | None:
    """What the end says that this host has moved in one direction; None: nothing of it."""
    rows = [row for row in streams_of(document) if sends(row) == sending]
    if not rows:
        return None
    if sending or "receiver" in rows[0]:
        return sum((sent(row) if sending else received(row))["bytes"] for row in rows)
    # Of datagrams, a stream has the sender's bytes.
    both = len(rows) < len(streams_of(document))
    return None if both else document["end"]["sum_received"]["bytes"]


def rate_errors(row: dict, path: str) -> Iterator[str]:
    if row["seconds"] > 0:
        rate = row["bytes"] * 8 / row["seconds"]
        if abs(rate - row["bits_per_second"]) > max(1, rate * 0.01):
            yield f"{path}.bits_per_second: {row['bits_per_second']}, not {rate}"


# --- two ends -----------------------------------------------------------------------------------

KNOWN_OF_DATAGRAMS = ("jitter_ms", "lost_packets")
CLOSE = 1e-9  # of jitter, which crosses in seconds and is printed in milliseconds


def count_errors(client: dict, server: dict, server_knows: bool = True) -> Iterator[str]:
    """Where an end's own count is not in the other end's document, and what cannot be.

    A stock server says nothing of what its client has counted: then not `server_knows`. The omitted
    seconds end at each end by its own clock: what is under way is counted by one and not the other.
    """
    omits = client["start"]["test_start"]["omit"] > 0
    rows = list(zip(streams_of(client), streams_of(server)))
    if len(rows) != len(streams_of(client)) or len(rows) != len(streams_of(server)):
        yield f"{len(streams_of(client))} streams and {len(streams_of(server))}"
    for number, (here, there) in enumerate(rows):
        path = f"end.streams[{number}]"
        if sends(here) == sends(there):
            yield f"{path}: both ends {'send' if sends(here) else 'receive'}"
        elif "udp" in here:
            yield from unequal(here["udp"], there["udp"], KNOWN_OF_DATAGRAMS, f"{path}.udp",
                               sends(here) or server_knows)
        else:
            yield from tcp_count_errors(here, there, path, server_knows)
            if here["receiver"]["bytes"] > here["sender"]["bytes"] and not omits:
                yield (f"{path}: {here['receiver']['bytes']} received of "
                       f"{here['sender']['bytes']} sent")
    keys = ("bytes",) if omits else ("bytes", "packets", "lost_packets")
    yield from datagram_sum_errors(client["end"], server["end"], server_knows, keys)


def tcp_count_errors(here: dict, there: dict, path: str, server_knows: bool) -> Iterator[str]:
    if sends(there) or server_knows:
        yield from unequal(here["sender"], there["sender"], ("bytes",), f"{path}.sender", True)
    if not sends(there) or server_knows:
        yield from unequal(here["receiver"], there["receiver"], ("bytes",), f"{path}.receiver", True)
    retransmits = [each["sender"].get("retransmits") for each in (here, there)]
    if None not in retransmits and retransmits[0] != retransmits[1]:
        yield f"{path}.sender.retransmits: {retransmits}"


def datagram_sum_errors(client: dict, server: dict, server_knows: bool,
                        keys: tuple) -> Iterator[str]:
    if "sum" not in client:
        return
    for suffix in ("", "_bidir_reverse"):
        if f"sum{suffix}" not in client:
            continue
        of_server = f"sum_{'sent' if server[f'sum{suffix}']['sender'] else 'received'}{suffix}"
        names = (f"sum_sent{suffix}", f"sum_received{suffix}") if server_knows else (of_server,)
        for name in names:
            yield from unequal(client[name], server[name], keys, f"end.{name}", True)


def unequal(here: dict, there: dict, keys: tuple, path: str, known: bool) -> Iterator[str]:
    for key in keys if known else ():
        if abs(here[key] - there[key]) > CLOSE * max(1, abs(here[key])):
            yield f"{path}.{key}: {here[key]} at the client, {there[key]} at the server"
