"""The end of a run as a person reads it: table, sentence, sources, where the record is."""

from __future__ import annotations

import shutil

import pytest

from bench.report import several, table, words
from bench.results import Record

# For a terminal or a file that cannot show them.
_PLAIN = str.maketrans({"²": "^2", "×": "x", "÷": "/", "±": "+-", "≥": ">=", "≤": "<=", "─": "-"})


def text(record: Record, reporter: pytest.TerminalReporter) -> str:
    """All of it, as wide as the terminal, or 100 columns in a pipe or a file."""
    terminal = bool(reporter.isatty)
    width = shutil.get_terminal_size().columns if terminal else table.WIDTH_IN_A_FILE
    why_no_gpu = _why_no_gpu(record)
    notes = [
        words.sentence(record.results, record.head),
        *words.tuning(record.results),
        *several.scaling(record.results),
        *several.at_once(record.results),
        "",
        *words.inputs(record.results),
        *words.held_back(record.results),
        *words.failures(record.results),
        *([f"gpu: {why_no_gpu}"] if why_no_gpu else []),
        *words.trained_with(record.results),
        *words.sources(record.results),
        f"record: {record.path if record.written else 'none, it could not be written'}",
    ]
    colours = terminal and reporter.hasmarkup
    no_gpu = why_no_gpu is not None
    shown = table.render(record.results, notes, width, no_gpu=no_gpu, colours=colours)
    return _showable(shown, reporter)


def _why_no_gpu(record: Record) -> str | None:
    """Why the table has no GPU row, unless nobody asked for one."""
    asked = record.head["settings"]["devices"] is None
    return record.head["machine"]["why_no_gpu"] if asked else None


def _showable(shown: str, reporter: pytest.TerminalReporter) -> str:
    """The text as the terminal or file can take it; pytest would turn it into one long line."""
    stream = reporter.config.get_terminal_writer()._file
    encoding = getattr(stream, "encoding", None) or "ascii"
    if "utf" in encoding.lower():
        return shown
    return shown.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
