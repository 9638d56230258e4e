"""The client's side of the protocol by hand, to stop in any state and to lie."""

import json
import random
import socket
import struct

import lab
from perf_support import PORT

TEST_START, TEST_RUNNING, TEST_END = 1, 2, 4
PARAM_EXCHANGE, CREATE_STREAMS, EXCHANGE_RESULTS, DISPLAY_RESULTS = 9, 10, 13, 14
SERVER_TERMINATE, CLIENT_TERMINATE, IPERF_DONE = 11, 12, 16
ACCESS_DENIED, SERVER_ERROR = 255, 254

COOKIE_LENGTH = 37
HELLO, WELCOME = b"9876", b"6789"  # the first datagrams of a stream
PARAMETERS = {"tcp": True, "omit": 0, "time": 0, "num": 100_000, "blockcount": 0, "parallel": 1,
              "len": 1000, "pacing_timer": 1000, "client_version": "3.12"}


def make_cookie() -> bytes:
    return bytes(random.choices(b"abcdefghijklmnopqrstuvwxyz234567", k=COOKIE_LENGTH - 1)) + b"\0"


def framed(text: bytes) -> bytes:
    return struct.pack("!I", len(text)) + text


def as_json(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def results(streams: int, sent: int) -> dict:
    """As a client that sends says it."""
    numbers = [1, *range(3, streams + 2)]
    return {
        "cpu_util_total": 1, "cpu_util_user": 1, "cpu_util_system": 0, "sender_has_retransmits": 1,
        "streams": [{"id": number, "bytes": sent, "retransmits": 0, "jitter": 0, "errors": 0,
                     "packets": 0, "start_time": 0, "end_time": 0.1} for number in numbers],
    }


class Talk:
    """A control connection, a context. Each step of it is taken by hand."""

    def __init__(self, address: str, **parameters) -> None:
        self.address = address
        self.parameters = PARAMETERS | parameters
        if "udp" in parameters:
            del self.parameters["tcp"]
        self.cookie = make_cookie()
        self.control = lab.connect(address, PORT)
        self.streams: list[socket.socket] = []

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        for each in (*self.streams, self.control):
            each.close()

    def reset(self) -> None:
        """As a machine that has lost its memory."""
        for each in (*self.streams, self.control):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def state(self) -> int | None:
        """The next byte; None where the server has closed instead."""
        try:
            byte = self.control.recv(1)
        except ConnectionError:
            return None
        return byte[0] if byte else None

    def expect(self, *states: int) -> None:
        for state in states:
            if (got := self.state()) != state:
                raise AssertionError(f"state {got}, not {state}")

    def send_state(self, state: int) -> None:
        self.control.sendall(bytes([state]))

    def greet(self) -> None:
        self.control.sendall(self.cookie)
        self.expect(PARAM_EXCHANGE)

    def ask(self) -> None:
        self.greet()
        self.control.sendall(framed(as_json(self.parameters)))
        self.expect(CREATE_STREAMS)

    def open_tcp(self) -> socket.socket:
        stream = lab.connect(self.address, PORT)
        stream.sendall(self.cookie)
        self.streams.append(stream)
        return stream

    def open_udp(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_DGRAM)
        stream.settimeout(lab.PATIENCE)
        stream.connect((self.address, PORT))
        stream.send(HELLO)
        self.streams.append(stream)
        if stream.recv(100) != WELCOME:
            raise AssertionError("no welcome for a datagram")
        return stream

    def open_streams(self, count: int) -> None:
        for _ in range(count):
            self.open_udp() if "udp" in self.parameters else self.open_tcp()

    def run(self) -> None:
        """Up to the state in which bytes count."""
        self.ask()
        ways = 2 if self.parameters.get("bidirectional") else 1
        self.open_streams(self.parameters["parallel"] * ways)
        self.expect(TEST_START, TEST_RUNNING)

    def end(self) -> None:
        self.send_state(TEST_END)
        self.expect(EXCHANGE_RESULTS)

    def document(self) -> dict:
        length = struct.unpack("!I", lab.receive_exactly(self.control, 4))[0]
        return json.loads(lab.receive_exactly(self.control, length))

    def exchange(self, said: dict) -> dict:
        """The server's results."""
        self.control.sendall(framed(as_json(said)))
        answer = self.document()
        self.expect(DISPLAY_RESULTS)
        return answer

    def finish(self) -> None:
        self.send_state(IPERF_DONE)
        self.close()

    def read_to_the_end(self) -> bytes:
        """What the server still says, until it closes; or as much as comes in a second."""
        said = b""
        self.control.settimeout(1)
        try:
            while part := self.control.recv(65536):
                said += part
        except OSError:
            pass
        return said

    def say_and_hear(self, text: bytes) -> bytes:
        """The last that is said, and what the server makes of it."""
        try:
            self.control.sendall(text)
            self.control.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has closed already
        return self.read_to_the_end()


def datagram(number: int, length: int = 100, seconds: int = 1, microseconds: int = 0) -> bytes:
    head = struct.pack("!III", seconds, microseconds, number)
    return head + bytes(length - len(head))


# --- rubbish ------------------------------------------------------------------------------------


def random_strings(chance: random.Random, count: int) -> list[bytes]:
    return [chance.randbytes(chance.choice((1, 36, 37, 38, 41, 100, 1000, 9000)))
            for _ in range(count)]


ODD_VALUES = (
    -1, 0, 1, 2**31, -2**31, 2**32, 2**53, 2**63, 2**64, -2**63, 10**30, 0.5, 1e308, -1e308, None,
    True, False, "", "x", "x" * 5000, [], [1], {}, {"a": 1}, [[[[]]]], "9" * 30, float("nan"),
)
NUMBERS = ("omit", "time", "num", "blockcount", "parallel", "len", "MSS", "window", "bandwidth",
           "burst", "TOS", "flowlabel", "pacing_timer", "fqrate", "udp_counters_64bit", "zerocopy")
OTHERS = ("tcp", "udp", "sctp", "reverse", "bidirectional", "nodelay", "title", "extra_data",
          "congestion", "get_server_output", "client_version", "authtoken", "repeating_payload")


def one_odd_value(chance: random.Random) -> bytes:
    changed = dict(PARAMETERS)
    for _ in range(chance.randrange(1, 4)):
        changed[chance.choice(NUMBERS + OTHERS)] = chance.choice(ODD_VALUES)
    return framed(as_json(changed))


def nested(chance: random.Random) -> bytes:
    depth = chance.choice((10, 1000, 4000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return framed(opening * depth + b"1" + closing * (depth if chance.random() < 0.5 else 0))


def no_json(chance: random.Random) -> bytes:
    text = bytearray(as_json(PARAMETERS))
    for _ in range(chance.randrange(1, 6)):
        text[chance.randrange(len(text))] = chance.randrange(256)
    return framed(bytes(text[: chance.randrange(len(text) + 1)]))


def wrong_length(chance: random.Random) -> bytes:
    text = as_json(PARAMETERS)
    length = chance.choice((0, 1, len(text) - 1, len(text) + 1, 8193, 1 << 20, 1 << 30,
                            (1 << 31) - 1, 1 << 31, (1 << 32) - 1))
    return struct.pack("!I", length) + text


def other_kind(chance: random.Random) -> bytes:
    return framed(chance.choice((
        b"", b"null", b"true", b"1", b'"tcp"', b"[]", b"{}", b'{"tcp":true,"udp":true}', b"\xff\xfe",
        b'{"tcp":true,"tcp":false}', b"\xef\xbb\xbf{}", b'{"tcp":true}' + b" " * 9000,
        b'{"sctp":true}', b'{"tcp":true,"parallel":129}', b'{"tcp":true,"len":1e9}',
    )))


def hostile_documents(chance: random.Random, count: int) -> list[bytes]:
    """With their lengths before them."""
    kinds = (one_odd_value, one_odd_value, nested, no_json, wrong_length, other_kind)
    return [chance.choice(kinds)(chance) for _ in range(count)]


def hostile_results(chance: random.Random, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        said = results(1, 100_000)
        target = said["streams"][0] if chance.random() < 0.5 else said
        target[chance.choice(list(target))] = chance.choice(ODD_VALUES)
        if chance.random() < 0.2:
            del said[chance.choice(list(said))]
        found.append(chance.choice((framed(as_json(said)), nested(chance), no_json(chance),
                                    struct.pack("!I", 1 << 30) + as_json(said))))
    return found
