"""What crosses a device, with the kernel's time of each packet."""

import math
import socket
import struct
import threading
import time
from dataclasses import dataclass

ETH_P_ALL = 3
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
PACKET_OUTGOING = 4
HEADERS = 128  # bytes of each packet that are looked at
TCP, UDP = 6, 17
SYN = 2


@dataclass(frozen=True)
class Seen:
    at: float  # seconds
    outgoing: bool  # from the kernel
    packet: bytes  # its first bytes, from the IP header
    length: int

    @property
    def is_v6(self) -> bool:
        return self.packet[0] >> 4 == 6

    @property
    def protocol(self) -> int:
        return self.packet[6 if self.is_v6 else 9]

    @property
    def tos(self) -> int:
        if self.is_v6:
            return (struct.unpack_from("!H", self.packet)[0] >> 4) & 0xFF
        return self.packet[1]

    @property
    def transport(self) -> bytes:
        return self.packet[40:] if self.is_v6 else self.packet[(self.packet[0] & 15) * 4 :]

    @property
    def ports(self) -> tuple[int, int]:
        return struct.unpack_from("!HH", self.transport)

    @property
    def is_syn(self) -> bool:
        return self.protocol == TCP and bool(self.transport[13] & SYN)

    @property
    def payload_length(self) -> int:
        headers = len(self.packet) - len(self.transport)
        if self.protocol == TCP:
            headers += (self.transport[12] >> 4) * 4
        return self.length - headers - (8 if self.protocol == UDP else 0)

    @property
    def mss(self) -> int | None:
        """The option of a SYN."""
        options = self.transport[20 : (self.transport[12] >> 4) * 4]
        at = 0
        while at < len(options) and options[at] != 0:
            if options[at] == 1:
                at += 1
                continue
            if options[at] == 2:
                return struct.unpack_from("!H", options, at + 2)[0]
            at += options[at + 1]
        return None


class Capture:
    """A context, in which all IP packets of a device are seen. On `lo` each is seen twice."""

    def __init__(self, device: str) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, option, 64 << 20)
                break
            except PermissionError:
                pass  # in a user namespace: then as much as is allowed
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((device, ETH_P_ALL))
        self.socket.settimeout(0.1)
        self.seen: list[Seen] = []
        self.end = math.inf  # seconds
        self.thread = threading.Thread(target=self.read)

    def __enter__(self) -> "Capture":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.end = time.time()
        self.thread.join()
        self.socket.close()

    def read(self) -> None:
        while True:
            try:
                packet, ancillary, _, source = self.socket.recvmsg(HEADERS, 64, socket.MSG_TRUNC)
            except TimeoutError:
                if time.time() > self.end:
                    return
                continue
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            at = seconds + nanoseconds / 1e9
            if at > self.end:  # traffic may go on for ever
                return
            length = self.length_of(packet)
            if length is not None:
                self.seen.append(Seen(at, source[2] == PACKET_OUTGOING, packet, length))

    @staticmethod
    def length_of(packet: bytes) -> int | None:
        """Of the whole packet; None for what is no IP."""
        if len(packet) < 28 or packet[0] >> 4 not in (4, 6):
            return None
        if packet[0] >> 4 == 6:
            return 40 + struct.unpack_from("!H", packet, 4)[0]
        return struct.unpack_from("!H", packet, 2)[0]

    def of_port(self, port: int, protocol: int, from_it: bool) -> list[Seen]:
        """From or to a port, each once, from whichever side of the device it comes."""
        found = [each for each in self.seen
                 if each.protocol == protocol and each.ports[0 if from_it else 1] == port]
        outgoing = any(each.outgoing for each in found)
        return [each for each in found if each.outgoing == outgoing]
