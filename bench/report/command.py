"""`python -m bench show RECORD`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser("show", help="print the summary of a record")
    parser.add_argument("record", metavar="RECORD", type=Path, help="as `pytest bench/` leaves it")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell what explains it, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the summary; the exit status is 0 whatever the run's was.

    Raises:
        GrindstoneError: the record cannot be read.
    """
    from bench.record import codec
    from bench.report import summary
    from bench.report.format import Screen

    record, screen = codec.read(options.record), Screen.of(sys.stdout)
    print(summary.text(record, options.record, screen, verbose=options.verbose), end="")
    return 0
