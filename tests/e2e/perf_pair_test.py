"""A client and a server of `sluice perf` in one namespace, through its forwarding."""

import os

import lab
from perf_support import (IS_OURS, KERNEL_V4, SERVER_V4, SERVER_V6, Holdings, PerfTest,
                          ours_only, run_client, stock_client, subject_client)

SOAK = int(os.environ.get("PERF_SOAK", "30"))  # tests one after the other
# Bytes that a server may have grown by after so many: TIME-WAITs that were never needed before.
GROWTH = 2 << 20


class PerfPair(PerfTest):
    def setUp(self) -> None:
        super().setUp()
        self.forward()

    def check_all(self, *cases: str, server_options: tuple[str, ...] = ()) -> None:
        """Counts of both ends are the same on both, and add up."""
        server = self.subject_server("-J", *server_options)
        for case in cases:
            for address in (SERVER_V4, SERVER_V6):
                with self.subTest(case=case, address=address):
                    found = self.document_of(subject_client(address, *case.split()))
                    of_server = server.next_document()
                    self.assert_adds_up(found, "client")
                    self.assert_adds_up(of_server, "server")
                    self.assert_counts_cross(found, of_server)

    def test_tcp(self) -> None:
        self.check_all("-n 20M", "-n 20M -R", "-n 20M --bidir", "-n 80M -P 8", "-n 30M -P 3 -R",
                       "-n 400M -P 128", "-t 1 -O 1 -b 50M --bidir -P 2", "-n 20M -M 1000 -N",
                       "-n 20M -w 64K", "-n 20M --get-server-output", "-k 100 -R -Z")

    def test_udp(self) -> None:
        self.check_all("-u -t 1 -b 10M", "-u -n 1M -b 100M -R", "-u -n 1M -b 100M --bidir",
                       "-u -n 4M -b 50M -P 8", "-u -t 1 -O 1 -b 10M -R -P 2",
                       "-u -k 200 -l 1400 -b 20M --udp-counters-64bit")

    def test_through_a_worse_wire(self) -> None:
        self.check_all("-n 2M", "-n 2M -R", "-u -k 1000 -b 50M -l 500", "-u -k 1000 -b 50M -l 500 -R",
                       server_options=("--loss", "1%", "--duplicate", "1%", "--reorder", "1%:2ms",
                                       "--delay", "1ms") if IS_OURS else ())

    @ours_only
    def test_loss_duplicates_and_disorder_are_counted(self) -> None:
        """What the wire to the server does to numbered datagrams, by iperf3's rules."""
        words = "-u -k 2000 -l 500 -b 20M".split()
        for options, low, high, disorder in (
            (("--in-loss", "5%"), 60, 150, False), (("--in-duplicate", "5%"), 0, 0, True),
            (("--in-reorder", "5%:5ms"), 0, 0, True),
        ):
            with self.subTest(options=options):
                server = self.subject_server("-J", "-1", *options)
                document = self.document_of(subject_client(SERVER_V4, *words))
                of_server = server.next_document()
                self.assertEqual(server.wait(), 0)
                row = document["end"]["streams"][0]["udp"]
                self.assertTrue(low <= row["lost_packets"] <= high, row)
                there = of_server["end"]["streams"][0]["udp"]
                self.assertEqual(there["lost_packets"], row["lost_packets"])
                self.assertEqual(there["out_of_order"] > 20, disorder, there)

    def test_exact_amounts_arrive(self) -> None:
        """Ours to ours, nothing of a counted amount is missing at the receiver."""
        self.subject_server()
        for words in ("-n 20M", "-k 33", "-n 10M -P 4", "-n 1M -l 1000"):
            with self.subTest(words=words):
                end = self.document_of(subject_client(SERVER_V4, *words.split()))["end"]
                if IS_OURS:
                    self.assertEqual(end["sum_received"]["bytes"], end["sum_sent"]["bytes"])


class PerfSoak(PerfTest):
    """Of one server, many tests; PERF_SOAK says how many (1000 is a few minutes)."""

    CASES = ("-n 128K", "-n 128K -R", "-n 256K --bidir", "-n 512K -P 4", "-u -n 64K -b 100M -l 1400",
             "-u -n 64K -b 100M -l 1400 -R", "-n 128K --get-server-output")

    def test_many_tests_one_after_the_other(self) -> None:
        server = self.subject_server()
        self.run_cases(max(2 * len(self.CASES), SOAK // 2))  # pools reach their size
        before = Holdings.of(server.pid)
        self.run_cases(SOAK)
        self.assert_becomes(lambda: Holdings.of(server.pid).descriptors, before.descriptors,
                            "number of descriptors")
        after = Holdings.of(server.pid)
        print(f"{SOAK} tests: {before} before, {after} after")
        self.assertLess(after.resident_bytes - before.resident_bytes, GROWTH)

    def run_cases(self, count: int) -> None:
        for number in range(count):
            case = self.CASES[number % len(self.CASES)].split()
            done = run_client(stock_client(SERVER_V4, *case))
            self.assertEqual((done.code, done.err), (0, ""), f"test {number}: {done.said}")

    @ours_only
    def test_the_service_of_run(self) -> None:
        """The same server, as a service: its connections are counted."""
        engine = self.engine()
        self.run_cases(SOAK)
        self.assert_no_connections(engine)
        self.assert_stops_well(engine)

    def test_clients_one_after_the_other(self) -> None:
        self.stock_server()
        for number in range(SOAK // 3):
            case = self.CASES[number % len(self.CASES)].split()
            self.run_client_ok(subject_client(KERNEL_V4, *case))
        self.assertEqual(lab.links(), ["lo"])
