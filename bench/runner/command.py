"""`python -m bench run FILE`: benchmarks a model of one's own, as `pytest bench/` does."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_BENCH = Path(__file__).resolve().parents[1]


def add(verbs: Any) -> None:
    """Adds the verb `run`."""
    parser = verbs.add_parser(
        "run",
        help="benchmark a model of your own",
        usage="python -m bench run FILE [FILE ...] [options of pytest bench/]",
    )
    parser.add_argument("file", metavar="FILE", help="it has model() and data()")
    parser.add_argument(
        "options", nargs=argparse.REMAINDER, metavar="...", help="those of `pytest bench/`"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Trains; pytest's exit status."""
    import pytest

    return int(pytest.main(arguments(options.file, options.options)))


def arguments(file: str, rest: Sequence[str]) -> list[str]:
    """Those of `pytest`: what stands before the first option is files."""
    more = list(itertools.takewhile(lambda word: not word.startswith("-"), rest))
    named = [f"--workload={each}" for each in (file, *more)]
    return [str(_BENCH), *named, *rest[len(more) :]]
