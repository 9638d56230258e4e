"""What options of `sluice perf` do: on the wire, to the rate, to the amounts, and to the counts."""

import json
import tempfile
from pathlib import Path

import lab
import perf_json
from perf_capture import TCP, UDP, Capture, Seen
from perf_support import (IS_OURS, KERNEL_V4, PORT, SERVER_V4, SERVER_V6, PerfTest, ours_only,
                          stock_client, subject_client)

SERVER_DEVICE, CLIENT_DEVICE = ("tun1", "tun2") if IS_OURS else ("lo", "lo")
ACCURACY = 0.02  # of -b
MOMENT = 0.0005  # seconds: pacing is smooth below a millisecond


def large(packets: list[Seen]) -> list[Seen]:
    """Those of the streams; the control connection's are small."""
    return [each for each in packets if each.payload_length > 400]


def share_of_even_moments(packets: list[Seen], moment: float = MOMENT) -> float:
    """Of the moments between the first packet and the last: those with what is due, or nearly."""
    begin, end = packets[0].at, packets[-1].at
    bins = [0] * (int((end - begin) / moment) + 1)
    for each in packets:
        bins[int((each.at - begin) / moment)] += each.payload_length
    due = sum(bins) / len(bins)
    return sum(0.4 * due <= each <= 1.6 * due for each in bins) / len(bins)


class EffectTest(PerfTest):
    def assert_keeps_its_rate(self, words: list[str]) -> None:
        """A client that names it by -b."""
        asked = float(words[words.index("-b") + 1][:-1]) * 1e6

        def error() -> float:
            sent = self.document_of(words)["end"]["sum_sent"]
            return abs(sent["bits_per_second"] / asked - 1)

        self.assertLess(lab.at_best(error, lambda found: found < ACCURACY), ACCURACY)


class PerfServerEffects(EffectTest):
    def captured(self, *words: str, protocol: int = TCP, address: str = SERVER_V4) -> list[Seen]:
        """What a server of ours sends in a test."""
        with Capture(SERVER_DEVICE) as capture:
            self.run_client_ok(stock_client(address, *words))
        return capture.of_port(PORT, protocol, from_it=True)

    def test_type_of_service(self) -> None:
        self.subject_server()
        for words, protocol in ((("-n", "1M"), TCP), (("-u", "-n", "1M", "-b", "100M"), UDP)):
            # A stock server marks no IPv4 packet: its sockets are of IPv6.
            for address in (SERVER_V4, SERVER_V6) if IS_OURS else (SERVER_V6,):
                with self.subTest(words=words, address=address):
                    found = self.captured(*words, "-R", "-S", "0x50", protocol=protocol,
                                          address=address)
                    self.assertEqual({each.tos for each in large(found)}, {0x50})

    def test_segment_size(self) -> None:
        self.subject_server(*(("--no-tso",) if IS_OURS else ()))
        found = self.captured("-n", "1M", "-R", "-M", "1000")
        self.assertIn(1000, {each.mss for each in found if each.is_syn})
        if IS_OURS:
            sizes = [each.payload_length for each in found]
            self.assertGreater(max(sizes), 900)
            self.assertLessEqual(max(sizes), 1000)

    @ours_only
    def test_window(self) -> None:
        """A path of 20 ms carries a window each round trip."""
        self.subject_server("--delay", "10ms")
        for words, limit in ((("-w", "32K"), 2 * 32768 * 8 / 0.02), ((), None)):
            for way in ((), ("-R",)):
                client = stock_client(SERVER_V4, "-t", "1", *words, *way)
                if limit is None:
                    rate = lab.at_best(lambda client=client: self.rate(client),
                                       lambda rate: rate > 40e6)
                    self.assertGreater(rate, 40e6)
                else:
                    self.assertLess(self.rate(client), limit * 1.1)

    def rate(self, client: list[str]) -> float:
        return self.document_of(client)["end"]["sum_received"]["bits_per_second"]

    def test_rates(self) -> None:
        self.subject_server()
        for words in (("-b", "1M", "-l", "1250"), ("-b", "100M"),
                      ("-u", "-b", "1M", "-l", "1250"), ("-u", "-b", "100M", "-l", "1400")):
            with self.subTest(words=words):
                self.assert_keeps_its_rate(stock_client(SERVER_V4, "-t", "1", "-R", *words))

    @ours_only
    def test_datagrams_are_spaced(self) -> None:
        self.subject_server()

        def share() -> float:
            found = self.captured("-u", "-t", "1", "-R", "-b", "100M", "-l", "1400", protocol=UDP)
            even = share_of_even_moments(large(found))
            print(f"{even:.0%} of {len(found)} packets' moments are even")
            return even

        self.assertGreater(lab.at_best(share, lambda even: even > 0.8), 0.8)

    def test_omitted_seconds(self) -> None:
        server = self.subject_server("-J", "-i", "0.5")
        for way in ((), ("-R",), ("--bidir",)):
            found = self.document_of(
                stock_client(SERVER_V4, "-t", "1", "-O", "1", "-b", "50M", *way))
            of_server = server.next_document()
            omitted = [each["sum"]["omitted"] for each in of_server["intervals"]]
            self.assertEqual(omitted, [True, True, False, False])
            self.assert_adds_up(of_server, "server")
            self.assert_counts_cross(found, of_server)
            self.assertAlmostEqual(of_server["end"]["sum_received"]["seconds"], 1, delta=0.1)

    def test_intervals(self) -> None:
        server = self.subject_server("-J", "-i", "0.1")

        def measure() -> list[dict]:
            self.run_client_ok(stock_client(SERVER_V4, "-t", "1", "-b", "50M"))
            return [each["sum"] for each in server.next_document()["intervals"]]

        intervals = lab.at_best(measure, lambda found: all(
            abs(each["start"] - i / 10) < 0.05 and abs(each["seconds"] - 0.1) < 0.05
            for i, each in enumerate(found[:10])))
        self.assertIn(len(intervals), (10, 11))
        for number, each in enumerate(intervals[:10]):
            self.assertAlmostEqual(each["start"], number / 10, delta=0.05)
            self.assertAlmostEqual(each["seconds"], 0.1, delta=0.05)
        for first, second in zip(intervals, intervals[1:]):
            self.assertAlmostEqual(first["end"], second["start"], delta=1e-5)

    def test_sender_and_receiver_differ_no_more_than_a_stock_pair(self) -> None:
        server = self.subject_server("-J")
        reference = self.stock_server("-J", "-p", "5301")
        for words in ((), ("-R",), ("-P", "4")):
            with self.subTest(words=words):
                wanted = self.document_of(
                    stock_client("127.0.0.1", "-p", "5301", "-t", "1", "-b", "1G", *words))
                found = self.document_of(stock_client(SERVER_V4, "-t", "1", "-b", "1G", *words))
                missing = [each["end"]["sum_sent"]["bytes"] - each["end"]["sum_received"]["bytes"]
                           for each in (found, wanted)]
                self.assertGreaterEqual(missing[0], 0)
                self.assertLessEqual(missing[0], max(missing[1], 1 << 20))
                server.next_document()
                reference.next_document()


class PerfClientEffects(EffectTest):
    def captured(self, *words: str, protocol: int = TCP) -> list[Seen]:
        """What a client of ours sends in a test. Its device goes when it ends, so it is made
        before."""
        self.stock_server("-1")
        with Capture(CLIENT_DEVICE) as capture:
            self.run_client_ok(subject_client(KERNEL_V4, *words))
        return capture.of_port(PORT, protocol, from_it=False)

    def test_rates(self) -> None:
        self.stock_server()
        for words in (("-b", "1M", "-l", "1250"), ("-b", "100M"),
                      ("-u", "-b", "1M", "-l", "1250"), ("-u", "-b", "100M", "-l", "1400")):
            with self.subTest(words=words):
                self.assert_keeps_its_rate(subject_client(KERNEL_V4, "-t", "1", *words))

    def test_exact_amounts(self) -> None:
        server = self.stock_server("-J")
        for words, wanted in (
            (("-n", "200K"), 262_144), (("-n", "1"), 131_072), (("-n", "1000000", "-l", "1000"),
             1_000_000), (("-k", "7", "-l", "1000"), 7_000), (("-n", "5M", "-P", "4"), 5 << 20),
            (("-u", "-k", "50", "-l", "1000", "-b", "10M"), 50_000),
            (("-u", "-n", "100000", "-l", "1000", "-b", "10M", "-P", "2"), 100_000),
        ):
            with self.subTest(words=words):
                end = self.document_of(subject_client(KERNEL_V4, *words))["end"]
                self.assertEqual(end["sum_sent"]["bytes"], wanted)
                server.next_document()

    def test_received_amounts(self) -> None:
        self.stock_server()
        for words in (("-n", "5M"), ("-k", "40"), ("-n", "5M", "-P", "3"),
                      ("-u", "-n", "1M", "-b", "100M", "-l", "1400")):
            end = self.document_of(subject_client(KERNEL_V4, "-R", *words))["end"]
            self.assertGreaterEqual(end["sum_received"]["bytes"], 1 << 20)

    def test_congestion_control(self) -> None:
        self.stock_server()
        for name in ("cubic", "reno", "bbr"):
            end = self.document_of(subject_client(KERNEL_V4, "-n", "10M", "-C", name))["end"]
            self.assertEqual(end["sender_tcp_congestion"], name)

    def test_timestamps_and_titles(self) -> None:
        self.stock_server()
        said = self.run_client_ok(
            subject_client(KERNEL_V4, "-n", "1M", "--timestamps=%H@ ", "-T", "name")).out
        for line in said.strip().splitlines():
            self.assertRegex(line, r"^(\d\d@ )?(name:  )?")
        self.assertRegex(said, r"(?m)^\d\d@ name:  \[")

    def test_log_file(self) -> None:
        self.stock_server()
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            done = self.run_client_ok(
                subject_client(KERNEL_V4, "-n", "1M", "--logfile", str(log)))
            self.assertEqual(done.out, "")
            self.assertIn("iperf Done.", log.read_text())


class PerfBeyond(PerfTest):
    """What iperf3 does not do."""

    def setUp(self) -> None:
        if not IS_OURS:
            self.skipTest("stock iperf3 does not do this")
        super().setUp()
        self.server = self.stock_server()

    def test_json_stream(self) -> None:
        done = self.run_client_ok(
            subject_client(KERNEL_V4, "-t", "1", "-i", "0.5", "-b", "50M", "--json-stream"))
        events = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([each["event"] for each in events],
                         ["start", "interval", "interval", "end"])
        whole = self.document_of(subject_client(KERNEL_V4, "-t", "1", "-i", "0.5", "-b", "50M"))
        joined = {"start": events[0]["data"], "end": events[-1]["data"],
                  "intervals": [each["data"] for each in events[1:-1]]}
        self.assertEqual(perf_json.differences(joined, whole), [])

    def test_two_congestion_controls_side_by_side(self) -> None:
        words = ["-t", "1", "-b", "50M", "-P", "4", "-C", "cubic,bbr"]
        document = self.document_of(subject_client(KERNEL_V4, *words))
        self.assertIn("cubic", json.dumps(document))
        self.assertIn("bbr", json.dumps(document))
        said = self.run_client_ok(subject_client(KERNEL_V4, *words)).out
        self.assertRegex(said, r"(?s)cubic.*bbr")

    def test_round_trip_times(self) -> None:
        document = self.document_of(
            subject_client(KERNEL_V4, "-t", "1", "-i", "0.5", "-b", "50M", "--delay", "5ms"))
        said = json.dumps([each for each in document["intervals"]])
        self.assertIn("p50", said)
        self.assertIn("p99", said)
        stream = document["end"]["streams"][0]["sender"]
        self.assertGreater(stream["min_rtt"], 9_000)
        self.assertLess(stream["min_rtt"], 20_000)

    def test_trace(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "trace")
            self.run_client_ok(subject_client(KERNEL_V4, "-t", "1", "-P", "2", "-b", "100M",
                                              "--trace", str(path)))
            lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertGreater(len(lines), 200)
        keys = set(lines[0])
        for word in ("cwnd", "ssthresh", "flight", "srtt", "rttvar", "pacing", "delivery",
                     "retrans", "state"):
            self.assertTrue(any(word in key for key in keys), f"no {word} in {sorted(keys)}")
        self.assertEqual({frozenset(line) for line in lines}, {frozenset(keys)})

    def test_impairment_of_datagrams_is_counted(self) -> None:
        """By a stock server, of what a client of ours sends through a worse wire."""
        words = ["-u", "-k", "2000", "-l", "500", "-b", "20M"]
        for options, low, high in ((("--out-loss", "5%"), 60, 150),
                                   (("--out-duplicate", "5%"), 0, 0)):
            # A stock server takes the greeting's duplicate for data: not that one.
            before = lab.kernel_counters("Udp")["RcvbufErrors"]
            document = self.document_of(
                subject_client(KERNEL_V4, *words, *options, "--impair-seed", "1"))
            stream = document["end"]["streams"][0]["udp"]
            # Its socket holds what comes in 30 ms: on a busy machine some finds no room.
            refused = lab.kernel_counters("Udp")["RcvbufErrors"] - before
            self.assertTrue(low <= stream["lost_packets"] <= high + refused, (stream, refused))

    def test_impairment_makes_retransmissions(self) -> None:
        document = self.document_of(
            subject_client(KERNEL_V4, "-n", "5M", "--out-loss", "1%", "--delay", "1ms"))
        self.assertGreater(document["end"]["sum_sent"]["retransmits"], 5)
        self.assertEqual(document["end"]["sum_sent"]["bytes"], 5 << 20)
