"""`python -m bench fleet RUN…`: many hosts in one table, the odd one out marked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.report.arguments import Verbs, add_runs, folder_of

if TYPE_CHECKING:
    from rich.table import Table

    from bench.report.fleet.sheet import Sheet
    from bench.report.format import Screen


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "fleet",
        help="print many hosts as one table, the odd one out marked",
        description="A RUN may also be a folder of records, as playbooks/bench.yml writes it.",
    )
    add_runs(parser, nargs="+")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the table; the exit status is 0 whatever the runs' was.

    Raises:
        GrindstoneError: a record cannot be read.
    """
    from bench.report.fleet import reading, sheet
    from bench.report.format import Screen

    screen = Screen.of(sys.stdout)
    print(text(sheet.of(reading.read(options.runs, folder_of(options))), screen), end="")
    return 0


def text(sheet: Sheet, screen: Screen) -> str:
    """The headline, the table and the notes."""
    return screen.draw(sheet.headline, *_tables(sheet, screen), *sheet.notes)


def _tables(sheet: Sheet, screen: Screen) -> Iterator[Table]:
    """One, or several with a part of the columns each, where all have no room."""
    layouts = (
        *((3, True, " ", " "), (2, True, " ", " "), (2, True, "\n", " ")),
        *((1, False, "\n", " "), (1, False, "\n", "\n")),
    )
    table = screen.first_fitting(_table(sheet, *layout) for layout in layouts)
    half = len(sheet.workloads) // 2
    if half and not screen.has_room(table):
        for part in (sheet.workloads[:half], sheet.workloads[half:]):
            yield from _tables(replace(sheet, workloads=part), screen)
    else:
        yield table


def _table(sheet: Sheet, gap: int, models: bool, between: str, before_mark: str) -> Table:
    """A layout.

    models: whether devices have their models' names; between: epoch and verdict; before_mark: what
    stands between these and by how much it is slower, and in a heading behind the workload.
    """
    from rich.text import Text

    from bench.report.table import colour, grid

    table = grid(gap, (each.replace(": ", f":{before_mark}") for each in sheet.headings))
    for line in sheet.lines:
        made = [Text(line.host), Text(f"{line.device} {line.name if models else ''}".rstrip())]
        made += [Text(line.way)] if sheet.several_ways else []
        for workload in sheet.workloads:
            cell = line.cells.get(workload)
            style = "" if cell is None else "yellow" if cell.mark else colour(cell.word)
            made.append(Text(cell.told(between, before_mark) if cell else "", style))
        table.add_row(*made)
    return table
