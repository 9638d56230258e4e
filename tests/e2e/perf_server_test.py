"""Stock clients and a server of `sluice perf`: every option, over IPv4 and IPv6."""

import perf_text
from perf_support import IS_OURS, LOOP_V4, SERVER_V4, SERVER_V6, PerfTest, stock_client

REFERENCE_PORT = 5301


class PerfServerOptions(PerfTest):
    """The JSON of both ends is like that of a stock pair, and adds up."""

    def check_all(self, *cases: str) -> None:
        """Each is a client's words."""
        server = self.subject_server("-J")
        reference = self.stock_server("-J", "-p", str(REFERENCE_PORT))
        for case in cases:
            words = case.split()
            wanted = self.document_of(stock_client(LOOP_V4, "-p", str(REFERENCE_PORT), *words))
            wanted_of_server = reference.next_document()
            for address in (SERVER_V4, SERVER_V6):
                with self.subTest(case=case, address=address):
                    found = self.document_of(stock_client(address, *words))
                    of_server = server.next_document()
                    self.assert_same_shape(found, wanted, "client")
                    self.assert_same_shape(of_server, wanted_of_server, "server")
                    self.assert_asked_alike(found, of_server, wanted_of_server)
                    self.assert_adds_up(of_server, "server")
                    self.assert_counts_cross(found, of_server)

    def assert_asked_alike(self, client: dict, server: dict, wanted: dict) -> None:
        """What the server takes to be asked."""
        asked, said = wanted["start"]["test_start"], server["start"]["test_start"]
        if asked["protocol"] == "UDP":  # the block follows from the device's MTU
            asked["blksize"] = client["start"]["test_start"]["blksize"]
        self.assertEqual(said, asked)
        self.assertEqual(client["start"]["cookie"], server["start"]["cookie"])
        ports = [each["local_port"] for each in client["start"]["connected"]]
        self.assertEqual([each["remote_port"] for each in server["start"]["connected"]], ports)

    def test_tcp_ways_and_streams(self) -> None:
        self.check_all("-n 20M", "-n 20M -R", "-n 20M --bidir", "-n 80M -P 8", "-n 30M -P 3 -R",
                       "-n 40M -P 2 --bidir")

    def test_tcp_ends_and_intervals(self) -> None:
        self.check_all("-k 200", "-k 2000 -l 1000", "-t 1 -i 0.1 -b 50M", "-t 1 -i 0 -b 50M -R",
                       "-t 1 -O 1 -b 50M --bidir", "-k 20 -O 1 -R")

    def test_tcp_socket_options(self) -> None:
        self.check_all("-n 20M -M 1000", "-n 20M -M 1000 -R", "-n 20M -N", "-n 20M -w 64K",
                       "-n 20M -w 64K -R", "-n 20M -C reno -R", "-n 20M -S 16 -R", "-n 20M -Z")

    def test_tcp_other_options(self) -> None:
        self.check_all("-n 20M -l 1000", "-n 20M -l 1M -R", "-n 20M --repeating-payload -R",
                       "-n 20M -b 1G/10 -R", "-n 20M --pacing-timer 500 -R", "-n 20M --extra-data x",
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
                       "-u -t 1 -O 1 -b 10M -l 1400 -R", "-u -n 1M -b 100M --udp-counters-64bit",
                       "-u -n 1M -b 100M --udp-counters-64bit -R", "-u -n 1M -b 100M -w 1M",
                       "-u -n 1M -b 100M -S 32", "-u -n 1M -b 100M --repeating-payload -R",
                       "-u -n 50K -b 20M -l 16 -R", "-u -n 1M -b 100M --get-server-output",
                       "-u -n 1M -b 0 -l 1400", "-u -n 1M -b 100M -l 1000 --dont-fragment")

    def test_128_streams(self) -> None:
        self.check_all("-n 400M -P 128", "-n 400M -P 128 -R")

    def test_workers_share_the_streams(self) -> None:
        server = self.subject_server("-J", *(("--workers", "2") if IS_OURS else ()))
        for words in (("-P", "16"), ("-P", "16", "-R"), ("-P", "8", "--bidir"),
                      ("-u", "-b", "10M", "-P", "16"), ("-u", "-b", "10M", "-P", "16", "-R")):
            with self.subTest(words=words):
                found = self.document_of(stock_client(SERVER_V4, "-n", "20M", *words))
                of_server = server.next_document()
                self.assert_adds_up(of_server, "server")
                self.assert_counts_cross(found, of_server)


class PerfServerText(PerfTest):
    """What both ends print is laid out like that of a stock pair."""

    def check_all(self, *cases: str) -> None:
        for case in cases:
            with self.subTest(case=case):
                server, reference = self.subject_server("-1"), self.stock_server("-1", "-p", "5301")
                words = case.split()
                wanted = self.run_client_ok(stock_client(LOOP_V4, "-p", "5301", *words))
                found = self.run_client_ok(stock_client(SERVER_V4, *words))
                self.assertEqual((server.wait(), reference.wait()), (0, 0))
                self.assertEqual(perf_text.normal(server.out), perf_text.normal(reference.out))
                self.assertEqual(perf_text.normal(found.out), perf_text.normal(wanted.out))
                self.assertEqual(perf_text.crooked(server.out), [])
                self.assertEqual(server.err, "")

    def test_tcp(self) -> None:
        self.check_all("-n 20M", "-n 20M -R", "-t 1 -i 0.5 -b 20M --bidir", "-n 100M -P 8",
                       "-t 1 -b 20M -O 1 -R -P 2")

    def test_udp(self) -> None:
        self.check_all("-u -n 1M -b 100M", "-u -n 1M -b 100M -R", "-u -t 1 -b 10M --bidir -P 2")

    def test_server_output(self) -> None:
        self.check_all("-n 20M --get-server-output")
