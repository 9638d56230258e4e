"""Hostile packets, made byte by byte. Each maker returns one IP packet."""

import os
import random
import socket
import struct

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ipv4(source: str, target: str, protocol: int, payload: bytes, **odd: int) -> bytes:
    """`odd`: version_ihl, length, fragment, ttl or sum_error, when not what they should be."""
    header = struct.pack(
        "!BBHHHBBH4s4s", odd.get("version_ihl", 0x45), 0, odd.get("length", 20 + len(payload)),
        random.getrandbits(16), odd.get("fragment", 0), odd.get("ttl", 64), protocol, 0,
        socket.inet_aton(source), socket.inet_aton(target),
    )
    total = checksum(header) ^ odd.get("sum_error", 0)
    return header[:10] + struct.pack("!H", total) + header[12:] + payload


def ipv6(source: str, target: str, protocol: int, payload: bytes, **odd: int) -> bytes:
    return struct.pack(
        "!IHBB16s16s", 6 << 28, odd.get("length", len(payload)), protocol, odd.get("ttl", 64),
        socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, target),
    ) + payload


def pseudo_header(source: str, target: str, protocol: int, length: int) -> bytes:
    if ":" in source:
        ends = (socket.inet_pton(socket.AF_INET6, end) for end in (source, target))
        return b"".join(ends) + struct.pack("!II", length, protocol)
    return socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", protocol, length)


class Flow:
    """One side's view of a TCP flow, for packets in its name."""

    def __init__(self, source: str, source_port: int, target: str, target_port: int) -> None:
        self.source, self.source_port = source, source_port
        self.target, self.target_port = target, target_port

    def segment(self, flags: int, seq: int, ack: int = 0, payload: bytes = b"",
                options: bytes = b"", **odd: int) -> bytes:
        """`odd`: offset (header length in words), sum_error, and those of the IP header."""
        options += b"\0" * (-len(options) % 4)
        offset = odd.pop("offset", 5 + len(options) // 4)
        sum_error = odd.pop("sum_error", 0)
        text = struct.pack(
            "!HHIIBBHHH", self.source_port, self.target_port, seq & 0xFFFFFFFF,
            ack & 0xFFFFFFFF, offset << 4, flags, 500, 0, 0,
        ) + options + payload
        pseudo = pseudo_header(self.source, self.target, TCP, len(text))
        total = checksum(pseudo + text) ^ sum_error
        text = text[:16] + struct.pack("!H", total) + text[18:]
        wrap = ipv6 if ":" in self.source else ipv4
        return wrap(self.source, self.target, TCP, text, **odd)

    def icmp_error(self, kind: int, code: int, seq: int, rest: int = 0) -> bytes:
        """An ICMP error about a segment that `target` is said to have sent to `source`."""
        quote = struct.pack("!HHI", self.target_port, self.source_port, seq & 0xFFFFFFFF)
        quote += bytes(12)
        if ":" in self.source:
            inner = ipv6(self.target, self.source, TCP, quote)
            text = struct.pack("!BBHI", kind, code, 0, rest) + inner
            total = checksum(pseudo_header(self.source, self.target, ICMPV6, len(text)) + text)
            text = text[:2] + struct.pack("!H", total) + text[4:]
            return ipv6(self.source, self.target, ICMPV6, text)
        text = struct.pack("!BBHI", kind, code, 0, rest) + ipv4(self.target, self.source, TCP, quote)
        text = text[:2] + struct.pack("!H", checksum(text)) + text[4:]
        return ipv4(self.source, self.target, ICMP, text)


def fake_timestamps() -> bytes:
    return b"\x01\x01\x08\x0a" + os.urandom(8)


def older(stamps: bytes) -> bytes:
    """The same timestamps option, of a thousand seconds ago."""
    value = struct.unpack_from("!I", stamps, 4)[0]
    return stamps[:4] + struct.pack("!I", (value - 1_000_000) & 0xFFFFFFFF) + stamps[8:]


def random_bytes() -> bytes:
    return os.urandom(random.randrange(1, 200))


def random_ip(source: str, target: str) -> bytes:
    """A sound IP header before rubbish."""
    wrap = ipv6 if ":" in source else ipv4
    return wrap(source, target, random.choice((TCP, UDP, ICMP, ICMPV6, 0, 43, 44, 60, 99)),
                random_bytes())


def mutated(packet: bytes) -> bytes:
    """A sound packet with a few bytes changed, or cut short."""
    data = bytearray(packet)
    for _ in range(random.randrange(1, 4)):
        data[random.randrange(len(data))] = random.getrandbits(8)
    return bytes(data[: random.randrange(1, len(data) + 1)] if random.random() < 0.3 else data)


BAD_OPTIONS = (
    b"\x02\x00\x05\xb4",  # MSS of length 0
    b"\x02\x01\x05\xb4",  # of length 1
    b"\x02\x28\x05\xb4",  # beyond the header
    b"\x08\x0a\x00\x00",  # timestamps cut off
    b"\x05\x0b" + bytes(9),  # SACK of an odd length
    b"\x03\x03\xff\x00",  # window scale of 255
    b"\x01\x01\x01\x08",  # a kind without its length
    b"\xfd\x00\xfd\x00",
)
