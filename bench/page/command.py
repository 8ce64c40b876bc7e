"""`python -m bench page RUN…`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(verbs: Any) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser("page", help="write the page, with plots, of one run or of several")
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="a record's file, its beginning, last, or -2"
    )
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="where it goes (default: beside the first record)"
    )
    parser.add_argument("--results-dir", metavar="DIR", type=Path, default=Path("results"))
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the page and prints where it is.

    Raises:
        GrindstoneError: a record cannot be read, or the page cannot be written.
    """
    from bench.page.write import write
    from bench.record import codec
    from bench.record.runs import resolve

    paths = resolve(options.runs, options.results_dir.expanduser())
    page = options.html.expanduser() if options.html else paths[0].with_suffix(".html")
    write([(codec.read(path), path) for path in paths], page)
    print(page)
    return 0
