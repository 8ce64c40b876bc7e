"""`python -m bench show RUN`."""

from __future__ import annotations

import argparse
import sys

from bench.report.arguments import Verbs, add_runs, run_of


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser("show", help="print the summary of a run")
    add_runs(parser)
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

    path = run_of(options)
    record, screen = codec.read(path), Screen.of(sys.stdout)
    print(summary.text(record, path, screen, verbose=options.verbose), end="")
    return 0
