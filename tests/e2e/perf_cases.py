"""Every option of a client, beside a stock pair that is asked the same: the JSON of both ends."""

from concurrent.futures import ThreadPoolExecutor

from perf_support import LOOP_V4, PerfTest, Server, stock_client

REFERENCE_PORT = "5301"

# A client's words. OURS stands for what makes our side the sender.
TCP_WAYS = ("-n 20M", "-n 20M -R", "-n 20M --bidir", "-n 80M -P 8", "-n 30M -P 3 -R",
            "-n 40M -P 2 --bidir")
TCP_ENDS = ("-k 200", "-k 2000 -l 1000", "-t 1 -i 0.1 -b 50M", "-t 1 -i 0 -b 50M -R",
            "-t 1 -O 1 -b 50M --bidir")
TCP_SOCKETS = ("-n 20M -M 1000", "-n 20M -M 1000 -R", "-n 20M -N", "-n 20M -w 64K",
               "-n 20M -w 64K -R", "-n 20M -C reno OURS", "-n 20M -S 16 -R", "-n 20M -Z")
TCP_OTHERS = ("-n 20M -l 1000", "-n 20M -l 1M -R", "-n 20M --repeating-payload OURS",
              "-n 20M -b 1G/10 OURS", "-n 20M --pacing-timer 500 OURS", "-n 20M --extra-data x",
              "-n 20M -T heading")
TCP_SERVER_OUTPUT = ("-n 20M --get-server-output", "-n 20M -R --get-server-output")
TCP_128_STREAMS = ("-n 400M -P 128", "-n 400M -P 128 -R")
UDP_WAYS = ("-u -t 1 -b 10M", "-u -n 1M -b 100M -R", "-u -n 1M -b 100M --bidir",
            "-u -n 4M -b 50M -P 8", "-u -n 2M -b 50M -P 3 -R", "-u -n 2M -b 50M -P 2 --bidir")
UDP_OPTIONS = ("-u -k 200 -l 1400 -b 20M", "-u -k 200 -l 1400 -b 20M -R", "-u -k 100 -b 10M",
               "-u -k 100 -b 10M -R",
               "-u -t 1 -O 1 -b 10M -l 1400 OURS", "-u -n 1M -b 100M --udp-counters-64bit",
               "-u -n 1M -b 100M --udp-counters-64bit -R", "-u -n 1M -b 100M -w 200K",
               "-u -n 1M -b 100M -S 32", "-u -n 1M -b 100M --repeating-payload OURS",
               "-u -n 50K -b 20M -l 16 OURS", "-u -n 1M -b 100M --get-server-output",
               "-u -n 1M -b 0 -l 1400", "-u -n 1M -b 100M -l 1000 --dont-fragment")
ON_WORKERS = ("-P 16", "-P 16 -R", "-P 8 --bidir", "-u -b 20M -P 16", "-u -b 20M -P 16 -R")


class CasesTest(PerfTest):
    """The JSON of both ends is like that of a stock pair, and adds up."""

    OURS = ""
    ADDRESSES: tuple[str, ...] = ()  # of the server that is tested

    def client(self, address: str, *words: str) -> list[str]:
        raise NotImplementedError

    def check_all(self, server: Server, cases: tuple[str, ...]) -> None:
        """The stock pair takes its turn beside the one that is tested."""
        reference = self.stock_server("-J", "-p", REFERENCE_PORT)

        def wanted(words: list[str]) -> tuple[dict, dict]:
            of_client = self.document_of(stock_client(LOOP_V4, "-p", REFERENCE_PORT, *words))
            return of_client, reference.next_document()

        asked = [case.replace("OURS", self.OURS).split() for case in cases]
        with ThreadPoolExecutor(1) as beside:
            for words, like in zip(asked, [beside.submit(wanted, words) for words in asked]):
                for address in self.ADDRESSES:
                    with self.subTest(words=words, address=address):
                        found = self.document_of(self.client(address, *words))
                        self.check(found, server.next_document(), *like.result())

    def check(self, found: dict, of_server: dict, wanted: dict, wanted_of_server: dict) -> None:
        self.assert_same_shape(found, wanted, "client")
        self.assert_same_shape(of_server, wanted_of_server, "server")
        self.assertEqual(found["start"]["cookie"], of_server["start"]["cookie"])
