"""A comparison as a person reads it: the answer, a table, then a line for whatever needs words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from bench.compare.compare import Compared, Evidence, Word
from bench.errors import counted, shown
from bench.record.comparable import Figure
from bench.report import table
from bench.report.format import Screen, seconds

_RATIO = "B ÷ A above 1: B takes longer."
_ANSWERS = (
    "  FASTER and SLOWER are wrong in fewer than 1 of 100 comparisons, all rows together; SAME "
    "rules out 5 %.  Intervals: 99.6 % or more."
)

_TIME_OF: Mapping[Figure, str] = {"epoch": "epoch", "latency": "answer", "throughput": "batch"}
_STYLES = {"SLOWER": "bold red", "FASTER": "bold green", "SAME": "green", "UNCLEAR": "yellow"}


def text(compared: Sequence[Compared], a: str, b: str, screen: Screen) -> str:
    """The answer, what the sides are, the table and the lines below it.

    a, b: what the two sides are, in words.
    """
    # Only the table is folded: one line is to be one, for whoever searches a log for it.
    sources = map(shown, _sources(compared, a))
    heading = "\n".join([verdict(compared), f"A: {shown(a)}", *sources, f"B: {shown(b)}", ""])
    below = "".join(f"{line}\n" for line in notes(compared))
    drawn = screen.first_fitting(_table(compared, gap) for gap in (2, 1))
    return screen.plain(heading) + screen.draw(drawn, *_legend(compared)) + screen.plain(below)


def verdict(compared: Sequence[Compared]) -> str:
    """`SLOWER: 1 of 5 rows (3 SAME, 1 UNCLEAR)`, `SAME: all 5 rows`."""
    if not compared:
        return "nothing was compared: B has no row"
    order: tuple[Word, ...] = (
        *("SLOWER", "FASTER", "UNCLEAR", "not comparable", "informative only", "SAME"),
    )
    counts = Counter(row.word for row in compared)
    (first, *rest) = [(word, counts[word]) for word in order if word in counts]
    rows = counted(len(compared), "row")
    if not rest:
        return f"{first[0]}: all {rows}" if len(compared) > 1 else f"{first[0]}: {rows}"
    others = ", ".join(f"{count} {word}" for word, count in rest)
    return f"{first[0]}: {first[1]} of {rows} ({others})"


def notes(compared: Sequence[Compared]) -> list[str]:
    """Exactly one line for each row that is slower; one for each reason of the other answers."""
    return [
        *_without_answer(compared),
        *(
            f"SLOWER: {row.title}: B takes {_times(row.ratio or 0)} times as long as A, "
            f"{_interval(row)} ({_counts(row)} repeats; A: {row.a.source if row.a else 'nothing'})"
            for row in compared
            if row.word == "SLOWER"
        ),
    ]


def _legend(compared: Sequence[Compared]) -> list[Text]:
    """Of the columns in which something stands."""
    if all(row.ratio is None for row in compared):
        return []
    return [Text(_RATIO + (_ANSWERS if any(row.low is not None for row in compared) else ""))]


def _sources(compared: Sequence[Compared], a: str) -> list[str]:
    """Which record each row is compared with, where the heading cannot say it."""
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
    excluded = [
        f"excluded: {row.title}, {side.source}: {side.excluded}"
        for row in compared
        for side in (row.a, row.b)
        if side is not None and side.seconds and side.excluded
    ]
    return [*lines, *excluded]


def _table(compared: Sequence[Compared], gap: int) -> Table:
    several = any(row.name.figure != "epoch" for row in compared)
    of, time = (("Time\nof",), "time") if several else ((), "epoch")
    right = (f"A: {time},\nrepeats", f"B: {time},\nrepeats", "B ÷ A", "Interval")
    grid = table.grid(gap, ("Workload", "Device", "Mode", *of, *right), right)
    grid.add_column("Answer")
    for row in compared:
        figure = (_TIME_OF[row.name.figure],) if several else ()
        ratio = "" if row.ratio is None else _times(row.ratio)
        word = Text(row.word, _STYLES.get(row.word, "dim"))
        left = (row.name.workload, row.name.device.id, str(row.name.way), *figure)
        grid.add_row(*left, _side(row.a), _side(row.b), ratio, _interval(row), word)
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
