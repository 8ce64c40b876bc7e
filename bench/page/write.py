"""Writes a page: the whole of it, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from bench.errors import GrindstoneError
from bench.page import content
from bench.page.history import Past
from bench.record.model import Record

_FOLDER = Path(__file__).parent


def page(records: Sequence[tuple[Record, Path | None]]) -> str:
    """The page of one run, or of several."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    runs = [content.run(record, path, Past.of_folder(record, path)) for record, path in records]
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(runs=runs, style=style) + "\n"


def write(records: Sequence[tuple[Record, Path | None]], path: Path) -> None:
    """Writes the page of these runs.

    Raises:
        GrindstoneError: it cannot be written; what lay there before is whole.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page(records), encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise GrindstoneError(
            f"the page {path} cannot be written: {error.strerror}; name another file with --html"
        ) from error
