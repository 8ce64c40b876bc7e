"""`python -m bench show RUN`, `share RUN` and `merge RUN…`: a record told, and made others of."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys

from bench.errors import GrindstoneError
from bench.report.arguments import Verbs, add_out, add_runs, run_of, runs_of, write

_SHARE = """\
Writes the record of a run without the host's name, paths, names of users and of other processes,
UUIDs, serial numbers and addresses.  What was taken out is listed on standard error; models of the
hardware, versions, the kernel's release and all times stay.
"""
_MERGE = """\
Writes one record of several runs: a row has the repeats of all of them, and rows of an interrupted
run join the rest.  The runs must be of one machine, one version of Grindstone and the same settings
but for what was trained.  Each counts as an interim check, so that comparing the merged record asks
for more evidence (docs/compare.md).
"""


def add(verbs: Verbs) -> None:
    """Adds the verbs to `python -m bench`."""
    parser = verbs.add_parser("show", help="print the summary of a run")
    add_runs(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="explain it, too")
    parser.set_defaults(run=show)
    parser = verbs.add_parser(
        "share", help="write a record without what identifies the machine", description=_SHARE
    )
    add_runs(parser)
    add_out(parser)
    parser.set_defaults(run=share)
    parser = verbs.add_parser(
        "merge", help="write one record of several runs of one machine", description=_MERGE
    )
    add_runs(parser, nargs="+")
    add_out(parser, required=True)
    parser.set_defaults(run=merge)


def show(options: argparse.Namespace) -> int:
    """Prints the summary; the exit status is 0 whatever the run's was.

    Raises:
        GrindstoneError: the record cannot be read.
    """
    from bench.record import codec
    from bench.report import summary
    from bench.report.format import Screen
    from bench.runner import remaining

    path = run_of(options)
    record, screen = codec.read(path), Screen.of(sys.stdout)
    for line in remaining.unfinished(path, record):
        print(screen.plain(line))
    print(summary.text(record, path, screen, verbose=options.verbose), end="")
    return 0


def share(options: argparse.Namespace) -> int:
    """Writes the record, and what was taken out of it.

    Raises:
        GrindstoneError: the record cannot be read, or the file not be written.
    """
    from bench.record import codec
    from bench.record.shared import shared

    users = []
    with contextlib.suppress(OSError, KeyError, ImportError):  # an account without a name
        users.append(getpass.getuser())
    record, taken = shared(codec.read(run_of(options)), users)
    write(codec.encode(record).decode(), options.out)
    for line in taken or ["nothing"]:
        print(f"taken out: {line}", file=sys.stderr)
    return 0


def merge(options: argparse.Namespace) -> int:
    """Writes the record of several runs.

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
