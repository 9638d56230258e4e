"""Clients of `sluice perf` and a stock server: every option, over IPv4 and IPv6."""

import perf_text
from perf_support import (IS_OURS, KERNEL_V4, KERNEL_V6, LOOP_V4, PerfTest, stock_client,
                          subject_client)


class PerfClientOptions(PerfTest):
    """The JSON of both ends is like that of a stock pair, and adds up."""

    def check_all(self, *cases: str) -> None:
        """Each is a client's words."""
        server = self.stock_server("-J")
        reference = self.stock_server("-J", "-p", "5301")
        for case in cases:
            words = case.split()
            wanted = self.document_of(stock_client(LOOP_V4, "-p", "5301", *words))
            wanted_of_server = reference.next_document()
            for address in (KERNEL_V4, KERNEL_V6):
                with self.subTest(case=case, address=address):
                    found = self.document_of(subject_client(address, *words))
                    of_server = server.next_document()
                    self.assert_same_shape(found, wanted, "client")
                    self.assert_same_shape(of_server, wanted_of_server, "server")
                    self.assert_asks_alike(found, of_server, wanted)
                    self.assert_adds_up(found, "client")
                    self.assert_counts_cross(found, of_server, server_knows=False)

    def assert_asks_alike(self, client: dict, server: dict, wanted: dict) -> None:
        asked, said = client["start"]["test_start"], server["start"]["test_start"]
        self.assertEqual(asked, said)
        if asked["protocol"] == "UDP":  # the block follows from the device's MTU
            asked["blksize"] = wanted["start"]["test_start"]["blksize"]
        self.assertEqual(asked, wanted["start"]["test_start"])
        self.assertEqual(client["start"]["cookie"], server["start"]["cookie"])
        for here, there in zip(client["start"]["connected"], server["start"]["connected"]):
            self.assertEqual((here["local_host"], here["local_port"]),
                             (there["remote_host"], there["remote_port"]))

    def test_tcp_ways_and_streams(self) -> None:
        self.check_all("-n 20M", "-n 20M -R", "-n 20M --bidir", "-n 80M -P 8", "-n 30M -P 3 -R",
                       "-n 40M -P 2 --bidir")

    def test_tcp_ends_and_intervals(self) -> None:
        self.check_all("-k 200", "-k 2000 -l 1000", "-t 1 -i 0.1 -b 50M", "-t 1 -i 0 -b 50M -R",
                       "-t 1 -O 1 -b 50M --bidir", "-k 20 -O 1 -R")

    def test_tcp_socket_options(self) -> None:
        self.check_all("-n 20M -M 1000", "-n 20M -M 1000 -R", "-n 20M -N", "-n 20M -w 64K",
                       "-n 20M -w 64K -R", "-n 20M -C reno", "-n 20M -S 16 -R", "-n 20M -Z")

    def test_tcp_other_options(self) -> None:
        self.check_all("-n 20M -l 1000", "-n 20M -l 1M -R", "-n 20M --repeating-payload",
                       "-n 20M -b 1G/10", "-n 20M --pacing-timer 500", "-n 20M --extra-data x",
                       "-n 20M -T heading")

    def test_tcp_server_output(self) -> None:
        self.check_all("-n 20M --get-server-output", "-n 20M -R --get-server-output")

    def test_udp_ways_and_streams(self) -> None:
        self.check_all("-u -t 1 -b 10M", "-u -n 1M -b 100M -R", "-u -n 1M -b 100M --bidir",
                       "-u -n 4M -b 50M -P 8", "-u -n 2M -b 50M -P 3 -R",
                       "-u -n 2M -b 50M -P 2 --bidir")

    def test_udp_options(self) -> None:
        self.check_all("-u -k 200 -l 1400 -b 20M", "-u -k 200 -l 1400 -b 20M -R",
                       "-u -k 100 -b 10M", "-u -k 100 -b 10M -R",
                       "-u -t 1 -O 1 -b 10M -l 1400", "-u -n 1M -b 100M --udp-counters-64bit",
                       "-u -n 1M -b 100M --udp-counters-64bit -R", "-u -n 1M -b 100M -w 200K",
                       "-u -n 1M -b 100M -S 32", "-u -n 1M -b 100M --repeating-payload",
                       "-u -n 50K -b 20M -l 16", "-u -n 1M -b 100M --get-server-output",
                       "-u -n 1M -b 0 -l 1400", "-u -n 1M -b 100M -l 1000 --dont-fragment")

    def test_128_streams(self) -> None:
        self.check_all("-n 400M -P 128", "-n 400M -P 128 -R")

    def test_families(self) -> None:
        server = self.stock_server("-J")
        for address, family, ours in ((KERNEL_V4, "-4", "10.0.6."), (KERNEL_V6, "-6", "fd06:")):
            found = self.document_of(subject_client(address, "-n", "1M", family))
            self.assertIn(ours, found["start"]["connected"][0]["local_host"])
            server.next_document()

    def test_source_ports(self) -> None:
        self.stock_server()
        for words in (("-P", "3"), ("-u", "-P", "3"), ("-R",)):
            found = self.document_of(
                subject_client(KERNEL_V4, "-n", "1M", "--cport", "33000", *words))
            ports = [each["local_port"] for each in found["start"]["connected"]]
            self.assertEqual(ports, list(range(33000, 33000 + len(ports))))

    def test_workers_share_the_streams(self) -> None:
        server = self.stock_server("-J")
        workers = ("--workers", "2") if IS_OURS else ()
        for words in (("-P", "16"), ("-P", "16", "-R"), ("-P", "8", "--bidir"),
                      ("-u", "-b", "10M", "-P", "16"), ("-u", "-b", "10M", "-P", "16", "-R")):
            with self.subTest(words=words):
                found = self.document_of(subject_client(KERNEL_V4, "-n", "20M", *words, *workers))
                self.assert_adds_up(found, "client")
                self.assert_counts_cross(found, server.next_document(), server_knows=False)


class PerfClientText(PerfTest):
    """What both ends print is laid out like that of a stock pair."""

    def check_all(self, *cases: str) -> None:
        for case in cases:
            with self.subTest(case=case):
                server = self.stock_server("-1")
                reference = self.stock_server("-1", "-p", "5301")
                words = case.split()
                wanted = self.run_client_ok(stock_client(LOOP_V4, "-p", "5301", *words))
                found = self.run_client_ok(subject_client(KERNEL_V4, *words))
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
