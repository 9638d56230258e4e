"""`sluice sim` as people call it: command_test.py PROGRAM."""

import json
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SLUICE = ""

HOSTS = [{"up": {"rate": "10M", "delay": "5ms"}}, {}]
FLOWS = [{"kind": "bulk", "from": 0, "to": 1, "bytes": "100k"}]

FAULTS = {
    "window-off-by-one": "beyond the peer's window",
    "shrinking-window": "right edge moves left",
    "early-ack": "acknowledges what was never sent",
    "forgotten-rto": "nothing will ever happen again",
    "lost-frame": "frames came home",
    "lost-connection": "nothing will ever happen again",
    "corrupted-byte": "wrong byte at position",
    "duplicated-delivery": "wrong byte at position",
    "skipped-delivery": "wrong byte at position",
    "bad-offload": "a device would refuse this offload",
    "restless-timer": "no packet moves",
}


def sim(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SLUICE, "sim", *options], check=False, capture_output=True, text=True,
                          timeout=60)


class SimCommand(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def sim_ok(self, *options: str) -> str:
        done = sim(*options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def assert_refused(self, *options: str, naming: str) -> None:
        with self.subTest(options=options):
            done = sim(*options)
            self.assertGreater(done.returncode, 0, "a signal ended it, or nothing did")
            self.assertEqual(done.stdout, "")
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertRegex(done.stderr, r"^sluice: ")
            self.assertIn(naming, done.stderr)

    def scenario(self, **parts: object) -> str:
        path = self.folder / "scenario.json"
        path.write_text(json.dumps({"hosts": HOSTS, "flows": FLOWS, **parts}))
        return str(path)

    def assert_scenario_refused(self, naming: str, **parts: object) -> None:
        self.assert_refused("--scenario", self.scenario(**parts), naming=naming)

    # --- seeds -------------------------------------------------------------------------------

    def test_a_seed_repeats_its_digest(self) -> None:
        digests = [re.search(r"digest ([0-9a-f]{16})", self.sim_ok("--seed", seed)).group(1)
                   for seed in ("5", "5", "6")]
        self.assertEqual(digests[0], digests[1])
        self.assertNotEqual(digests[0], digests[2])

    def test_many_seeds_have_one_digest_and_a_count(self) -> None:
        said = self.sim_ok("--seed", "100", "--seeds", "5")
        self.assertRegex(said, r"^seeds 100 to 104: digest [0-9a-f]{16}; 0 failed\n$")
        self.assertEqual(said, self.sim_ok("--seed", "100", "--seeds", "5"))

    def test_more_minutes_are_more_flows(self) -> None:
        flows = [int(re.search(r"(\d+) flows", self.sim_ok("--seed", "3", "--minutes", m)).group(1))
                 for m in ("1", "3")]
        self.assertEqual(flows[1], 3 * flows[0])

    # --- faults --------------------------------------------------------------------------------

    def test_each_planted_fault_is_caught(self) -> None:
        for name, complaint in FAULTS.items():
            with self.subTest(fault=name):
                done = sim("--break", name)
                self.assertEqual(done.returncode, 1)
                failure = done.stdout.splitlines()[-1]
                self.assertRegex(failure, r"^sim seed=1 t=\d+us: ")
                self.assertIn(complaint, failure)

    def test_an_unknown_fault_lists_the_known_ones(self) -> None:
        done = sim("--break", "gremlins")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertIn("gremlins", lines[0])
        self.assertEqual([line.split()[1] for line in lines[1:]], list(FAULTS))

    # --- scenarios -------------------------------------------------------------------------------

    def test_the_scenario_of_the_help(self) -> None:
        told = self.sim_ok("--help")
        text = told[told.index('{"hosts"'):told.index("Each packet")]
        path = self.folder / "bulk.json"
        path.write_text(text.replace("65s", "3s").replace('"5s"', '"1s"'))
        said = self.sim_ok("--scenario", str(path))
        self.assertRegex(said, r"host 0: \d+\.\d+ Mbit/s over its link, \d+\.\d+ % of its rate")

    def test_every_kind_of_flow(self) -> None:
        flows = [
            {"kind": "bulk", "from": 0, "to": 1, "for": "1s"},
            {"kind": "request", "from": 0, "to": 1, "request": 200, "response": "20k", "rounds": 5},
            {"kind": "echo", "from": 1, "to": 0, "bytes": "50k", "ip": 6},
            {"kind": "streams", "from": 0, "to": 1, "opening": {"bytes": "30k", "half-close": True},
             "accepting": {"bytes": "10k", "read": "1k", "read-every": "1ms"}},
            {"kind": "bulk", "from": 0, "to": 1, "bytes": "2M", "accepting": {"abort-after": "1k"}},
            {"kind": "bulk", "from": 0, "to": 1, "bytes": 100, "count": 2000, "every": "1ms"},
        ]
        said = self.sim_ok("--scenario", self.scenario(flows=flows))
        self.assertIn("2005 flows", said)

    def test_links_can_change_and_lose(self) -> None:
        up = {"rate": "10M", "delay": "5ms", "queue": "64k", "loss": "1%", "burst-loss": "1%:4",
              "reorder": "5%:2ms", "duplicate": "1%", "corrupt": "1%", "loss-every": 100,
              "mark": "20k", "changes": [{"at": "1s", "up": False}, {"at": "2s", "up": True}]}
        hosts = [{"up": up, "tcp": {"congestion": "bbr", "ecn": "ask"}},
                 {"tcp": {"ecn": "accept"}}]
        flows = [{"from": 0, "to": 1, "bytes": "1M"}]
        said = self.sim_ok("--scenario", self.scenario(hosts=hosts, flows=flows))
        self.assertGreater(int(re.search(r"(\d+) sent again", said).group(1)), 5)

    def test_bad_scenarios(self) -> None:
        refused = self.assert_scenario_refused
        refused("hosts: give at least two", hosts=[{}])
        refused("flows: give at least one", flows=[])
        refused("unknown 'flos'", flos=[])
        refused(".hosts[1]: unknown 'upp'", hosts=[{}, {"upp": {}}])
        refused("'fast' is no rate", hosts=[{"up": {"rate": "fast"}}, {}])
        refused("'120%' is no share", hosts=[{"up": {"loss": "120%"}}, {}])
        refused("'5' is no duration", hosts=[{"up": {"delay": 5}}, {}])
        refused("mtu: must be a number from 576 to 65535", hosts=[{"mtu": 20}, {}])
        refused("'vegas' is none of cubic, newreno, bbr",
                hosts=[{"tcp": {"congestion": "vegas"}}, {}])
        refused("'maybe' is none of off, accept, ask", hosts=[{"tcp": {"ecn": "maybe"}}, {}])
        refused("'gossip' is none of bulk, request, echo, streams",
                flows=[{"kind": "gossip", "from": 0, "to": 1}])
        refused("must be two hosts", flows=[{"kind": "bulk", "from": 1, "to": 1}])
        refused("to: must be a number from 0 to 1", flows=[{"kind": "bulk", "to": 2}])
        refused("at: before the last",
                hosts=[{"up": {"changes": [{"at": "2s"}, {"at": "1s"}]}}, {}])

    def test_files_that_are_none(self) -> None:
        self.assert_refused("--scenario", str(self.folder / "absent"), naming="absent")
        path = self.folder / "text"
        path.write_text("hosts and flows")
        self.assert_refused("--scenario", str(path), naming="no JSON")
        self.assert_refused("--scenario", str(self.folder), naming=str(self.folder))

    def test_a_scenario_that_cannot_succeed_fails(self) -> None:
        hosts = [{"up": {"loss": "100%"}}, {}]
        done = sim("--scenario", self.scenario(hosts=hosts, patience="10s"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("flows do not get on", done.stdout.splitlines()[-1])

    # --- options ---------------------------------------------------------------------------------

    def test_bad_options(self) -> None:
        self.assert_refused("--seed", "-1", naming="--seed")
        self.assert_refused("--seed", "soon", naming="soon")
        self.assert_refused("--seeds", "0", naming="--seeds")
        self.assert_refused("--minutes", "0", naming="--minutes 0")
        self.assert_refused("--minutes", "nan", naming="--minutes")
        self.assert_refused("--pcap", "/proc/none", naming="/proc/none")
        self.assert_refused("--surprise", naming="--surprise")

    def test_pcap_holds_what_crossed_each_link(self) -> None:
        self.sim_ok("--scenario", self.scenario(), "--pcap", str(self.folder / "crossed"))
        names = sorted(path.name for path in (self.folder / "crossed").iterdir())
        self.assertEqual(names, ["host-0-up.pcap", "host-1-up.pcap"])
        sent = text_bytes(self.folder / "crossed" / "host-0-up.pcap")
        self.assertEqual(sent, 100 * 1024)

    def test_trace_shows_packets(self) -> None:
        said = self.sim_ok("--scenario", self.scenario(), "--trace")
        self.assertRegex(said, r"\d+\.\d{6} host 0 sends: IP .* Flags \[S\]")


def text_bytes(path: Path) -> int:
    """The TCP payload of all packets of a capture file without retransmissions: IPv4, raw."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert magic in (0xA1B2C3D4, 0xA1B23C4D), hex(magic)
    assert link in (101, 228), link  # LINKTYPE_RAW, LINKTYPE_IPV4
    at, total = 24, 0
    while at < len(data):
        _, _, captured, length = struct.unpack_from("<IIII", data, at)
        assert captured == length
        packet = data[at + 16:at + 16 + captured]
        assert packet[0] == 0x45 and struct.unpack_from(">H", packet, 2)[0] == length
        total += length - 20 - (packet[32] >> 4) * 4
        at += 16 + captured
    return total


if __name__ == "__main__":
    SLUICE = sys.argv.pop(1)
    unittest.main()
