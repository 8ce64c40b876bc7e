"""`python -m bench merge RUN… --out FILE`: several runs of one machine as one record."""

from __future__ import annotations

import argparse

from bench.errors import GrindstoneError
from bench.report.arguments import Verbs, add_out, add_runs, runs_of, write

_MERGE = """\
Writes one record of several runs: the repeats of one are counted on from those of another, so that
a row that was trained in all of them has more, and rows of an interrupted run join the rest.  The
runs must be of one machine, one Grindstone and the same settings but for what was trained.  Each
counts as a check where the merged record is judged, which asks for more evidence (docs/compare.md).
"""


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "merge", help="one record of several runs of one machine", description=_MERGE
    )
    add_runs(parser, nargs="+")
    add_out(parser, required=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the record.

    Raises:
        GrindstoneError: a record cannot be read, they do not belong together, or the file cannot
            be written.
    """
    from bench.record import codec
    from bench.record.merged import merged

    paths = runs_of(options)
    if len(paths) < 2:
        raise GrindstoneError("merge takes two runs or more; name another one")
    record = merged([(path, codec.read(path)) for path in paths])
    write(codec.encode(record).decode(), options.out)
    return 0
