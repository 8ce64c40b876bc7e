"""A comparison as a person reads it: a table, then a line for whatever needs words."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.compare.comparison import Compared, Evidence
from bench.report.format import seconds

WIDTH_IN_A_FILE = 100

# For a terminal or a file that cannot show them.
_PLAIN = str.maketrans({"÷": "/", "→": "->", "─": "-"})

_LEGEND = (
    "B ÷ A above 1: B takes longer.  FASTER and SLOWER are wrong in fewer than 1 of 100 "
    "comparisons, all rows together; SAME rules out 5 %.  Intervals: 99.6 % or more."
)

_STYLES = {"SLOWER": "bold red", "FASTER": "bold green", "SAME": "green", "UNCLEAR": "yellow"}


def text(compared: Sequence[Compared], a: str, b: str, *, width: int, colours: bool) -> str:
    """The table with its heading and the lines below it, `width` columns wide.

    a, b: what the two sides are, in words.
    """
    drawn = io.StringIO()
    console = Console(
        file=drawn,
        width=width,
        force_terminal=colours,
        color_system="auto" if colours else None,
        highlight=False,
    )
    console.print(_table(compared))
    console.print(Text(_LEGEND))
    lines = [line.rstrip() for line in drawn.getvalue().splitlines()]
    # What is no table is not folded: one line is to be one, for whoever searches a log for it.
    heading = [f"A: {a}", *_sources(compared, a), f"B: {b}"]
    return "\n".join([*heading, *lines, *notes(compared)]) + "\n"


def showable(text: str, encoding: str) -> str:
    """The text as a terminal or file of this encoding takes it."""
    if "utf" in encoding.lower():
        return text
    return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)


def notes(compared: Sequence[Compared]) -> list[str]:
    """Exactly one line for each row that is slower; one for each reason of the other answers."""
    return [*_without_answer(compared), *slower(compared)]


def slower(compared: Sequence[Compared]) -> list[str]:
    """A line for each row that is slower, and for no other."""
    return [
        f"SLOWER: {row.title}: B takes {_times(row.ratio or 0)} times as long as A, "
        f"{_interval(row)} ({_counts(row)} processes; A: {_source(row)})"
        for row in compared
        if row.word == "SLOWER"
    ]


def _sources(compared: Sequence[Compared], a: str) -> list[str]:
    """Which record each row is held against, where the heading cannot say it."""
    rows: dict[str, list[str]] = {}
    for row in compared:
        if row.a is not None and row.a.source not in a:
            rows.setdefault(row.a.source, []).append(row.title)
    return [f"   {source} ({', '.join(titles)})" for source, titles in rows.items()]


def _without_answer(compared: Sequence[Compared]) -> list[str]:
    rows: dict[tuple[str, str], list[str]] = {}
    for row in compared:
        if row.why is not None:
            rows.setdefault((row.word, row.why), []).append(row.title)
    lines = [f"{word}: {', '.join(titles)}: {why}" for (word, why), titles in rows.items()]
    left_out = [
        f"left out: {row.title}, {side.source}: {side.left_out}"
        for row in compared
        for side in (row.a, row.b)
        if side is not None and side.seconds and side.left_out
    ]
    return [*lines, *left_out]


def _table(compared: Sequence[Compared]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold")
    for heading in ("Workload", "Device", "Mode"):
        grid.add_column(heading, no_wrap=True)
    for heading in ("A: epoch,\nprocesses", "B: epoch,\nprocesses", "B ÷ A", "Interval"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("Answer")
    for row in compared:
        ratio = "" if row.ratio is None else _times(row.ratio)
        word = Text(row.word, _STYLES.get(row.word, "dim"))
        grid.add_row(*row.name, _side(row.a), _side(row.b), ratio, _interval(row), word)
    return grid


def _interval(row: Compared) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{_times(row.low)} to {_times(row.high)}"


def _times(ratio: float) -> str:
    """A ratio: to a thousandth near 1, else with two digits."""
    return f"{ratio:.3f}" if 0.1 < ratio < 10 else f"{ratio:.2g}"


def _side(side: Evidence | None) -> str:
    if side is None or side.median is None:
        return ""
    return f"{seconds(side.median)}, {len(side.seconds)}"


def _counts(row: Compared) -> str:
    a, b = (len(side.seconds) if side else 0 for side in (row.a, row.b))
    return f"{a} and {b}"


def _source(row: Compared) -> str:
    return row.a.source if row.a else "nothing"
