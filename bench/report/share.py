"""`python -m bench share RUN`: a record for other people."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys

from bench.report.arguments import Verbs, add_out, add_runs, run_of, write

_SHARE = """\
Writes the record of a run without the host's name, paths, names of users and of other processes,
UUIDs, serial numbers and addresses.  What was taken out is listed on standard error; models of the
hardware, versions, the kernel's release and all times stay.
"""


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "share",
        help="a record without what tells whose machine it was",
        description=_SHARE,
    )
    add_runs(parser)
    add_out(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
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
