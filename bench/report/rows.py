"""One entry a row, where `--processes` trained each row several times."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.compare.baseline import why_not
from bench.report.words import who

Entry = dict[str, Any]


def one_a_row(entries: Sequence[Entry]) -> list[Entry]:
    """Each row's middle process, and the first that failed, in the order that they were trained.

    The spread of the middle one is that of the processes' medians, in s: it is what another run
    of the same would differ by.  A process that missed its floor stands for its row, whatever its
    time, so that the table shows the miss.
    """
    return [entry for row in _rows(entries) for entry in _of_a_row(row)]


def flagged(entries: Sequence[Entry]) -> list[str]:
    """How many processes of a row have something against them, a line each row of several.

    What stands in the table is one of them, whose verdict need not be theirs.
    """
    lines = []
    for row in _rows(entries):
        words = Counter(why for why in map(why_not, row) if why is not None)
        if len(row) > 1 and words:
            told = ", ".join(f"{count} {word}" for word, count in words.items())
            lines.append(
                f"{who(row[0])}: of {len(row)} processes {told}; comparisons leave them out"
            )
    return lines


def _rows(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries by row; of two sides A comes first, whichever was trained first."""
    rows: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        name = (entry["workload"], entry["device"], entry["mode"], entry.get("side"))
        rows.setdefault(name, []).append(entry)
    places = {name[:3]: place for place, name in reversed(list(enumerate(rows)))}
    return [rows[name] for name in sorted(rows, key=lambda n: (places[n[:3]], n[3] or ""))]


def _of_a_row(row: Sequence[Entry]) -> list[Entry]:
    finished = [entry for entry in row if entry["status"] == "finished"]
    failed = [entry for entry in row if entry["status"] != "finished"]
    if len(finished) > 1:
        finished = [_middle(finished)]
    return [*finished, *failed[:1]]


def _middle(finished: Sequence[Entry]) -> Entry:
    missed = [entry for entry in finished if not entry["quality"]["ok"]]
    ordered = sorted(finished, key=lambda entry: float(entry["epochs"]["median"]))
    middle = missed[0] if missed else ordered[(len(ordered) - 1) // 2]
    medians = [float(entry["epochs"]["median"]) for entry in finished]
    centre = statistics.median(medians)
    spread = statistics.median(abs(median - centre) for median in medians)
    return {**middle, "epochs": {**middle["epochs"], "spread": spread}}
