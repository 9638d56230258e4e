"""The man page and the completion agree with `sluice --help`."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "tools" / "package"
PAGE = PACKAGE / "sluice.1"
SLUICE = str(Path(os.environ["SLUICE_BUILD"]) / "bin" / "sluice")
COMMANDS = ("run", "perf", "dump", "check", "sim")

ASK = """
source {script}
COMP_WORDS=({words} '{last}') COMP_CWORD={position}
_sluice {program} '{last}' '{previous}'
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def help_of(*command: str) -> str:
    return subprocess.run([SLUICE, *command, "--help"], check=True, capture_output=True,
                          text=True).stdout


def options_of(*command: str) -> set[str]:
    """All names of all options, short ones as well."""
    names = re.findall(r"^  (-[-\w,]+)", help_of(*command), re.M)
    return {name for several in names for name in several.split(",")}


class Command(unittest.TestCase):
    def described(self, section: str) -> set[str]:
        """The options that a section lists."""
        text = PAGE.read_text(encoding="utf-8")
        found = re.search(rf"^\.Sh {section}\n(.*?)^\.Sh ", text, re.M | re.S)
        assert found is not None, section
        items = re.findall(r"^\.It (.*)$", found.group(1), re.M)
        return {f"-{name}" for item in items for name in re.findall(r"\bFl (-?[-\w]+)", item)}

    def test_page_lists_the_options_of_each_command_and_no_other(self) -> None:
        self.assertEqual(self.described("DESCRIPTION"), options_of())
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertGreaterEqual(len(options_of(command)), 3)
                self.assertEqual(self.described(command.upper()), options_of(command))

    def test_page_lists_the_commands(self) -> None:
        listed = re.findall(r"^  ([a-z]+) {2,}", help_of().split("Subcommands:")[1], re.M)
        self.assertEqual(tuple(listed), COMMANDS)
        named = re.findall(r"^\.It Cm (\w+)", PAGE.read_text(encoding="utf-8"), re.M)
        self.assertEqual(tuple(named), COMMANDS)

    def test_page_says_the_defaults(self) -> None:
        text = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
        for name, value in re.findall(r"^  (--[-\w]+) \S+=(\w+)", help_of("run"), re.M):
            with self.subTest(name=name):
                part = text.split(f".It Fl {name[1:]} ", 1)[1].split(".It ")[0]
                self.assertRegex(part, rf"\b{value}\b|io_uring")

    @unittest.skipIf(shutil.which("groff") is None, "groff is not installed")
    def test_page_is_set_without_a_complaint(self) -> None:
        done = subprocess.run(["groff", "-mdoc", "-Tutf8", "-ww", "-z", str(PAGE)], check=True,
                              capture_output=True, text=True)
        self.assertEqual(done.stderr, "")

    def offered(self, *words: str) -> set[str]:
        """What comes behind `sluice WORDS`, the last of which is being typed."""
        script = ASK.format(
            script=PACKAGE / "completion.bash", program=SLUICE, last=words[-1],
            previous=("sluice", *words)[-2], position=len(words),
            words=" ".join(("sluice", *words[:-1])),
        )
        done = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_completion_of_commands_and_options(self) -> None:
        self.assertEqual(self.offered(""), {*COMMANDS, *options_of()})
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertEqual(self.offered(command, ""), options_of(command))
        self.assertEqual(self.offered("ru"), {"run"})
        self.assertEqual(self.offered("run", "--no-t"), {"--no-tso"})
        self.assertEqual(self.offered("run", "--json", "--mis"), {"--misroute"})

    def test_completion_of_values(self) -> None:
        self.assertEqual(self.offered("run", "--io", ""), {"uring", "poll"})
        self.assertEqual(self.offered("run", "--io", "p"), {"poll"})
        self.assertEqual(self.offered("run", "--workers", ""), set())
        self.assertEqual(self.offered("run", "--no-steering", "--wor"), {"--workers"})
        self.assertEqual(self.offered("dump", "-c", ""), set())
        self.assertEqual(self.offered("perf", "-c", ""), set())
        self.assertEqual(self.offered("perf", "--bi"), {"--bidir", "--bind", "--bitrate"})

    def refused(self, *words: str) -> str:
        """What `sluice WORDS` says, in one line, and fails."""
        done = subprocess.run([SLUICE, *words], check=False, capture_output=True, text=True,
                              timeout=20)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        self.assertGreater(done.returncode, 0)
        return done.stderr

    def test_a_mistyped_word_gets_a_near_match(self) -> None:
        for words, meant in ((("perf", "-c", "host", "--bidirr"), "--bidir"),
                             (("perf", "--paralel", "4"), "--parallel"),
                             (("run", "--mttu=9000"), "--mtu"), (("check", "--jsno"), "--json"),
                             (("prf",), "perf"), (("smi",), "sim")):
            with self.subTest(words=words):
                self.assertIn(f"did you mean {meant}?", self.refused(*words))
        self.assertNotIn("did you mean", self.refused("run", "--no-such-flag"))

    def test_every_wrong_option_of_perf_ends_with_1(self) -> None:
        for words in (["--bidirr"], ["-c"], ["-c", "host", "-t", "x"], [], ["-s", "-u"],
                      ["-c", "host", "--io", "magic"], ["-s", "--mtu", "many"]):
            with self.subTest(words=words):
                done = subprocess.run([SLUICE, "perf", *words], check=False, capture_output=True,
                                      text=True, timeout=20)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^sluice: .*\n$")
