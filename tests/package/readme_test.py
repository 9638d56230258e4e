"""The README's section on embedding, as printed: its files are those of the tree, its commands run
in their order, in a network namespace of their own."""

import os
import re
import subprocess
import sys
import unittest

from installed import BUILD, ROOT, InstalledTest
import lab

EXAMPLES = ROOT / "tools" / "examples"
UNTIL_IT_ANSWERS = ("until ip netns exec x ping -c 1 -W 1 10.0.5.101; do sleep 0.1; done"
                    " >/dev/null 2>&1")


def section() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("\n## Embedding\n", 1)[1].split("\n## ", 1)[0]


def printed_files() -> dict[str, str]:
    """Each fenced block, by the file that the text before it names last."""
    files = {}
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", section(), re.M | re.S):
        before = section()[: match.start()]
        name = re.findall(rf"\[([\w.]+\.{match.group(1)})\]\(", before)[-1]
        files[name] = match.group(2)
    return files


def printed_commands() -> list[str]:
    without_files = re.sub(r"^```.*?^```$", "", section(), flags=re.M | re.S)
    return re.findall(r"^    (\S.*)$", without_files, re.M)


class Readme(InstalledTest):
    def setUp(self) -> None:
        super().setUp()
        self.namespace = lab.namespace_command()
        if not self.namespace or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            self.skipTest("no network namespace of our own, or no /dev/net/tun")

    def test_files_are_those_of_the_tree(self) -> None:
        self.assertEqual(set(printed_files()), {"two_stacks.c", "coroutine_echo.cpp"})
        for name, text in printed_files().items():
            self.assertEqual(text, (EXAMPLES / name).read_text(encoding="utf-8"), name)

    def test_commands_run(self) -> None:
        for name, text in printed_files().items():
            self.write(name, text)
        (self.folder / "build").mkdir()
        (self.folder / "build" / "release").symlink_to(BUILD)
        lines = ["set -eu", "trap 'kill $(jobs -p)' EXIT"]
        for line in printed_commands():
            lines.append(line)
            if line.endswith("&"):
                lines.append(UNTIL_IT_ANSWERS)  # a person waits, too
        self.write("commands.sh", "\n".join(lines) + "\n")
        inside = ("import lab, subprocess, sys; lab.settle_in();"
                  "sys.exit(subprocess.run(['bash', 'commands.sh']).returncode)")
        home = {"HOME": str(self.folder), "PYTHONPATH": str(ROOT / "tests" / "e2e")}
        done = subprocess.run(
            [*self.namespace, sys.executable, "-B", "-c", inside], cwd=self.folder, check=False,
            env={**os.environ, **home}, capture_output=True, text=True, timeout=240,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("\nhello, stack\n", done.stdout)
        self.assertRegex(done.stdout, r"\nhello\n$")
        self.assertEqual(len(list(self.folder.glob("sluice_*.deb"))), 1)
