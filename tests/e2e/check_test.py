"""`sluice check`: what it says is true, for root, for users, and where things are missing."""

import json
import re
import subprocess
from pathlib import Path

import lab
from lab import LabTest

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
USER_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")
NAMES = [
    "kernel", "cpus", "tun_driver", "permission", "user_namespaces", "io_uring", "defer_taskrun",
    "buffer_rings", "read_multishot", "msg_ring", "multi_queue", "steering", "offload_tso_ecn",
    "offload_checksum", "offload_tso4", "offload_tso6", "offload_uso4", "offload_uso6",
]


def check(*options: str, program: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    return subprocess.run([*program, lab.SLUICE, "check", *options], check=False,
                          capture_output=True, text=True, timeout=20)


def check_json(program: tuple[str, ...] = ()) -> tuple[int, dict]:
    done = check("--json", program=program)
    return done.returncode, json.loads(done.stdout)


class CheckTest(LabTest):
    def setUp(self) -> None:
        self.links_before = lab.links()
        self.addCleanup(lambda: self.assertEqual(lab.links(), self.links_before))

    def assert_permitted(self, program: tuple[str, ...]) -> None:
        done = subprocess.run([*program, lab.SLUICE, "--help"], check=False, capture_output=True)
        if done.returncode != 0:
            self.skipTest(f"not to be had here: {' '.join(program)}")

    def test_one_line_for_each_finding(self) -> None:
        done = check()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[-1], "the engine can run here")
        self.assertRegex(lines[-2], r"^mode +(io_uring|poll), offloads \S+, steering \w+$")
        findings = [re.fullmatch(r"(\S+) +(yes|no|unknown) +(\S.*)", line) for line in lines[:-2]]
        self.assertNotIn(None, findings, done.stdout)
        columns = {(match.start(2), match.start(3)) for match in findings if match}
        self.assertEqual(len(columns), 1, "the columns are aligned")
        self.assertLessEqual({match[1] for match in findings if match}, set(NAMES))

    def test_json_is_the_same(self) -> None:
        code, tree = check_json()
        self.assertEqual((code, tree["missing"]), (0, []))
        text = check().stdout
        for name, finding in tree["check"].items():
            self.assertRegex(text, rf"(?m)^{name} +{finding['answer']} +"
                                   rf"{re.escape(finding['text'])}$")

    def test_the_engine_picks_that_mode(self) -> None:
        mode = check_json()[1]["mode"]
        engine = self.engine("--workers", "2")
        ready = engine.ready
        self.assertEqual(ready["io"], mode["io"])
        self.assertEqual(ready["steering"], mode["steering"])
        self.assertEqual({name for name in ("tso", "uso", "checksum") if ready[name]},
                         set(mode["offloads"]))
        self.assert_stops_well(engine)

    def test_facts_of_the_machine(self) -> None:
        findings = check_json()[1]["check"]
        self.assertIn(Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip(),
                      findings["kernel"]["text"])
        pinned = check_json(program=("taskset", "--cpu-list", "0"))[1]["check"]
        self.assertEqual(pinned["cpus"]["text"], "1: 0")

    def test_ordinary_user(self) -> None:
        self.assert_permitted(NOBODY)
        done = check(program=NOBODY)
        self.assertEqual(done.returncode, 1)
        listed = done.stdout.partition("what is missing, and how to get it:\n")[2]
        self.assertRegex(listed, r"(?m)^  permission: .*CAP_NET_ADMIN.*root.*unshare -Urn")
        code, tree = check_json(program=NOBODY)
        self.assertEqual(code, 1)
        self.assertIn("permission", tree["missing"])
        self.assertEqual(tree["check"]["permission"]["answer"], "no")

    def test_root_without_capabilities(self) -> None:
        without = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
        self.assert_permitted(without)
        code, tree = check_json(program=without)
        self.assertEqual((code, tree["missing"]), (1, ["permission"]))

    def test_user_namespace(self) -> None:
        self.assert_permitted(USER_NAMESPACE)
        code, tree = check_json(program=USER_NAMESPACE)
        self.assertEqual((code, tree["missing"]), (0, []))
        self.assertEqual(tree["mode"]["steering"], "learned")
        self.assertIn("CAP_BPF", tree["check"]["steering"]["text"])
        self.assertEqual(tree["check"]["offload_tso4"]["answer"], "yes")

    def test_network_of_somebody_else(self) -> None:
        capable_elsewhere = ("unshare", "--user", "--map-root-user")
        self.assert_permitted(capable_elsewhere)
        code, tree = check_json(program=capable_elsewhere)
        self.assertEqual((code, tree["missing"]), (1, ["permission"]))
        self.assertIn("another user namespace", tree["check"]["permission"]["text"])

    def test_no_tun_driver(self) -> None:
        hidden = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
                  'mount -t tmpfs none /dev/net && exec "$@"', "sh")
        code, tree = check_json(program=hidden)
        self.assertEqual((code, tree["missing"]), (1, ["tun_driver"]))
        self.assertIn("modprobe tun", tree["check"]["tun_driver"]["text"])
        self.assertEqual(tree["check"]["offload_tso4"]["answer"], "unknown")

    def test_a_full_disk(self) -> None:
        with open("/dev/full", "wb") as full:
            done = subprocess.run([lab.SLUICE, "check"], check=False, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "sluice: cannot write to standard output\n")

    def test_wrong_words(self) -> None:
        for words in (("word",), ("--no-such-flag",)):
            done = check(*words)
            self.assertGreater(done.returncode, 0)
            self.assertEqual(done.stdout, "")
            self.assertIn(words[0], done.stderr)
