"""The end of a run as a person reads it: table, sentence, sources, where the record is."""

from __future__ import annotations

import shutil

import pytest

from bench.report import table, words
from bench.results import Record

# For a terminal or a file that cannot show them.
_PLAIN = str.maketrans({"²": "^2", "×": "x", "÷": "/", "±": "+-", "≥": ">=", "≤": "<=", "─": "-"})


def text(record: Record, reporter: pytest.TerminalReporter) -> str:
    """All of it, as wide as the terminal, or 100 columns in a pipe or a file."""
    terminal = bool(reporter.isatty)
    width = shutil.get_terminal_size().columns if terminal else table.WIDTH_IN_A_FILE
    notes = [
        words.sentence(record.results, record.head),
        "",
        *_no_gpu(record),
        *words.sources(record.results),
        f"record: {record.path}",
    ]
    shown = table.render(record.results, notes, width, colours=terminal and reporter.hasmarkup)
    return shown if _shows_unicode(reporter) else shown.translate(_PLAIN)


def _no_gpu(record: Record) -> list[str]:
    reason = record.head["machine"]["why_no_gpu"]
    return [f"no GPU rows: {reason}"] if reason else []


def _shows_unicode(reporter: pytest.TerminalReporter) -> bool:
    stream = reporter.config.get_terminal_writer()._file
    return "utf" in (getattr(stream, "encoding", None) or "").lower()
