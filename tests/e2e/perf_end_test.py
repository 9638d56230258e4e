"""How tests begin and end otherwise than well: busy servers, timeouts, interrupts, wrong use."""

import signal
import tempfile
import time
from pathlib import Path

import lab
import perf_protocol
from perf_protocol import SERVER_TERMINATE, Talk
from perf_support import (IS_OURS, KERNEL_V4, LOOP_V4, PORT, SERVER_V4, PerfTest, Server, ours_only,
                          run_client, run_once, stock_client, subject_client)

BUSY = "the server is busy running a test. try again later"


class PerfServerEnds(PerfTest):
    def refused(self, *options: str) -> str:
        """What a server that cannot start says, in one line."""
        done = run_once([lab.SLUICE, "perf", "-s", *options])
        self.assertEqual(done.code, 1, done.said)
        self.assertEqual(done.out, "")
        self.assertEqual(done.err.count("\n"), 1, done.said)
        return done.err

    def test_busy(self) -> None:
        self.subject_server()
        with Talk(SERVER_V4) as first:
            first.run()
            second = run_once(stock_client(SERVER_V4))
            self.assertEqual((second.code, second.err), (1, f"iperf3: error - {BUSY}\n"))
            third = run_once(stock_client(SERVER_V4, "-J"))
            self.assertEqual(third.document["error"], BUSY)
            first.streams[0].sendall(bytes(100_000))
            lab.wait_until_acknowledged(first.streams[0])
            first.end()
            found = first.exchange(perf_protocol.results(1, 100_000))
            self.assertEqual(found["streams"][0]["bytes"], 100_000)
            first.finish()
        self.run_client_ok(stock_client(SERVER_V4, "-n", "1M"))

    def test_one_off(self) -> None:
        server = self.subject_server("-1")
        self.run_client_ok(stock_client(SERVER_V4, "-n", "1M"))
        self.assertEqual(server.wait(), 0)
        self.assertEqual(lab.links(), ["lo"])

    def test_one_off_after_a_client_that_failed(self) -> None:
        server = self.subject_server("-1")
        lab.connect(SERVER_V4, PORT).close()
        server.wait()
        self.assert_one_line(server.err, "error")

    def test_one_off_without_a_client(self) -> None:
        server = self.subject_server("-1", "--idle-timeout", "1")
        begin = time.monotonic()
        server.wait()
        self.assertLess(time.monotonic() - begin, 4)

    def test_idle_timeout_ends_no_test(self) -> None:
        server = self.subject_server("--idle-timeout", "1")
        self.run_client_ok(stock_client(SERVER_V4, "-t", "2", "-b", "10M"))
        time.sleep(1.5)
        self.run_client_ok(stock_client(SERVER_V4, "-n", "1M"))
        self.assertIsNone(server.process.poll())

    def test_receive_timeout(self) -> None:
        server = self.subject_server("--rcv-timeout", "500")
        with Talk(SERVER_V4, num=0, time=10) as talk:
            talk.run()
            begin = time.monotonic()
            self.assertIn(talk.state(), (None, perf_protocol.SERVER_ERROR))
            self.assertLess(time.monotonic() - begin, 3)
        server.wait_for(lambda: "idle timeout for receiving data" in server.err, "error")
        self.run_client_ok(stock_client(SERVER_V4, "-n", "1M"))

    def test_bitrate_limit(self) -> None:
        server = self.subject_server("--server-bitrate-limit", "10M")
        done = run_client(stock_client(SERVER_V4, "-t", "1", "-b", "20M"))
        self.assertEqual(done.code, 1)
        server.wait_for(lambda: "total required bandwidth is larger than server limit"
                        in server.err, "error")
        self.run_client_ok(stock_client(SERVER_V4, "-t", "1", "-b", "5M"))

    def test_log_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            server = self.subject_server("--logfile", str(log), "-1")
            self.run_client_ok(stock_client(SERVER_V4, "-n", "20M"))
            self.assertEqual(server.wait(), 0)
            self.assertEqual(server.out, "")
            self.assertIn("Server listening on 5201 (test #1)", log.read_text())
            self.assertRegex(log.read_text(), r"Bytes .*/sec .*receiver")

    def test_process_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pid")
            server = self.subject_server("--pidfile", str(path))
            self.assertEqual(path.read_text().strip("\0\n"), str(server.pid))
            server.stop()
            self.assertFalse(path.exists())

    def test_another_port(self) -> None:
        self.subject_server("-p", "7777")
        done = self.run_client_ok(stock_client(SERVER_V4, "-n", "1M", "-p", "7777"))
        self.assertIn("port 7777", done.out)

    def test_interrupted_while_idle(self) -> None:
        server = self.subject_server()
        self.assertEqual(server.stop(), 1)
        self.assert_one_line(server.err, ": interrupt - the server has terminated")
        self.assertEqual(lab.links(), ["lo"])

    def test_interrupted_while_it_tests(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.subject_server()
            with Talk(SERVER_V4, num=0, time=10) as talk:
                talk.run()
                talk.streams[0].sendall(bytes(100_000))
                lab.wait_until_acknowledged(talk.streams[0])
                server.process.send_signal(number)
                self.assertEqual(talk.read_to_the_end(), bytes([SERVER_TERMINATE]))
            self.assertEqual(server.wait(), 1)
            self.assertIn("interrupt - the server has terminated", server.err)
            self.assertRegex(server.out, r"Bytes .*/sec .*receiver")

    def test_stock_client_of_an_interrupted_server(self) -> None:
        server = self.subject_server()
        client = self.start(stock_client(SERVER_V4, "-t", "10", "-b", "10M"))
        server.wait_for(lambda: "connected to" in server.out, "stream")
        time.sleep(0.3)
        self.assertEqual(server.stop(), 1)
        self.assertEqual(client.wait(), 1)
        self.assertEqual(client.err, "iperf3: error - the server has terminated\n")

    def test_interrupted_client(self) -> None:
        server = self.subject_server()
        for words in ((), ("-R",), ("-u",)):
            taken = server.out.count("Accepted connection")
            client = self.start(stock_client(SERVER_V4, "-t", "10", "-b", "10M", *words))
            server.wait_for(lambda: server.out.count("connected to") > taken, "stream")
            time.sleep(0.3)
            self.assertEqual(client.stop(), 1)
            server.wait_for(lambda: server.err.count("the client has terminated") > taken, "word")
        self.run_client_ok(stock_client(SERVER_V4, "-n", "1M"))

    @ours_only
    def test_taken_device_and_files(self) -> None:
        self.subject_server()
        self.assertIn("tun1 is taken", self.refused())
        self.assertIn("/nowhere/log", self.refused("--logfile", "/nowhere/log", "--tun", "tun9"))


class PerfClientErrors(PerfTest):
    """One clear line each, exit status 1."""

    def failed(self, address: str, *options: str) -> str:
        done = run_once(subject_client(address, *options))
        self.assertEqual(done.code, 1, done.said)
        self.assertEqual(done.err.count("\n"), 1, done.said)
        self.assertRegex(done.err, r"^(sluice|iperf3): ")
        self.assertEqual(lab.links(), ["lo"])
        return done.err

    def failed_as_json(self, address: str, *options: str) -> str:
        done = run_once(subject_client(address, "-J", *options))
        self.assertEqual(done.err, "")
        if IS_OURS:
            self.assertEqual(done.code, 1, done.said)
        self.assertEqual(done.document["end"], {})
        self.assertEqual(done.document["intervals"], [])
        return done.document["error"]

    def test_refused_port(self) -> None:
        said = "unable to connect to server: Connection refused"
        self.assertIn(f"error - {said}\n", self.failed(KERNEL_V4, "-p", "9"))
        self.assertEqual(self.failed_as_json(KERNEL_V4, "-p", "9"), said)

    def test_no_route(self) -> None:
        self.forward()  # only who forwards tells that there is no route
        for address in ("10.99.0.1", "fd99::1"):
            said = self.failed(address, "--connect-timeout", "2000")
            self.assertRegex(said, "unable to connect to server: .*(is unreachable|No route to host)")
            self.assertIn("unable to connect to server: ",
                          self.failed_as_json(address, "--connect-timeout", "500"))

    def test_unreachable_host(self) -> None:
        begin = time.monotonic()
        said = self.failed("10.0.6.77", "--connect-timeout", "1000")
        self.assertIn("unable to connect to server: ", said)
        self.assertLess(time.monotonic() - begin, 5)

    @ours_only
    def test_unknown_host(self) -> None:
        self.assertIn("nosuch.invalid", self.failed("nosuch.invalid"))

    def test_busy_server(self) -> None:
        server = self.stock_server()
        self.start(stock_client(LOOP_V4, "-t", "10", "-b", "10M"))
        server.wait_for(lambda: "connected to" in server.out, "first client")
        self.assertIn(f"error - {BUSY}", self.failed(KERNEL_V4))
        self.assertEqual(self.failed_as_json(KERNEL_V4), BUSY)

    @ours_only
    def test_unwritable_files(self) -> None:
        self.assertIn("/nowhere/log", self.failed(KERNEL_V4, "--logfile", "/nowhere/log"))
        self.assertIn("/nowhere/trace", self.failed(KERNEL_V4, "--trace", "/nowhere/trace"))

    @ours_only
    def test_datagrams_that_must_not_be_fragmented(self) -> None:
        self.stock_server()
        for words in ((), ("--bidir",)):
            said = self.failed(KERNEL_V4, "-u", "-l", "3000", "--dont-fragment", *words)
            self.assertIn("unable to write to stream socket: Message too long", said)

    @ours_only
    def test_full_files(self) -> None:
        self.stock_server()
        done = run_client(subject_client(KERNEL_V4, "-n", "1M", "--logfile", "/dev/full"))
        self.assertEqual(done.code, 1, done.said)
        self.assert_one_line(done.err, "unable to write to log file: No space left on device")

    @ours_only
    def test_typing_errors(self) -> None:
        for words, naming in (
            (("--reverze",), "--reverse"), (("--parralel", "2"), "--parallel"),
            (("-t", "x"), "x"), (("-t", "-1"), "-1"), (("-t", "86401"), "86401"),
            (("-P", "129"), "129"), (("-P", "0"), "0"), (("-l", "2M"), "2M"),
            (("-u", "-l", "15"), "15"), (("-u", "-l", "65508"), "65508"), (("-b", "fast"), "fast"),
            (("-n", "many"), "many"), (("-k", "-3"), "-3"), (("-i", "0.01"), "0.01"),
            (("-O", "61"), "61"), (("-M", "99999"), "99999"), (("-w", "1G"), "1G"),
            (("-C", "cubik"), "cubik"), (("-S", "256"), "256"), (("--cport", "70000"), "70000"),
            (("-p", "0"), "0"), (("-t", "1", "-n", "5"), "-n"), (("-n", "5", "-k", "5"), "-k"),
            (("-R", "--bidir"), "bidir"), (("-4", "-6"), "-6"), (("-s",), "server"), (("-1",), "server"),
            (("-f", "q"), "q"), (("more",), "more"),
        ):
            with self.subTest(words=words):
                self.assertIn(naming, self.failed(KERNEL_V4, *words))

    def interrupted(self, *options: str) -> Server:
        """A client of ours at a stock server, interrupted while it runs."""
        server = self.stock_server("-1")
        client = self.start(subject_client(KERNEL_V4, "-t", "10", "-b", "10M", *options))
        server.wait_for(lambda: "connected to" in server.out, "stream")
        time.sleep(0.5)
        self.assertEqual(client.stop(), 1)
        self.assertEqual(server.wait(), 0)
        self.assertIn("the client has terminated", server.err)
        self.assertEqual(lab.links(), ["lo"])
        return client

    def test_interrupted(self) -> None:
        client = self.interrupted()
        self.assertRegex(client.out, r"Bytes .*/sec .*sender\n.*0\.00 Bytes .*receiver\n")
        self.assert_one_line(client.err, "interrupt - the client has terminated")

    def test_interrupted_as_json(self) -> None:
        client = self.interrupted("-J")
        [document] = client.documents()
        self.assertEqual(document["error"], "interrupt - the client has terminated")
        self.assertGreater(document["end"]["sum_sent"]["bytes"], 0)
        self.assertEqual(document["end"]["sum_received"]["bytes"], 0)

    def test_server_interrupted(self) -> None:
        server = self.stock_server()
        client = self.start(subject_client(KERNEL_V4, "-t", "10", "-b", "10M"))
        server.wait_for(lambda: "connected to" in server.out, "stream")
        time.sleep(0.5)
        server.stop()
        self.assertEqual(client.wait(), 1)
        self.assert_one_line(client.err, "error - the server has terminated")
        self.assertRegex(client.out, r"Bytes .*/sec .*sender\n")
        self.assertEqual(lab.links(), ["lo"])

    def test_server_killed(self) -> None:
        server = self.stock_server()
        client = self.start(subject_client(KERNEL_V4, "-t", "10", "-b", "10M"))
        server.wait_for(lambda: "connected to" in server.out, "stream")
        time.sleep(0.3)
        server.process.kill()
        self.assertEqual(client.wait(), 1)
        self.assert_one_line(client.err, "error - ")
