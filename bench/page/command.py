"""`python -m bench page RUN…`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import shown
from bench.report.arguments import Verbs, add_runs, folder_of

if TYPE_CHECKING:
    from bench.report.fleet.reading import Fleet


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "page",
        help="write the HTML page of one run or of several",
        description="A RUN may also be a folder of records, as playbooks/bench.yml writes it.",
    )
    add_runs(parser, nargs="+")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="where it goes (default: beside the first record)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the page and prints where it is.

    Raises:
        GrindstoneError: a record cannot be read, or the page cannot be written.
    """
    from bench.page.write import of_fleet, write
    from bench.report.fleet.reading import read
    from bench.runner.paths import page as named

    fleet = read(options.runs, folder_of(options))
    page = named(options.html) or _beside(Path(options.runs[0]), fleet)
    write(of_fleet(fleet), page)
    print(shown(page) if sys.stdout.isatty() else page)
    return 0


def _beside(first: Path, fleet: Fleet) -> Path:
    """In the folder that is named first, or beside the first record."""
    return first / "fleet.html" if first.is_dir() else fleet.members[0].path.with_suffix(".html")
