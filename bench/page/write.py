"""Makes a page and writes it: the whole of it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.datasets import cache
from bench.errors import GrindstoneError, why
from bench.page import content
from bench.page.history import Past
from bench.record.model import Record
from bench.report.fleet import sheet
from bench.report.fleet.reading import Fleet

_FOLDER = Path(__file__).parent
# The plots of more runs than these are a page of megabytes; each run has a page of its own.
_MOST_DRAWN = 4


def page(records: Sequence[tuple[Record, Path | None]], fleet: Fleet | None = None) -> str:
    """The page of one run, or of several.

    fleet: what several are of, with those hosts that have no record: it has a table, on top.
    """
    drawn = len(records) <= _MOST_DRAWN
    hosts = [each.name for each in fleet.members] if fleet else [None] * len(records)
    runs = [
        content.run(record, path, _past(record, path, drawn), host=host, drawn=drawn)
        for (record, path), host in zip(records, hosts, strict=True)
    ]
    return rendered(runs, sheet.of(fleet) if fleet else None, drawn=drawn)


def rendered(
    runs: Sequence[content.Run], table: sheet.Sheet | None = None, *, drawn: bool = True
) -> str:
    """The page of what need not be a record.  table: of a fleet; drawn: whether there are plots."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    template = environment.get_template("page.html.j2")
    return template.render(runs=runs, style=style, fleet=table, drawn=drawn) + "\n"


def _past(record: Record, path: Path | None, drawn: bool) -> Past:
    """Reading the records beside each of many would grow with their square."""
    return Past.of_folder(record, path) if drawn else Past(record)


def of_fleet(fleet: Fleet) -> str:
    """The page of a fleet, or of the one run that it is."""
    records = [(each.record, each.path) for each in fleet.members]
    alone = len(records) == 1 and not fleet.missing
    return page(records, None if alone else fleet)


def write(text: str, path: Path) -> None:
    """Writes a page.

    Raises:
        GrindstoneError: it cannot be written; what lay there before is whole.
    """
    try:
        with cache.whole(path) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise GrindstoneError(
            f"the page {path} cannot be written: {why(error)}; name another file with --html"
        ) from error
