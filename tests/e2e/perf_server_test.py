"""Stock clients and a server of `sluice perf`: every option, over IPv4 and IPv6."""

import perf_cases
import perf_text
from perf_cases import REFERENCE_PORT, CasesTest
from perf_support import IS_OURS, LOOP_V4, SERVER_V4, SERVER_V6, PerfTest, stock_client


class PerfServerOptions(CasesTest):
    OURS = "-R"
    ADDRESSES = (SERVER_V4, SERVER_V6)

    def client(self, address: str, *words: str) -> list[str]:
        return stock_client(address, *words)

    def check(self, found: dict, of_server: dict, wanted: dict, wanted_of_server: dict) -> None:
        super().check(found, of_server, wanted, wanted_of_server)
        self.assert_asked_alike(found, of_server, wanted_of_server)
        self.assert_adds_up(of_server, "server")
        self.assert_counts_cross(found, of_server)

    def assert_asked_alike(self, client: dict, server: dict, wanted: dict) -> None:
        """What the server takes to be asked."""
        asked, said = wanted["start"]["test_start"], server["start"]["test_start"]
        if asked["protocol"] == "UDP":  # the block follows from the device's MTU
            asked["blksize"] = client["start"]["test_start"]["blksize"]
        self.assertEqual(said, asked)
        ports = [each["local_port"] for each in client["start"]["connected"]]
        self.assertEqual([each["remote_port"] for each in server["start"]["connected"]], ports)

    def check_these(self, cases: tuple[str, ...]) -> None:
        self.check_all(self.subject_server("-J"), cases)

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

    def test_workers_share_the_streams(self) -> None:
        server = self.subject_server("-J", *(("--workers", "2") if IS_OURS else ()))
        for case in perf_cases.ON_WORKERS:
            with self.subTest(case=case):
                found = self.document_of(stock_client(SERVER_V4, "-n", "20M", *case.split()))
                of_server = server.next_document()
                self.assert_adds_up(of_server, "server")
                self.assert_counts_cross(found, of_server)


class PerfServerText(PerfTest):
    """What both ends print is laid out like that of a stock pair."""

    def check_all(self, *cases: str) -> None:
        for case in cases:
            with self.subTest(case=case):
                server = self.subject_server("-1")
                reference = self.stock_server("-1", "-p", REFERENCE_PORT)
                wanted, found = self.run_both(
                    stock_client(LOOP_V4, "-p", REFERENCE_PORT, *case.split()),
                    stock_client(SERVER_V4, *case.split()))
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
