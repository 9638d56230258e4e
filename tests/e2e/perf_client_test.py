"""Clients of `sluice perf` and a stock server: every option, over IPv4 and IPv6."""

import perf_cases
import perf_text
from perf_cases import REFERENCE_PORT, CasesTest
from perf_support import (IS_OURS, KERNEL_V4, KERNEL_V6, LOOP_V4, PerfTest, stock_client,
                          subject_client)


class PerfClientOptions(CasesTest):
    ADDRESSES = (KERNEL_V4, KERNEL_V6)

    def client(self, address: str, *words: str) -> list[str]:
        return subject_client(address, *words)

    def check(self, found: dict, of_server: dict, wanted: dict, wanted_of_server: dict) -> None:
        super().check(found, of_server, wanted, wanted_of_server)
        self.assert_asks_alike(found, of_server, wanted)
        self.assert_adds_up(found, "client")
        self.assert_counts_cross(found, of_server, server_knows=False)

    def assert_asks_alike(self, client: dict, server: dict, wanted: dict) -> None:
        asked, said = client["start"]["test_start"], server["start"]["test_start"]
        self.assertEqual(asked, said)
        if asked["protocol"] == "UDP":  # the block follows from the device's MTU
            asked["blksize"] = wanted["start"]["test_start"]["blksize"]
        self.assertEqual(asked, wanted["start"]["test_start"])
        for here, there in zip(client["start"]["connected"], server["start"]["connected"]):
            self.assertEqual((here["local_host"], here["local_port"]),
                             (there["remote_host"], there["remote_port"]))

    def check_these(self, cases: tuple[str, ...]) -> None:
        self.check_all(self.stock_server("-J"), cases)

    def test_tcp_ways_and_streams(self) -> None:
        self.check_these(perf_cases.TCP_WAYS)

    def test_tcp_ends_and_intervals(self) -> None:
        self.check_these(perf_cases.TCP_ENDS)

    def test_tcp_socket_options(self) -> None:
        self.check_these(perf_cases.TCP_SOCKETS)

    def test_tcp_other_options(self) -> None:
        self.check_these(perf_cases.TCP_OTHERS)

    def test_tcp_server_output(self) -> None:
        self.check_these(perf_cases.TCP_SERVER_OUTPUT)

    def test_udp_ways_and_streams(self) -> None:
        self.check_these(perf_cases.UDP_WAYS)

    def test_udp_options(self) -> None:
        self.check_these(perf_cases.UDP_OPTIONS)

    def test_128_streams(self) -> None:
        self.check_these(perf_cases.TCP_128_STREAMS)

    def test_amounts_behind_omitted_seconds(self) -> None:
        """Stock ends begin to count apart: which of them ends it, and with what, is chance."""
        self.stock_server()
        for words in (("-k", "20"), ("-n", "1M")):
            found = self.document_of(subject_client(KERNEL_V4, *words, "-O", "1", "-R"))
            self.assert_adds_up(found, "client")

    def test_families(self) -> None:
        server = self.stock_server("-J")
        for address, family, ours in ((KERNEL_V4, "-4", "10.0.6."), (KERNEL_V6, "-6", "fd06:")):
            found = self.document_of(subject_client(address, "-n", "1M", family))
            self.assertIn(ours, found["start"]["connected"][0]["local_host"])
            server.next_document()

    def test_source_ports(self) -> None:
        self.stock_server()
        for words in (("-P", "3"), ("-u", "-P", "3", "-b", "50M"), ("-R",)):
            found = self.document_of(
                subject_client(KERNEL_V4, "-n", "1M", "--cport", "33000", *words))
            ports = [each["local_port"] for each in found["start"]["connected"]]
            self.assertEqual(ports, list(range(33000, 33000 + len(ports))))

    def test_workers_share_the_streams(self) -> None:
        server = self.stock_server("-J")
        workers = ("--workers", "2") if IS_OURS else ()
        for case in perf_cases.ON_WORKERS:
            with self.subTest(case=case):
                found = self.document_of(
                    subject_client(KERNEL_V4, "-n", "20M", *case.split(), *workers))
                self.assert_adds_up(found, "client")
                self.assert_counts_cross(found, server.next_document(), server_knows=False)


class PerfClientText(PerfTest):
    """What both ends print is laid out like that of a stock pair."""

    def check_all(self, *cases: str) -> None:
        for case in cases:
            with self.subTest(case=case):
                server = self.stock_server("-1")
                reference = self.stock_server("-1", "-p", REFERENCE_PORT)
                wanted, found = self.run_both(
                    stock_client(LOOP_V4, "-p", REFERENCE_PORT, *case.split()),
                    subject_client(KERNEL_V4, *case.split()))
                self.assertEqual((server.wait(), reference.wait()), (0, 0))
                self.assertEqual(perf_text.normal(found.out), perf_text.normal(wanted.out))
                self.assertEqual(perf_text.crooked(found.out), [])

    def test_tcp(self) -> None:
        self.check_all("-n 20M", "-t 1 -b 20M -R", "-t 1 -i 0.5 -b 20M --bidir", "-n 100M -P 8",
                       "-t 1 -b 20M -O 1 -R -P 2", "-n 20M -T heading", "-n 20M -f M", "-n 20M -f k")

    def test_udp(self) -> None:
        self.check_all("-u -n 1M -b 100M", "-u -n 1M -b 100M -R", "-u -t 1 -b 10M --bidir -P 2")

    def test_verbose_and_server_output(self) -> None:
        self.check_all("-n 20M -V", "-t 1 -b 20M -R -V", "-u -n 1M -b 100M -V",
                       "-n 20M --get-server-output")
