"""`python -m bench compare A B` and `python -m bench compare-envs PYTHON_A PYTHON_B`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError, shown
from bench.invocation import COMMAND
from bench.report.arguments import RUN, Verbs, add_results_dir, folder_of

if TYPE_CHECKING:
    from bench.compare.compare import Compared
    from bench.record.comparable import Rows

_COMPARE = """\
Compares two records row by row: what B's trainings take against A's.

A and B are runs: a file, the beginning of its name, `last`, `-2`, `best:ROW`.  As A, `last` is for
each row the newest record before B in --results-dir that is comparable and counts, and `best` the
fastest such record.  With A alone, a record of compare-envs, its two sides are compared.

Runs of two machines are put side by side, `informative only`: no row is SLOWER or FASTER.

Exit status: 1 when a row is SLOWER, 2 when no row has an answer, else 0 (docs/exit-codes.md).
"""
_ENVIRONMENTS = """\
Trains every row with both interpreters, in turn, until it is clear whether B is slower: after
12 repeats a side, and 24, 48 and 96 of the rows that are not clear by then.

Exit status: 1 when a row is SLOWER, 2 when no row has an answer, else 0 (docs/exit-codes.md).
"""


def add(verbs: Verbs) -> None:
    """Adds the verbs to `python -m bench`."""
    parser = verbs.add_parser(
        "compare",
        help="are the trainings of one record slower than those of another?",
        description=_COMPARE,
    )
    parser.add_argument("a", metavar="A", help=RUN)
    parser.add_argument("b", metavar="B", nargs="?", help="the run in question")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_results_dir(parser)
    parser.set_defaults(run=compare_records)
    parser = verbs.add_parser(
        "compare-envs",
        help="does one environment train slower than another?",
        description=_ENVIRONMENTS,
    )
    from bench.options import add_to_verb

    parser.add_argument("a", metavar="PYTHON_A", type=Path, help="an interpreter that can train")
    parser.add_argument("b", metavar="PYTHON_B", type=Path, help="the interpreter in question")
    parser.add_argument("-k", dest="only", metavar="NAME", help="train this workload only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_to_verb(parser, ("--worker-python", "--worker-image", "--against"))
    parser.set_defaults(run=compare_environments)


def compare_records(options: argparse.Namespace) -> int:
    """Compares, prints, and returns the exit status.

    Raises:
        GrindstoneError: a record cannot be read, or is not one to compare with.
    """
    from bench.compare import compare, match
    from bench.record import comparable
    from bench.record.repeats import SIDES
    from bench.record.runs import resolve

    folder = folder_of(options)
    if options.b is None:
        (path,) = resolve([options.a], folder)
        record = comparable.read(path)
        if not record.two_sided:
            raise GrindstoneError(
                f"{path} has one environment: name a second run to compare it with, as in "
                f"{COMMAND} compare last {path}"
            )
        a, b = (_environment(record, side) for side in SIDES)
        return _shown(compare.between_sides(record), a, b, options)
    now = comparable.read(*resolve([options.b], folder))
    against = options.a
    if against not in ("last", "best"):  # which are of each row, here
        (before,) = resolve([against], folder)
        if before.exists() and now.path.exists() and before.samefile(now.path):
            raise GrindstoneError(f"A and B are the same run, {shown(before)}; name two")
        against = str(before)
    choose, skipped = match.baseline(against, folder, now)
    for line in skipped:
        print(f"bench: skipped: {shown(line)}", file=sys.stderr)
    a = match.in_words(against, folder)
    return _shown(compare.with_baseline(now, choose), a, str(now.path), options)


def compare_environments(options: argparse.Namespace) -> int:
    """Trains with both interpreters until it is clear, prints, and returns the exit status.

    Raises:
        GrindstoneError: an option or an interpreter is wrong, or nothing can be recorded.
    """
    from bench.compare.until_clear import ComparisonRequest, compared, train_until_clear
    from bench.observe import devices
    from bench.options import read_settings
    from bench.record.comparable import Rows
    from bench.record.repeats import SIDES
    from bench.report import progress
    from bench.runner.row import rows
    from bench.runner.session import Session

    found = devices.find()
    settings = read_settings(options, found, environments=(options.a, options.b))
    settings.check_workers()
    chosen = [row for row in rows(settings) if options.only in (None, row.workload.name)]
    if not chosen:
        names = ", ".join(dict.fromkeys(row.workload.name for row in rows(settings)))
        raise GrindstoneError(f"-k {options.only}: no such workload; there are {names}")
    request = ComparisonRequest("side A", "side B")
    with Session(settings, found, listener=progress.on_stream(sys.stderr)) as session:
        session.check_data(chosen)
        recorded = Rows(session.record.path, session.record.record)
        train_until_clear(chosen, session.train, request, settings, recorded)
    a, b = (_environment(recorded, side) for side in SIDES)
    status = _shown(compared(request, recorded).rows, a, b, options)
    if not options.json:
        print(f"Record: {shown(session.record.path)}")
    return status


def to_json(compared: Sequence[Compared], a: str, b: str) -> str:
    """The comparison for a machine."""
    from bench.compare import stats

    return json.dumps(
        {
            "schema": 1,
            "a": a,
            "b": b,
            "false_alarms": stats.FALSE_ALARMS,
            "least_effect": stats.LEAST_EFFECT,
            "notable_effect": stats.NOTABLE_EFFECT,
            "rows": [row.to_json() for row in compared],
        },
        indent=2,
    )


def _environment(record: Rows, side: str) -> str:
    """`side B of results/x.json, /opt/b/bin/python (TensorFlow 2.21.0, Keras 3.15.1)`."""
    settings = record.head.settings
    python = settings.second_worker if side == "B" else settings.worker_python
    for row in record.sides.get(side, {}).values():  # type: ignore[call-overload]
        if row.key is not None:
            title = row.key["backend"]
            python = f"{python} ({title} {row.key[title]}, Keras {row.key['Keras']})"
            break
    return f"side {side} of {record.path}, {python}"


def _shown(compared: Sequence[Compared], a: str, b: str, options: argparse.Namespace) -> int:
    from bench.compare import compare, table
    from bench.report.format import Screen

    if options.json:
        print(to_json(compared, a, b))
    else:
        print(table.text(compared, a, b, Screen.of(sys.stdout)), end="")
    return compare.exit_status(compared)
