"""Servers that lie, stall and hang up: a client of ours ends soon, with one line."""

import signal
import socket
import threading
import time
from typing import Callable, Iterator

import lab
from perf_protocol import (COOKIE_LENGTH, CREATE_STREAMS, DISPLAY_RESULTS, EXCHANGE_RESULTS,
                           PARAM_EXCHANGE, SERVER_ERROR, TEST_END, TEST_RUNNING, TEST_START,
                           as_json, framed, results)
from perf_support import KERNEL_V4, PORT, PerfTest, run_once, subject_client


class FalseServer:
    """Plays one test to the step that is named, and then does what it is given. A context."""

    STEPS = ("cookie", "parameters", "streams", "start", "running", "end", "results")

    def __init__(self, step: str, then: Callable[[socket.socket], None]) -> None:
        self.step, self.then = step, then
        self.listener = socket.create_server(("0.0.0.0", PORT), backlog=64)
        self.listener.settimeout(lab.PATIENCE)
        self.streams: list[socket.socket] = []
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self) -> "FalseServer":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.thread.join()
        self.close_streams()
        self.listener.close()

    def close_streams(self) -> None:
        for each in self.streams:
            each.close()

    def serve(self) -> None:
        with self.listener.accept()[0] as control:
            control.settimeout(lab.PATIENCE)
            try:
                steps = self.play(control)
                while next(steps) != self.step:
                    pass
                self.then(control)
                self.close_streams()
                while control.recv(65536):  # until the client goes
                    pass
            except ConnectionError:
                pass

    def play(self, control: socket.socket) -> Iterator[str]:
        lab.receive_exactly(control, COOKIE_LENGTH)
        yield "cookie"
        control.sendall(bytes([PARAM_EXCHANGE]))
        length = int.from_bytes(lab.receive_exactly(control, 4), "big")
        lab.receive_exactly(control, length)
        yield "parameters"
        control.sendall(bytes([CREATE_STREAMS]))
        self.streams.append(self.listener.accept()[0])
        lab.receive_exactly(self.streams[0], COOKIE_LENGTH)
        yield "streams"
        control.sendall(bytes([TEST_START]))
        yield "start"
        control.sendall(bytes([TEST_RUNNING]))
        yield "running"
        while control.recv(1) != bytes([TEST_END]):
            pass
        yield "end"
        control.sendall(bytes([EXCHANGE_RESULTS]))
        length = int.from_bytes(lab.receive_exactly(control, 4), "big")
        lab.receive_exactly(control, length)
        yield "results"


class PerfFalseServer(PerfTest):
    def assert_ends(self, step: str, then: Callable[[socket.socket], None], *expected: str,
                    words: tuple[str, ...] = ("-n", "1K", "-l", "1K")) -> None:
        with FalseServer(step, then):
            done = run_once(subject_client(KERNEL_V4, *words), timeout=20)
        self.assertEqual(done.code, 1, done.said)
        self.assert_one_line(done.err, *expected)

    def test_states_out_of_turn(self) -> None:
        wrong = {
            "cookie": (0, TEST_START, TEST_RUNNING, TEST_END, CREATE_STREAMS, EXCHANGE_RESULTS,
                       DISPLAY_RESULTS, 200),
            "parameters": (PARAM_EXCHANGE, TEST_START, TEST_RUNNING, DISPLAY_RESULTS),
            "streams": (CREATE_STREAMS, TEST_RUNNING, EXCHANGE_RESULTS),
            "start": (TEST_START, DISPLAY_RESULTS),
            "running": (TEST_RUNNING, EXCHANGE_RESULTS, DISPLAY_RESULTS),
            "end": (TEST_END, TEST_RUNNING, DISPLAY_RESULTS),
        }
        for step, states in wrong.items():
            for state in states:
                with self.subTest(step=step, state=state):
                    self.assert_ends(step, lambda control, said=bytes([state]): control.sendall(said),
                                     "received an unknown control message")

    def test_hangs_up(self) -> None:
        for step in FalseServer.STEPS:
            with self.subTest(step=step):
                self.assert_ends(step, lambda control: control.shutdown(socket.SHUT_WR), "error")

    def test_false_results(self) -> None:
        said = results(1, 1000)
        no_stream = dict(said, streams=[])
        other_id = dict(said, streams=[dict(said["streams"][0], id=7)])
        for text in (b"", b"[]", b"{}", b'{"streams":', b"[" * 10_000, as_json(no_stream),
                     as_json(other_id), as_json(dict(said, streams=1))):
            with self.subTest(text=text[:100]):
                self.assert_ends("results", lambda control, text=text: control.sendall(framed(text)),
                                 "error")

    def test_a_length_of_a_gigabyte(self) -> None:
        self.assert_ends("results", lambda control: control.sendall((1 << 30).to_bytes(4, "big")),
                         "unusable document")

    def test_a_server_that_does_not_send(self) -> None:
        self.assert_ends("running", lambda control: control.recv(1), "idle timeout for receiving data",
                         words=("-R", "-t", "10", "--rcv-timeout", "500", "-i", "0"))

    def test_a_server_without_a_port_for_datagrams(self) -> None:
        self.assert_ends("parameters", lambda control: control.sendall(bytes([CREATE_STREAMS])),
                         "unable to connect stream: Connection refused", words=("-u", "-t", "1"))

    def test_an_error_that_is_cut_short(self) -> None:
        for text in (b"", b"\0\0\0", b"\0\0\0\x6b\0\0"):
            with self.subTest(text=text):
                self.assert_ends("parameters",
                                 lambda control, text=text: control.sendall(bytes([SERVER_ERROR]) + text),
                                 "error")

    def test_interrupted_while_streams_do_not_open(self) -> None:
        """The kernel drops SYNs where the queue of who waits to be accepted is full."""
        with socket.create_server(("0.0.0.0", PORT), backlog=0) as listener:
            client = self.start(subject_client(KERNEL_V4, "-P", "8", "-t", "1"))
            listener.settimeout(lab.PATIENCE)
            with listener.accept()[0] as control:
                control.settimeout(lab.PATIENCE)
                lab.receive_exactly(control, COOKIE_LENGTH)
                control.sendall(bytes([PARAM_EXCHANGE]))
                lab.receive_exactly(control, int.from_bytes(lab.receive_exactly(control, 4), "big"))
                control.sendall(bytes([CREATE_STREAMS]))
                time.sleep(0.5)
                begin = time.monotonic()
                client.process.send_signal(signal.SIGINT)
                self.assertEqual(client.wait(), 1)
                self.assertLess(time.monotonic() - begin, 5)
                self.assert_one_line(client.err, "interrupt - the client has terminated")
