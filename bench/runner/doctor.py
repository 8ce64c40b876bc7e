"""`python -m bench doctor`: what `./run doctor` does, as the other verbs are called."""

from __future__ import annotations

import argparse
import os
from typing import Any, NoReturn

from bench.errors import GrindstoneError
from bench.invocation import INSTALLED, ROOT

_HELP = "diagnose this machine, or explain an error (--explain FILE)"


def add(verbs: Any) -> None:
    """Adds the verb; its options are read by `./run doctor`."""
    parser = verbs.add_parser("doctor", help=_HELP, prefix_chars="\0", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> NoReturn:
    """Hands over to it: a doctor looks at what the other half has provisioned.

    Raises:
        GrindstoneError: only the benchmark is installed.
    """
    if INSTALLED:
        raise GrindstoneError(
            "the doctor is in Grindstone's checkout, not in its wheel: ./run doctor"
        )
    door = str(ROOT / "run")
    os.execv(door, [door, "doctor", *chosen.words])
