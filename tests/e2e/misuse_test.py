"""Wrong use: one clear line that names the bad value, exit status not 0, nothing left behind."""

import subprocess

import lab
from lab import LabTest

ANYBODY = 65534  # the user id nobody


class Misuse(LabTest):
    def assert_refused(self, *options: str, naming: str, program: tuple[str, ...] = ()) -> None:
        with self.subTest(options=options):
            done = subprocess.run(
                [*program, lab.SLUICE, *options],
                check=False, capture_output=True, text=True, timeout=20,
            )
            self.assertNotIn(done.returncode, (0, None), done.stdout)
            self.assertGreater(done.returncode, 0, "a signal ended it")
            self.assertEqual(done.stdout, "")
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertRegex(done.stderr, r"^sluice: ")
            self.assertIn(naming, done.stderr)
            self.assertEqual(lab.links(), self.links_before)

    def setUp(self) -> None:
        self.links_before = lab.links()

    def test_device_names(self) -> None:
        self.assert_refused("run", "--tun", "sixteenletters16", naming="sixteenletters16")
        self.assert_refused("run", "--tun", "", naming="''")
        self.assert_refused("run", "--tun", "a/b", naming="a/b")
        self.assert_refused("run", "--tun", "two words", naming="two words")
        self.assert_refused("run", "--tun", "tun%d", naming="tun%d")

    def test_device_name_taken(self) -> None:
        self.assert_refused("run", "--tun", "lo", naming="lo is taken")
        self.run_ok("ip", "tuntap", "add", "busy0", "mode", "tun")
        self.links_before = lab.links()
        self.assert_refused("run", "--tun", "busy0", naming="busy0 is taken")

    def test_malformed_addresses(self) -> None:
        for text in ("10.0.5.300/24", "10.0.5.1", "10.0.5.1/33", "fd05::zz/64", "fd05::1/129",
                     "10.0.5.1/", "/24", "localhost/24", "10.0.5.1/24/24", "010.0.5.1/24"):
            self.assert_refused("run", "--address", text, naming=text)

    def test_addresses_that_no_host_has(self) -> None:
        for text in ("10.0.5.0/24", "10.0.5.255/24", "fd05::/64", "224.0.0.1/4", "127.0.0.1/8",
                     "10.0.5.1/32", "0.0.0.0/0"):
            self.assert_refused("run", "--address", text, naming=text)

    def test_mtu(self) -> None:
        self.assert_refused("run", "--mtu", "67", "--address", "10.0.5.100/24", naming="67")
        self.assert_refused("run", "--mtu", "70000", naming="70000")
        self.assert_refused("run", "--mtu", "1279", naming="1279")
        self.assert_refused("run", "--mtu", "many", naming="many")
        self.assert_refused("run", "--mtu", "-1", naming="-1")
        self.assert_refused("run", "--mtu", "4294967296", naming="4294967296")

    def test_workers_and_cpus(self) -> None:
        self.assert_refused("run", "--workers", "0", naming="0")
        self.assert_refused("run", "--workers", "1000", naming="1000")
        self.assert_refused("run", "--pin", "0,1,0", naming="3 CPUs")
        self.assert_refused("run", "--pin", "1000", naming="1000")
        self.assert_refused("run", "--pin", "x", naming="x")

    def test_other_values(self) -> None:
        self.assert_refused("run", "--queue-length", "0", naming="0")
        self.assert_refused("run", "--queue-length", "524289", naming="524289")
        self.assert_refused("run", "--io", "magic", naming="magic")
        self.assert_refused("run", "--netns", "a/b", naming="a/b")

    def test_dump(self) -> None:
        self.assert_refused("dump", "--write", "/no/such/folder/file", naming="/no/such/folder")
        self.assert_refused("dump", "-w", "/", naming="'/': Is a directory")
        self.assert_refused("dump", "-c", "0", naming="--count 0")
        self.assert_refused("dump", "-c", "-1", naming="-1")
        self.assert_refused("dump", "-c", "few", naming="few")
        self.assert_refused("dump", "--quiet", naming="--write")
        self.assert_refused("dump", "--address", "10.0.5.300/24", naming="10.0.5.300/24")
        self.assert_refused("dump", "--tun", "lo", naming="lo is taken")
        self.assert_refused("dump", "--mtu", "1279", naming="1279")
        self.assert_refused("dump", "word", naming="word")
        without = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
        self.assert_refused("dump", naming="CAP_NET_ADMIN", program=without)

    def test_unknown_words(self) -> None:
        self.assert_refused("run", "--no-such-flag", naming="--no-such-flag")
        self.assert_refused("run", "word", naming="word")
        self.assert_refused("no-such-command", naming="no-such-command")
        self.assert_refused(naming="subcommand")
        self.assert_refused("run", "--mtu", naming="--mtu")

    def test_help(self) -> None:
        self.assertIn("run", self.run_ok(lab.SLUICE, "--help"))
        said = self.run_ok(lab.SLUICE, "run", "--help")
        for word in ("--tun", "--address", "--mtu", "--io", "--netns", "Examples:"):
            self.assertIn(word, said)

    def test_no_tun_driver(self) -> None:
        hidden = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
                  'mount -t tmpfs none /dev/net && exec "$@"', "sh")
        self.assert_refused("run", naming="/dev/net/tun", program=hidden)

    def test_no_capability(self) -> None:
        without = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
        self.assert_refused("run", naming="CAP_NET_ADMIN", program=without)

    def test_no_permission(self) -> None:
        as_nobody = ("setpriv", "--reuid", str(ANYBODY), "--regid", str(ANYBODY), "--clear-groups")
        if subprocess.run([*as_nobody, lab.SLUICE, "--help"], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("no other user id here, or it may not read the program")
        self.assert_refused("run", naming="root", program=as_nobody)
