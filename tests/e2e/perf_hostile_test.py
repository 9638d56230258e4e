"""Clients that lie, stall, die and send rubbish: the server serves the next one, and keeps nothing."""

import random
import socket
import threading
import time

import lab
import perf_protocol
from perf_capture import TCP, Capture
from perf_protocol import (ACCESS_DENIED, CLIENT_TERMINATE, CREATE_STREAMS, PARAM_EXCHANGE,
                           TEST_RUNNING, TEST_START, Talk)
from perf_support import (IS_OURS, PORT, SERVER_V4, SERVER_V6, Holdings, PerfTest, ours_only,
                          run_client, run_once, stock_client)

SEED = 20261122
GROWTH = 4 << 20  # bytes that a server may keep after rubbish: pools that have grown to their size


class PerfHostile(PerfTest):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.subject_server()

    def assert_serves(self) -> None:
        """A stock client, at once."""
        for address in (SERVER_V4, SERVER_V6):
            done = self.run_client_ok(stock_client(address, "-n", "100K"))
            self.assertIn("iperf Done", done.out)

    def assert_serves_in_time(self) -> None:
        """Tries again while the server is busy with a client that has gone."""
        end = time.monotonic() + lab.PATIENCE
        while "busy" in (done := run_once(stock_client(SERVER_V4, "-n", "100K"))).err:
            self.assertLess(time.monotonic(), end, "the server stays busy")
            time.sleep(0.05)
        self.assert_done(done)

    def holdings(self) -> Holdings:
        self.assert_serves_in_time()
        self.assert_serves()
        time.sleep(0.2)  # for what is closed behind a test
        return Holdings.of(self.server.pid)

    def assert_holds_no_more_than(self, before: Holdings) -> None:
        after = self.holdings()
        self.assert_becomes(lambda: Holdings.of(self.server.pid).descriptors, before.descriptors,
                            "number of descriptors")
        self.assertLess(after.resident_bytes - before.resident_bytes, GROWTH)

    # --- rubbish --------------------------------------------------------------------------------

    def test_200_random_strings(self) -> None:
        chance = random.Random(SEED)
        before = self.holdings()
        for number, text in enumerate(perf_protocol.random_strings(chance, 200)):
            self.send(text, read=len(text) >= perf_protocol.COOKIE_LENGTH)
            if number % 25 == 0:
                self.assert_serves_in_time()
        self.assert_holds_no_more_than(before)

    def send(self, text: bytes, read: bool) -> None:
        """As the first that is said; then an end, or a reset."""
        with lab.connect(SERVER_V4, PORT) as client:
            try:
                client.sendall(text)
                client.shutdown(socket.SHUT_WR)
                while read and client.recv(65536):
                    pass
            except OSError:
                pass  # it has closed already

    def greeted(self) -> Talk:
        """A control connection on which parameters are awaited. The server may be busy still with
        the one before."""
        end = time.monotonic() + lab.PATIENCE
        while True:
            talk = Talk(SERVER_V4)
            talk.control.sendall(talk.cookie)
            if (state := talk.state()) == PARAM_EXCHANGE:
                return talk
            talk.close()
            self.assertEqual(state, ACCESS_DENIED)
            self.assertLess(time.monotonic(), end, "the server stays busy")
            time.sleep(0.01)

    def test_200_hostile_documents(self) -> None:
        chance = random.Random(SEED)
        before = self.holdings()
        for number, text in enumerate(perf_protocol.hostile_documents(chance, 200)):
            with self.subTest(number=number, text=text[:200]), self.greeted() as talk:
                said = talk.say_and_hear(text)
                self.assertIn(said[:1], (b"", bytes([CREATE_STREAMS]), b"\xfe"), said)
            if number % 25 == 0:
                self.assert_serves_in_time()
        self.assert_holds_no_more_than(before)

    def test_hostile_results(self) -> None:
        chance = random.Random(SEED)
        before = self.holdings()
        for number, text in enumerate(perf_protocol.hostile_results(chance, 60)):
            with self.subTest(number=number, text=text[:200]), self.in_state("end") as talk:
                talk.say_and_hear(text)
        self.assert_holds_no_more_than(before)

    def test_states_out_of_turn(self) -> None:
        before = self.holdings()
        for state in ("streams", "running", "end"):
            for byte in (0, 3, 7, 8, 13, 14, 15, 17, 127, 128, 200, 253):
                with self.subTest(state=state, byte=byte), self.in_state(state) as talk:
                    talk.say_and_hear(bytes([byte]))
        self.assert_holds_no_more_than(before)

    def test_an_algorithm_that_there_is_not(self) -> None:
        for name in ("vegas", "no such \x1b[31mthing"):
            with self.subTest(name=name), self.in_state("end", congestion=name) as talk:
                found = talk.exchange(perf_protocol.results(3, 100_000))
                self.assertEqual(found["congestion_used"], "cubic")

    # --- clients that die -----------------------------------------------------------------------

    def in_state(self, name: str, **parameters) -> Talk:
        """A talk that has come so far: cookie, parameters, streams (all but one), running, end."""
        self.assert_serves_in_time()
        talk = Talk(SERVER_V4, **({"parallel": 3} | parameters))
        self.addCleanup(talk.close)
        if name == "cookie":
            talk.greet()
        elif name == "parameters":
            talk.ask()
        elif name == "streams":
            talk.ask()
            talk.open_streams(2)
        else:
            talk.run()
            if name == "end":
                talk.end()
        return talk

    def test_clients_that_die_in_each_state(self) -> None:
        before = self.holdings()
        for parameters in ({}, {"udp": True}, {"reverse": True}, {"bidirectional": True}):
            for state in ("cookie", "parameters", "streams", "running", "end"):
                for die in (Talk.close, Talk.reset):
                    with self.subTest(state=state, die=die.__name__, parameters=parameters):
                        die(self.in_state(state, **parameters))
        self.assert_holds_no_more_than(before)

    def test_a_client_that_terminates(self) -> None:
        with self.in_state("running") as talk:
            talk.send_state(CLIENT_TERMINATE)
            self.assertEqual(talk.read_to_the_end(), b"")
        self.server.wait_for(lambda: "the client has terminated" in self.server.err,
                             "word of the termination")
        self.assert_serves_in_time()

    def test_a_client_that_vanishes(self) -> None:
        self.in_state("running").close()
        self.server.wait_for(
            lambda: "the client has unexpectedly closed the connection" in self.server.err,
            "word of the end",
        )
        self.assert_serves_in_time()

    @ours_only
    def test_a_client_that_has_gone_is_asked_for(self) -> None:
        """One that was cut off while it receives datagrams: nobody else would notice."""
        with self.in_state("running", udp=True, reverse=True, num=0, time=0, len=1000,
                           bandwidth=1_000_000) as talk:
            port = talk.control.getsockname()[1]
            time.sleep(0.5)  # ACKs of what was said
            with Capture("tun1") as capture:
                self.server.wait_for(lambda: capture.of_port(port, TCP, from_it=False), "keepalive")

    def test_half_open_control_connections(self) -> None:
        before = self.holdings()
        silent = [lab.connect(SERVER_V4, PORT) for _ in range(20)]
        for number, each in enumerate(silent):
            each.sendall(b"x" * number)
        if IS_OURS:  # a stock server waits for the first of them
            self.assert_serves_in_time()
        for each in silent:
            each.close()
        self.assert_holds_no_more_than(before)

    # --- streams --------------------------------------------------------------------------------

    def test_streams_with_wrong_cookies(self) -> None:
        before = self.holdings()
        with Talk(SERVER_V4) as talk:
            talk.ask()
            for _ in range(5):
                with lab.connect(SERVER_V4, PORT) as stranger:
                    stranger.sendall(perf_protocol.make_cookie())
                    self.assertEqual(stranger.recv(10), bytes([ACCESS_DENIED]))
                    self.assertEqual(stranger.recv(10), b"")
            talk.open_tcp()
            talk.expect(TEST_START, TEST_RUNNING)
            self.assertEqual(self.finish(talk, 0)["streams"][0]["bytes"], 0)
        self.assert_holds_no_more_than(before)

    def finish(self, talk: Talk, sent: int) -> dict:
        talk.end()
        found = talk.exchange(perf_protocol.results(len(talk.streams), sent))
        talk.finish()
        return found

    def test_too_many_streams(self) -> None:
        with Talk(SERVER_V4) as talk:
            talk.run()
            stranger = talk.open_tcp()
            self.assertEqual(stranger.recv(10), bytes([ACCESS_DENIED]))
            talk.streams[0].sendall(bytes(50_000))
            lab.wait_until_acknowledged(talk.streams[0])
            del talk.streams[1:]
            found = self.finish(talk, 50_000)["streams"]
            self.assertEqual([each["bytes"] for each in found], [50_000])
        self.assert_serves_in_time()

    def test_a_client_that_never_says_goodbye(self) -> None:
        with Talk(SERVER_V4) as talk:
            talk.run()
            talk.streams[0].sendall(bytes(1_000))
            talk.end()
            talk.exchange(perf_protocol.results(1, 1_000))
            self.run_client_ok(stock_client(SERVER_V4, "-n", "1M"))

    def test_a_stream_that_ends_early(self) -> None:
        for die in (socket.socket.close, self.reset):
            with Talk(SERVER_V4, parallel=2) as talk:
                talk.run()
                talk.streams[0].sendall(bytes(10_000))
                lab.wait_until_acknowledged(talk.streams[0])
                die(talk.streams[0])
                talk.streams[1].sendall(bytes(20_000))
                lab.wait_until_acknowledged(talk.streams[1])
            self.assert_serves_in_time()

    @staticmethod
    def reset(stream: socket.socket) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.close()

    def test_datagrams_out_of_nowhere(self) -> None:
        before = self.holdings()
        strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
        chance = random.Random(SEED)
        with Talk(SERVER_V4, udp=True) as talk:
            talk.run()
            for stranger in strangers:
                for length in (0, 1, 4, 12, 16, 1400):
                    stranger.sendto(chance.randbytes(length), (SERVER_V4, PORT))
            self.send_in_disorder(talk, 100)
            for length in (0, 1, 4, 11):  # too short for a number
                talk.streams[0].send(bytes(length))
            time.sleep(0.2)
            [stream] = self.finish(talk, 800)["streams"]
            if IS_OURS:
                self.assertEqual((stream["packets"], stream["errors"]), (10, 2))
        for stranger in strangers:
            stranger.sendto(b"9876", (SERVER_V4, PORT))
            stranger.close()
        self.assert_holds_no_more_than(before)

    @staticmethod
    def send_in_disorder(talk: Talk, length: int) -> None:
        for number in (1, 2, 5, 4, 3, 6, 10, 10):
            talk.streams[0].send(perf_protocol.datagram(number, length))
            time.sleep(0.005)

    def test_counts_of_datagrams_in_disorder(self) -> None:
        """As of a stock server that got the same."""
        with Talk(SERVER_V4, udp=True) as talk:
            talk.run()
            self.send_in_disorder(talk, 500)
            [stream] = self.finish(talk, 4000)["streams"]
        self.assertEqual((stream["id"], stream["bytes"], stream["packets"], stream["errors"]),
                         (1, 4000, 10, 2))
        self.assertGreaterEqual(stream["jitter"], 0)

    def test_a_flood_of_clients(self) -> None:
        """One is served, the others are told that they must wait."""
        codes = []

        def call() -> None:
            done = run_client(stock_client(SERVER_V4, "-t", "1", "-b", "10M"))
            codes.append((done.code, "busy" in done.err))

        threads = [threading.Thread(target=call) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertGreaterEqual(codes.count((0, False)), 1, codes)
        self.assertEqual({each for each in codes if each != (0, False)}, {(1, True)}, codes)
        self.assert_serves_in_time()
