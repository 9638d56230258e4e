"""Hostile packets beside a checksummed echo, which goes on unharmed. The seed is printed."""

import os
import random
import socket
import struct
import threading
import time

import lab
import packets
from lab import KERNEL_V4, KERNEL_V6, V4, V6, LabTest
from packets import ACK, FIN, PSH, RST, SYN, URG, Flow, fake_timestamps

TCP_HEADER = struct.Struct("!HHIIBB")
DEVICE = "tun1"


class Attacker:
    """Writes packets into the device as if the kernel had sent them, byte for byte."""

    def __init__(self) -> None:
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sent = 0

    def send(self, packet: bytes) -> None:
        protocol = 0x86DD if packet[0] >> 4 == 6 else 0x0800
        try:
            self.raw.sendto(packet, (DEVICE, protocol))
            self.sent += 1
        except OSError:
            pass  # too long for the device, or its queue is full


class Watcher:
    """Sees a flow's last segment from the kernel, and so what a clever attacker would guess."""

    def __init__(self, flow: Flow) -> None:
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.raw.bind((DEVICE, 3))
        self.raw.settimeout(lab.PATIENCE)
        self.flow = flow

    def next_segment(self) -> tuple[int, int, bytes]:
        """What comes next from the kernel, what it has acknowledged, and its timestamps option."""
        while True:
            packet = self.raw.recv(65536)
            header = 40 if packet[0] >> 4 == 6 else 20
            if len(packet) < header + 20:
                continue
            source, target, seq, ack, offset, flags = TCP_HEADER.unpack_from(packet, header)
            if (source, target) == (self.flow.source_port, self.flow.target_port):
                length = len(packet) - header - (offset >> 4) * 4
                timestamps = packet[header + 20 : header + 32]
                return seq + length + bool(flags & (SYN | FIN)), ack, timestamps


class Hostile(LabTest):
    def setUp(self) -> None:
        self.seed = int(os.environ.get("SLUICE_SEED", random.getrandbits(32)))
        print(f"SLUICE_SEED={self.seed}")
        random.seed(self.seed)

    def flow_of(self, client: socket.socket) -> Flow:
        ours, peer = client.getsockname(), client.getpeername()
        return Flow(ours[0], ours[1], peer[0], peer[1])

    def exchange(self, client: socket.socket, count: int) -> None:
        text = os.urandom(count)
        sender = threading.Thread(target=client.sendall, args=(text,))
        sender.start()
        echoed = lab.receive_exactly(client, count)
        sender.join()
        self.assertTrue(echoed == text, "an echo differs")

    def junk(self, live: Flow) -> bytes:
        """One hostile packet that could be sent by somebody who sees nothing of the live flow."""
        v6 = ":" in live.source
        other = Flow(live.source, random.randrange(1, 65536), live.target,
                     random.choice((7, 9, 19, 80, 5001, random.randrange(65536))))
        blind = random.getrandbits(32)
        makers = (
            packets.random_bytes,
            lambda: packets.random_ip(live.source, live.target),
            lambda: packets.mutated(live.segment(PSH | ACK, blind, blind, bytes(50))),
            lambda: packets.mutated(other.segment(SYN, blind, options=b"\x02\x04\x05\xb4")),
            lambda: other.segment(random.getrandbits(6), blind, blind, bytes(10)),
            lambda: other.segment(SYN, blind, options=random.choice(packets.BAD_OPTIONS)),
            lambda: live.segment(ACK, blind, blind, options=random.choice(packets.BAD_OPTIONS)),
            lambda: live.segment(ACK, blind, blind, b"x" * 20, sum_error=1),
            lambda: live.segment(ACK, blind, blind, offset=random.choice((0, 4, 15))),
            lambda: live.segment(ACK, blind, blind, length=random.choice((10, 60000))),
            lambda: live.segment(URG | PSH | ACK, blind, blind, b"x" * 20),
            lambda: live.segment(PSH | ACK, blind, blind, b"x" * 20, fake_timestamps()),
            lambda: Flow(live.target, live.target_port, live.target, live.target_port).segment(
                SYN, blind),
            lambda: live.icmp_error(1 if v6 else 3, random.randrange(8), blind),
            lambda: live.icmp_error(2 if v6 else 3, 0 if v6 else 4, blind, 576),
        )
        return random.choice(makers)()

    def guessed(self, live: Flow, seq: int, ack: int, stamps: bytes) -> list[bytes]:
        """From an attacker who knows the window, but not the next byte. The flow is at rest."""
        v6 = ":" in live.source
        inside = seq + random.randrange(1, 30_000)
        beyond = seq + random.randrange(1 << 30, 1 << 31)
        never_sent = ack + random.randrange(1, 1 << 30)
        return [
            live.segment(RST, inside),
            live.segment(RST | ACK, inside, ack),
            live.segment(RST, seq - random.randrange(1, 100_000)),
            live.segment(SYN, inside, options=stamps),
            live.segment(SYN, seq, options=stamps),
            live.segment(SYN | ACK, seq, ack, options=stamps),
            live.segment(PSH | ACK, beyond, ack, b"forged", stamps),
            live.segment(ACK, seq, never_sent, b"", stamps),
            live.segment(PSH | ACK, seq, never_sent, b"forged", stamps),
            live.segment(PSH | ACK, seq, ack - (1 << 30), b"forged", stamps),
            live.segment(PSH | ACK, seq, ack, b"forged", packets.older(stamps)),
            live.segment(PSH | ACK, seq, ack, b"forged"),
            live.segment(FIN | ACK, seq - 10_000_000, ack, b"", stamps),
            live.segment(0, seq, ack, b"forged", stamps),
            live.icmp_error(1 if v6 else 3, 1 if v6 else random.choice((0, 1, 2, 3)), ack),
            live.icmp_error(1 if v6 else 3, 4 if v6 else 3, ack - 1),
            live.icmp_error(2 if v6 else 3, 0 if v6 else 4, ack - 1, 68),
            live.icmp_error(3 if v6 else 11, 0, ack - 1),
        ]

    def rain(self, attacker: Attacker, live: Flow, done: threading.Event) -> None:
        while attacker.sent < 20_000:
            attacker.send(self.junk(live))
            if attacker.sent % 100 == 0:
                time.sleep(0.001)
        done.set()

    def attack(self, address: str) -> None:
        engine = self.engine()
        attacker = Attacker()
        with lab.connect(address, lab.ECHO) as client:
            live = self.flow_of(client)
            done = threading.Event()
            raining = threading.Thread(target=self.rain, args=(attacker, live, done))
            raining.start()
            while not done.is_set():
                self.exchange(client, 200_000)
            raining.join()
            for _ in range(30):
                watcher = Watcher(live)
                self.exchange(client, 20_000)
                time.sleep(0.06)  # past the delayed acknowledgement
                for packet in self.guessed(live, *self.at_rest(watcher)):
                    attacker.send(packet)
            self.exchange(client, 1_000_000)
        lab.echo(address, 1_000_000)
        self.report(engine, attacker)

    def at_rest(self, watcher: Watcher) -> tuple[int, int, bytes]:
        """The last of what the watcher has seen."""
        watcher.raw.setblocking(False)
        last = None
        try:
            while True:
                last = watcher.next_segment()
        except BlockingIOError:
            watcher.raw.close()
        self.assertIsNotNone(last, "nothing of the flow was seen")
        return last

    def report(self, engine: lab.Engine, attacker: Attacker) -> None:
        totals = engine.totals()
        drops = totals["drops"]
        print(f"{attacker.sent} hostile packets; drops by name: {drops}")
        for name in ("bad_checksum", "bad_tcp_header", "bad_tcp_option", "truncated",
                     "land_attack", "no_listener", "tcp_out_of_window", "tcp_blind_reset",
                     "tcp_blind_syn", "tcp_bad_ack", "tcp_paws", "tcp_no_timestamp",
                     "tcp_no_ack", "icmp_out_of_window"):
            self.assertGreater(drops.get(name, 0), 0, name)
        self.assertGreaterEqual(totals["packets"]["in"], attacker.sent)
        code, _ = engine.stop()
        self.assertEqual(code, 0)

    def test_echo_goes_on_v4(self) -> None:
        self.attack(V4)

    def test_echo_goes_on_v6(self) -> None:
        self.attack(V6)

    def test_flood_of_syns_does_not_stop_others(self) -> None:
        engine = self.engine()
        attacker = Attacker()
        for address, kernel in ((V4, KERNEL_V4), (V6, KERNEL_V6)):
            for number in range(10_000):
                flow = Flow(kernel, 1024 + number % 60_000, address, lab.DISCARD)
                attacker.send(flow.segment(SYN, random.getrandbits(32)))
            lab.echo(address, 1_000_000)
        self.assertEqual(attacker.sent, 20_000)
        code, totals = engine.stop()
        self.assertEqual(code, 0)
        self.assertEqual(totals["connections"]["now"], 0)
