"""`python -m bench run [FILE…]`: what `pytest bench/` does, from any folder."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import options
from bench.invocation import COMMAND, INSTALLED

_BENCH = Path(__file__).resolve().parents[1]
_USAGE = f"{COMMAND} run [FILE ...] [options]"
_HELP = "benchmark this machine, or a model of your own"
_MORE = """\
FILE is a model of your own, with model() and data().  Without one Grindstone's workloads are
trained; -k mlp chooses one.  pytest's options are taken, too: run -k mlp --help lists all."""


def add(verbs: Any) -> None:
    """Adds the verb `run`."""
    # No option is this parser's: pytest reads them.
    parser = verbs.add_parser("run", help=_HELP, prefix_chars="\0", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.set_defaults(run=run, completed=options_parser)


def options_parser() -> argparse.ArgumentParser:
    """The options as a person reads and completes them."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} run",
        usage=_USAGE,
        description=f"{_HELP[0].upper()}{_HELP[1:]}.",
        epilog=_MORE,
    )
    options.add_options(parser.add_argument)
    return parser


def run(chosen: argparse.Namespace) -> int:
    """Trains; pytest's exit status."""
    if chosen.words in (["-h"], ["--help"]):
        options_parser().print_help()
        return 0
    import pytest

    return int(pytest.main(arguments(chosen.words), plugins=[_InOneLine()]))


class _InOneLine:
    """So before `conftest.py`, which has it too, is read."""

    def pytest_addoption(self, parser: Any) -> None:
        """Has what is wrong with an option told in one line."""
        from bench.runner import plugins

        plugins.usage_in_one_line(parser)


def arguments(words: Sequence[str]) -> list[str]:
    """Those of `pytest`: what stands before the first option is files."""
    files = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    named = [f"--workload={each}" for each in files]
    # The settings of `run` itself, and not of a project in whose folder the environment is.
    settings = ["-c", str(_BENCH / "installed.ini")] if INSTALLED else []
    return [*settings, str(_BENCH), *named, *words[len(files) :]]
