"""`python -m bench export RUN… --csv|--markdown|--json`."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError, some
from bench.report.arguments import Verbs, add_out, add_runs, runs_of, write

if TYPE_CHECKING:
    from bench.report.export.columns import Cell


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "export",
        help="write one row per training, for pandas, spreadsheets, issues",
        description="Writes one row per training.  The columns are in docs/commands.md.",
    )
    add_runs(parser, nargs="+")
    form = parser.add_mutually_exclusive_group(required=True)
    for name, what in (
        ("csv", "comma-separated values, all columns"),
        ("markdown", "a table for an issue's comment, the most important columns"),
        ("json", "a list of objects, all columns"),
    ):
        form.add_argument(
            f"--{name}", dest="form", action="store_const", const=name, help=f"write {what}"
        )
    parser.add_argument("--columns", metavar="NAME,…", help="these only, in this order")
    add_out(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the rows.

    Raises:
        GrindstoneError: a record cannot be read, a column does not exist, a file is there already.
    """
    from bench.report.export import formats
    from bench.report.export.columns import COLUMNS, SHORT

    usual = SHORT if options.form == "markdown" else [column.name for column in COLUMNS]
    names = usual if options.columns is None else _chosen(options.columns)
    each_once = {path.resolve(): path for path in runs_of(options)}
    rows = flat([*each_once.values()], names)
    make = {"csv": formats.as_csv, "markdown": formats.as_markdown, "json": formats.as_json}
    write(make[options.form](names, rows), options.out)
    return 0


def flat(paths: Sequence[Path], names: Sequence[str]) -> list[dict[str, Cell]]:
    """The rows of some records with the columns of these names.

    Raises:
        RecordError: a record cannot be read.
    """
    from bench.record import codec
    from bench.report.export.columns import COLUMNS
    from bench.report.export.trained import trainings

    values = {column.name: column.value for column in COLUMNS if column.name in names}
    return [
        {name: values[name](trained) for name in names}
        for path in paths
        for trained in trainings(path, codec.read(path))
    ]


def _chosen(columns: str) -> list[str]:
    from bench.report.export.columns import COLUMNS

    names = list(dict.fromkeys(name.strip() for name in columns.split(",")))
    there_is = [column.name for column in COLUMNS]
    for name in names:
        if name not in there_is:
            near = difflib.get_close_matches(name, there_is, 5, cutoff=0.4) or there_is
            told = f"there is {some(near, 5)}; without --columns all {len(there_is)} are written"
            raise GrindstoneError(f"--columns: no column {name!r}; {told}")
    return names
