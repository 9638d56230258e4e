"""Options of the benchmarks, and what they may be."""

import argparse
from typing import NoReturn

import place


class Parser(argparse.ArgumentParser):
    """Named after the folder that is run; says what is wrong in one line."""

    def __init__(self, **options) -> None:
        super().__init__(prog=place.NAME, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def number(kind: type, least: float, most: float):
    def parse(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}': give {least} to {most}")
        return value

    return parse


def choice(names: list[str], prefixes: bool):
    """Words separated by commas: each a name or, with `prefixes`, how some names begin."""

    def parse(text: str) -> list[str]:
        chosen = []
        for word in text.split(","):
            found = [name for name in names if name == word]
            if prefixes and word and not found:
                found = [name for name in names if name.startswith(word)]
            if not found:
                raise argparse.ArgumentTypeError(f"no '{word}': give of {', '.join(names)}")
            chosen += found
        return [name for name in names if name in chosen]

    return parse
