"""Reads capture files (pcap), strictly: whatever is odd about one is an error."""

import struct
from pathlib import Path

MAGICS = {0xA1B2C3D4: 1_000_000, 0xA1B23C4D: 1_000_000_000}  # parts of a second in timestamps
LINKTYPE_RAW = 101  # each packet begins with its IP header


def read(path: str) -> list[bytes]:
    """The packets, oldest first."""
    data = Path(path).read_bytes()
    for order in "<>":
        magic, major, minor, _, _, longest, link = struct.unpack_from(f"{order}IHHiIII", data)
        if magic in MAGICS:
            break
    else:
        raise AssertionError(f"{path} is no pcap file")
    if (major, minor, link) != (2, 4, LINKTYPE_RAW):
        raise AssertionError(f"{path}: version {major}.{minor}, link type {link}")
    packets, at, last_second = [], 24, 0
    while at < len(data):
        second, part, captured, length = struct.unpack_from(f"{order}IIII", data, at)
        at += 16
        if part >= MAGICS[magic] or second < last_second:
            raise AssertionError(f"{path}: time {second}, {part} of packet {len(packets)}")
        if captured != length or length > longest or at + length > len(data):
            raise AssertionError(f"{path}: packet {len(packets)} is cut short")
        packets.append(data[at : at + length])
        at += length
        last_second = second
    return packets
