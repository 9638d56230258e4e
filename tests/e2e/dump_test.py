"""`sluice dump`: what the kernel sends into the device is shown, field by field, and recorded."""

import contextlib
import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

import lab
import packets
import pcap
from lab import KERNEL_V4, KERNEL_V6, V4, V6, LabTest

UDP_SEGMENT = 103  # linux/udp.h: the kernel cuts one send into datagrams of this size
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD


def fields(block: str) -> dict[str, str]:
    """The fields of one packet in the long form, each under "SECTION NAME"; hex lines as "hex"."""
    found, section = {"hex": ""}, ""
    for line in block.splitlines():
        if line.startswith("  0x"):
            found["hex"] += line[10:58].replace(" ", "")
        elif line.startswith("  "):
            found[f"{section} {line[2:18].strip()}"] = line[19:]
        else:
            section = line
    return found


class Dump:
    """A `sluice dump` that listens. What it shows goes to a file, so that it never waits for us."""

    def __init__(self, *options: str) -> None:
        self.shown_in = tempfile.TemporaryFile()
        self.process = subprocess.Popen([lab.SLUICE, "dump", *options],
                                        stdout=self.shown_in, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        self.greeting = self.process.stderr.readline().decode()
        if "listening" not in self.greeting:
            self.kill()
            raise AssertionError(f"sluice dump said: {self.greeting}")

    def shown(self) -> str:
        return os.pread(self.shown_in.fileno(), 1 << 24, 0).decode()

    def wait(self) -> tuple[int, str]:
        """The exit code, and what it said last on stderr."""
        assert self.process.stderr is not None
        code = self.process.wait(lab.PATIENCE)
        return code, self.process.stderr.read().decode()

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.shown_in.close()


def send_raw(*sent: bytes) -> None:
    """Into the device as they are, past the kernel's stack."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        for packet in sent:
            raw.sendto(packet, ("tun1", ETH_P_IPV6 if packet[0] >> 4 == 6 else ETH_P_IP))


def send_udp(address: str, text: bytes, segment: int = 0) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        if segment:
            client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
        client.sendto(text, (address, lab.DISCARD))


def try_to_connect(address: str) -> None:
    """A SYN, and no more: nobody answers."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        client.connect_ex((address, lab.HTTP))


def ping(address: str, *options: str) -> None:
    subprocess.run(["ping", "-n", "-q", "-c", "1", "-W", "0.2", *options, address],
                   check=False, capture_output=True)


class DumpTest(LabTest):
    def dump(self, *options: str) -> Dump:
        dump = Dump(*options)
        self.addCleanup(dump.kill)
        return dump

    def folder(self) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    def block_with(self, dump: Dump, text: str) -> dict[str, str]:
        """The fields of the first packet shown that has `text` in its block."""
        def blocks() -> list[str]:
            return [block for block in dump.shown().split("\n\n")[:-1] if text in block]

        self.assert_becomes(lambda: bool(blocks()), True, f"a packet with {text} shown")
        return fields(blocks()[0])

    def line_with(self, dump: Dump, text: str) -> str:
        """The first line shown that has `text` in it, behind the time."""
        def lines() -> list[str]:
            return [line for line in dump.shown().split("\n")[:-1] if text in line]

        self.assert_becomes(lambda: bool(lines()), True, f"a line with {text} shown")
        time, line = lines()[0].split(" ", 1)
        self.assertRegex(time, r"^[012]\d:[0-5]\d:[0-6]\d\.\d{6}$")
        return line

    def assert_ends_well(self, dump: Dump, number: int = signal.SIGINT) -> int:
        """The number of packets that it says it has shown."""
        code, said = dump.stop(number)
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"^sluice: \d+ packets?\n$")
        self.assertEqual(lab.links(), ["lo"], "nothing stays behind")
        return int(said.split()[1])

    # --- the long form --------------------------------------------------------------------------

    def test_a_ping_field_by_field(self) -> None:
        dump = self.dump()
        ping(V4, "-t", "33", "-Q", "0x28", "-s", "12", "-p", "61626364")
        found = self.block_with(dump, "echo request")
        for name, value in {
            "IPv4 version": "4", "IPv4 header length": "20", "IPv4 total length": "40",
            "IPv4 TOS": "0x28 (DSCP 10 AF11, ECN 0 not ECT)", "IPv4 fragment offset": "0",
            "IPv4 flags": "DF (don't fragment)", "IPv4 TTL": "33", "IPv4 protocol": "1 (ICMP)",
            "IPv4 source": KERNEL_V4, "IPv4 destination": V4, "ICMP type": "8 (echo request)",
            "ICMP code": "0", "ICMP sequence": "1", "hex": b"abcdabcdabcd".hex(),
        }.items():
            self.assertEqual(found[name], value, name)
        self.assertRegex(found["IPv4 identification"], r"^0x[0-9a-f]{4} \(\d+\)$")
        self.assertRegex(found["IPv4 checksum"], r"^0x[0-9a-f]{4} \(right\)$")
        # The same packet, made from the values shown.
        number = int(found["IPv4 identification"].split()[0], 16)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0x28, 40, number, 0x4000, 33, 1, 0,
                             socket.inet_aton(KERNEL_V4), socket.inet_aton(V4))
        self.assertEqual(int(found["IPv4 checksum"].split()[0], 16), packets.checksum(header))
        echo = struct.pack("!BBHHH", 8, 0, 0, int(found["ICMP identifier"]), 1) + b"abcd" * 3
        self.assertEqual(found["ICMP checksum"], f"0x{packets.checksum(echo):04x} (right)")
        self.assertGreaterEqual(self.assert_ends_well(dump), 1)

    def test_a_ping_over_ipv6(self) -> None:
        dump = self.dump()
        ping(V6, "-t", "7", "-s", "12", "-p", "68696a6b")
        found = self.block_with(dump, "echo request")
        for name, value in {
            "IPv6 version": "6", "IPv6 payload length": "20", "IPv6 hop limit": "7",
            "IPv6 next header": "58 (ICMPv6)", "IPv6 source": KERNEL_V6, "IPv6 destination": V6,
            "ICMPv6 type": "128 (echo request)", "ICMPv6 sequence": "1",
            "hex": b"hijkhijkhijk".hex(),
        }.items():
            self.assertEqual(found[name], value, name)
        self.assertRegex(found["ICMPv6 checksum"], r"^0x[0-9a-f]{4} \(right\)$")

    def test_tcp_and_udp(self) -> None:
        dump = self.dump()
        try_to_connect(V4)
        found = self.block_with(dump, "\nTCP\n")
        self.assertEqual(found["TCP destination port"], "80")
        self.assertEqual(found["TCP flags"], "0x02 [S]")
        self.assertEqual(found["TCP acknowledgment"], "0")
        self.assertRegex(found["TCP checksum"], r"\(right\)$")
        for option in ("mss 1460", "sackOK", "TS val", "wscale"):
            self.assertRegex(dump.shown(), f"\n  option +{option}")
        send_udp(V6, b"hello there")
        found = self.block_with(dump, "\nUDP\n")
        self.assertEqual(found["UDP destination port"], "9")
        self.assertEqual(found["UDP length"], "19")
        self.assertRegex(found["UDP checksum"], r"\(right\)$")
        self.assertEqual(bytes.fromhex(found["hex"]), b"hello there")

    def test_malformed_packets(self) -> None:
        dump = self.dump()
        send_raw(packets.ipv4(KERNEL_V4, V4, packets.UDP, b"\0\7\0\7\0\14\0\0wxyz", sum_error=1))
        found = self.block_with(dump, "bad_ip_checksum")
        self.assertRegex(found["IPv4 checksum"], r"\(wrong: 0x[0-9a-f]{4} is right\)$")
        self.assertEqual(len(found["hex"]), 2 * 32, "all of it in hex")
        send_raw(packets.ipv6(KERNEL_V6, V6, packets.TCP, b"only these", length=2000))
        found = self.block_with(dump, "malformed: truncated")
        self.assertEqual(found["IPv6 payload length"], "2000 (wrong: only 10 bytes are here)")
        syn = packets.Flow(KERNEL_V6, 1, V6, 2).segment(packets.SYN, 3, options=b"\x02\x04\5\xb4")
        send_raw(*(packets.mutated(syn) for _ in range(2000)))
        send_raw(*(packets.random_ip(KERNEL_V4, V4) for _ in range(2000)))
        self.assert_becomes(lambda: dump.shown().count("\n\n") >= 4002, True, "all shown")
        self.assertGreaterEqual(self.assert_ends_well(dump), 4002)

    # --- one line a packet ------------------------------------------------------------------------

    def test_one_line(self) -> None:
        dump = self.dump("-1")
        ping(V4)
        ping(V6)
        try_to_connect(V6)
        send_udp(V4, b"hello")
        self.assertRegex(self.line_with(dump, "IP 10.0.5.100 > 10.0.5.101: ICMP "),
                         r"ICMP echo request, id \d+, seq 1, length 64$")
        self.assertRegex(self.line_with(dump, "IP6 fd05::100 > fd05::101: ICMP6"),
                         r"ICMP6, echo request, id \d+, seq 1, length 64$")
        self.assertRegex(self.line_with(dump, "Flags"),
                         r"^IP6 fd05::100\.\d+ > fd05::101\.80: Flags \[S\], seq \d+, win \d+, "
                         r"options \[mss 1440,sackOK,TS val \d+ ecr 0,wscale \d+\], length 0$")
        self.assertRegex(self.line_with(dump, "UDP"),
                         r"^IP 10.0.5.100\.\d+ > 10.0.5.101\.9: UDP, length 5$")
        shown = self.assert_ends_well(dump, signal.SIGTERM)
        self.assertEqual(dump.shown().count("\n"), shown)

    def test_what_the_kernel_says_by_itself(self) -> None:
        dump = self.dump("-1")
        self.assertRegex(self.line_with(dump, "ff02::2"),
                         r"^IP6 fe80::[0-9a-f:]+ > ff02::2: ICMP6, router solicitation, length 8$")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as member:
            group = socket.inet_pton(socket.AF_INET6, "ff02::1234")
            request = group + struct.pack("I", socket.if_nametoindex("tun1"))
            member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
            self.assertRegex(self.line_with(dump, "ff02::16"),
                             r": ICMP6, multicast listener report v2, length \d+$")

    # --- how it ends ------------------------------------------------------------------------------

    def test_count(self) -> None:
        dump = self.dump("-1", "--count", "3")
        with contextlib.suppress(OSError):  # gone: what the kernel says by itself counts, too
            for _ in range(5):
                send_udp(V4, b"hello")
        code, said = dump.wait()
        self.assertEqual((code, said), (0, "sluice: 3 packets\n"))
        self.assertEqual(dump.shown().count("\n"), 3)

    def test_a_reader_that_leaves(self) -> None:
        dump = subprocess.Popen([lab.SLUICE, "dump", "-1"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(dump.kill)
        self.assertIn(b"listening", dump.stderr.readline())
        send_udp(V4, b"hello")
        self.assertTrue(select.select([dump.stdout], [], [], lab.PATIENCE)[0])
        dump.stdout.close()
        self.assertEqual(dump.wait(lab.PATIENCE), 0)
        self.assertEqual(dump.stderr.read(), b"", "it ends without a word")
        dump.stderr.close()

    def test_packets_that_the_kernel_dropped_are_told(self) -> None:
        dump = self.dump("-1")
        os.kill(dump.process.pid, signal.SIGSTOP)
        self.run_ok("ip", "link", "set", "tun1", "txqueuelen", "10")
        for _ in range(50):
            send_udp(V4, b"hello")
        os.kill(dump.process.pid, signal.SIGCONT)
        self.line_with(dump, "UDP")
        code, said = dump.stop()
        self.assertEqual(code, 0)
        counts = re.fullmatch(r"sluice: (\d+) packets, (\d+) more dropped by the kernel\n", said)
        self.assertIsNotNone(counts, said)
        self.assertGreaterEqual(int(counts[1]) + int(counts[2]), 50)
        self.assertGreaterEqual(int(counts[2]), 35)

    def test_other_names_and_addresses(self) -> None:
        dump = self.dump("--tun", "eye7", "--address", "192.0.2.1/30", "--mtu", "600",
                         "--netns", "looked-at", "-c", "2", "-1")
        self.assertEqual(dump.greeting, "sluice: listening on eye7, MTU 600\n")
        self.assertEqual(lab.links(), ["lo"], "the device is in the other namespace")
        self.run_ok("ip", "netns", "exec", "looked-at", "sh", "-c",
                    "ping -M dont -s 1000 -c 1 -W 0.2 192.0.2.2 || true")
        code, _ = dump.wait()
        self.assertEqual(code, 0)
        self.assertEqual(dump.shown().count("IP 192.0.2.1 > 192.0.2.2: ICMP fragment, id"), 2)
        self.assertEqual(self.run_ok("ip", "netns", "list"), "")

    # --- the file ---------------------------------------------------------------------------------

    def require_tcpdump(self) -> None:
        if Path("/proc/self/setgroups").read_text(encoding="ascii").strip() == "deny":
            self.skipTest("tcpdump gives up root at start, and cannot in this user namespace")

    def tcpdump(self, path: Path) -> subprocess.Popen:
        # 64 MiB: of the usual 2 each packet takes 256 KiB, however short.
        beside = subprocess.Popen(
            ["tcpdump", "-i", "tun1", "-Z", "root", "-U", "--immediate-mode", "-B", "65536",
             "-w", str(path)],
            stderr=subprocess.PIPE)
        self.addCleanup(beside.stderr.close)
        self.addCleanup(beside.wait)
        self.addCleanup(beside.kill)
        while b"listening" not in (line := beside.stderr.readline()):
            self.assertTrue(line, "tcpdump ended")
        return beside

    def test_the_file_is_what_tcpdump_writes(self) -> None:
        self.require_tcpdump()
        ours, theirs = self.folder() / "ours.pcap", self.folder() / "theirs.pcap"
        dump = self.dump("-w", str(ours), "--quiet")
        beside = self.tcpdump(theirs)
        for address in (V4, V6):
            ping(address, "-s", "4000")  # in fragments
            try_to_connect(address)
            send_udp(address, b"hello")
            send_udp(address, os.urandom(5000), segment=1000)
        send_raw(packets.ipv4(KERNEL_V4, V4, packets.UDP, b"no header", sum_error=7))
        last = os.urandom(16)
        send_udp(V4, last)
        for path in (ours, theirs):
            self.assert_becomes(lambda path=path: last in path.read_bytes(), True, f"{path} whole")
        beside.send_signal(signal.SIGINT)
        beside.wait(lab.PATIENCE)
        shown = self.assert_ends_well(dump)
        self.assertEqual(dump.shown(), "")
        in_ours, in_theirs = pcap.read(str(ours)), pcap.read(str(theirs))
        self.assertEqual(len(in_ours), shown)
        self.assertGreaterEqual(len(in_theirs), 2 * (3 + 1 + 1 + 5) + 2)
        # Ours began earlier; the kernel may have said something more behind the last.
        end_ours, end_theirs = (
            max(i for i, packet in enumerate(all) if packet.endswith(last)) + 1
            for all in (in_ours, in_theirs))
        self.assertEqual(in_ours[end_ours - end_theirs : end_ours], in_theirs[:end_theirs])

    def test_the_file_has_complete_packets(self) -> None:
        self.require_tcpdump()
        path = self.folder() / "packets.pcap"
        dump = self.dump("-w", str(path), "-1")
        for address in (V4, V6):
            send_udp(address, b"x" * 5000, segment=1000)
            try_to_connect(address)
        self.assert_becomes(
            lambda: dump.shown().count("UDP, length 1000"), 10, "number of datagrams shown")
        self.assert_becomes(lambda: dump.shown().count("Flags [S]"), 2, "number of SYNs shown")
        self.assert_ends_well(dump)
        self.assertNotIn("bad_", dump.shown())
        listed = self.run_ok("tcpdump", "-n", "-vv", "-r", str(path))
        self.assertEqual(listed.count("udp sum ok"), 10, listed)
        self.assertNotRegex(listed, "incorrect|bad|truncated|missing")
        syns = re.findall(r"Flags \[S\], cksum 0x[0-9a-f]{4} \(correct\)", listed)
        self.assertEqual(len(syns), 2, listed)

    def test_a_full_disk_is_told(self) -> None:
        dump = self.dump("-w", "/dev/full", "--quiet")
        send_udp(V4, b"hello")
        code, said = dump.wait()
        self.assertEqual(code, 1)
        self.assertEqual(said, "sluice: cannot write capture file '/dev/full': "
                               "No space left on device\n")
        self.assertEqual(lab.links(), ["lo"], "nothing stays behind")
