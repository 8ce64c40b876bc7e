"""Flat rows as CSV, Markdown or JSON; what is in them may be anybody's text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bench.report.export.columns import Cell

Row: TypeAlias = Mapping[str, Cell]

# A cell that begins so is a formula, or the next cell, to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DIGITS = 6


def as_csv(names: Sequence[str], rows: Sequence[Row]) -> str:
    """Comma-separated with a header; True and False as pandas reads them, nothing for None."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_csv_cell(row[name]) for name in names] for row in rows)
    return written.getvalue()


def as_json(names: Sequence[str], rows: Sequence[Row]) -> str:
    """A list of objects, as `pandas.read_json` takes it."""
    return json.dumps([{name: row[name] for name in names} for row in rows], indent=2) + "\n"


def as_markdown(names: Sequence[str], rows: Sequence[Row]) -> str:
    """A table for an issue; columns without a value are left out, and numbers are rounded."""
    filled = [name for name in names if any(row[name] is not None for row in rows)]
    lines = [
        filled,
        ["---:" if _is_number(name, rows) else "---" for name in filled],
        *([_markdown_cell(row[name]) for name in filled] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _csv_cell(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    line = " ".join(cell.split()) if not cell.isprintable() else cell
    return f"'{line}" if line.startswith(_FORMULA) else line


def _is_number(name: str, rows: Sequence[Row]) -> bool:
    cells = [row[name] for row in rows if row[name] is not None]
    return all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in cells)


def _markdown_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.{_DIGITS}g}"
    return str(cell) if isinstance(cell, int) else _code(cell)


def _code(text: str) -> str:
    """As code, where it might be more than words: no markup, no link, no mention of a person."""
    line = " ".join(text.split())
    if all(each.isalnum() or each in " .,:%()" for each in line):
        return line
    return "`" + line.replace("`", "'").replace("\\", "\\\\").replace("|", "\\|") + "`"
