"""The end of a run as a person reads it: table, sentence, sources, where the record is."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from bench.compare.in_run import Made
from bench.record.store import Record
from bench.report import rows, several, table, targets, words

# For a terminal or a file that cannot show them; in a row of the table up to four become two.
_GROWTH = 4
_PLAIN = str.maketrans(
    {"²": "^2", "×": "x", "÷": "/", "°": "", "±": "+-", "≥": ">=", "≤": "<=", "─": "-"}
)


def text(record: Record, reporter: pytest.TerminalReporter) -> str:
    """All of it, as wide as the terminal, or 100 columns in a pipe or a file."""
    terminal = bool(reporter.isatty)
    width = shutil.get_terminal_size().columns if terminal else table.WIDTH_IN_A_FILE
    width -= 0 if "utf" in _encoding(reporter) else _GROWTH
    processes = rows.flagged(record.results)
    record = dataclasses.replace(record, results=rows.one_a_row(record.results))
    why_no_gpu = _why_no_gpu(record)
    every = [*record.results, *record.to_target]
    notes = [
        *words.baselines(record.results),
        *words.inputs(record.results),
        *words.held_back(record.results),
        *words.pauses(record.results),
        *words.failures(every),
        *words.lost(every),
        *words.flagged(every),
        *processes,
        *words.hardware(every),
        *([f"gpu: {why_no_gpu}"] if why_no_gpu else []),
        *words.trained_with(every),
        *words.watching(every),
        *words.sources(every),
        f"record: {record.path if record.written else 'none, it could not be written'}",
    ]
    page = table.Page(width, colours=terminal and reporter.hasmarkup)
    if record.results:
        page.table(record.results, no_gpu=why_no_gpu is not None)
        page.lines([*_in_words(record), ""])
    if record.to_target:
        page.draw(targets.table(record.to_target, width))
        told = targets.words(record.to_target)
        page.lines([*told, ""] if told else [])
    page.lines(notes)
    return _showable(page.text, reporter)


def _in_words(record: Record) -> list[str]:
    return [
        words.sentence(record.results, record.head),
        *words.tuning(record.results),
        *several.scaling(record.results),
        *several.at_once(record.results),
    ]


def comparison(made: Made, reporter: pytest.TerminalReporter) -> str:
    """The comparison that a run ends with, as wide as `text`."""
    terminal = bool(reporter.isatty)
    width = shutil.get_terminal_size().columns if terminal else table.WIDTH_IN_A_FILE
    stream = reporter.config.get_terminal_writer()._file
    encoding = getattr(stream, "encoding", None) or "ascii"
    return made.text(width=width, colours=terminal and reporter.hasmarkup, encoding=encoding)


def _why_no_gpu(record: Record) -> str | None:
    """Why the table has no GPU row, unless nobody asked for one."""
    asked = record.head["settings"]["devices"] is None
    return record.head["machine"]["why_no_gpu"] if asked else None


def _showable(shown: str, reporter: pytest.TerminalReporter) -> str:
    """The text as the terminal or file can take it; pytest would turn it into one long line."""
    encoding = _encoding(reporter)
    if "utf" in encoding:
        return shown
    return shown.translate(_PLAIN).encode(encoding, "replace").decode(encoding)


def _encoding(reporter: pytest.TerminalReporter) -> str:
    stream = reporter.config.get_terminal_writer()._file
    return str(getattr(stream, "encoding", None) or "ascii").lower()
