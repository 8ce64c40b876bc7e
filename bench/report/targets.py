"""Time to target: a table of its own, a row for each target, and what it says in words."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.report.table import joules, percent, place, seconds, squares, verdict

Entry = Mapping[str, Any]

_LEFT = ("Workload", "Data", "Device", "Target")
_RIGHT = ("Seeds", "Epochs", "Time\nto target")
_ENERGY = "Energy\nto target"
_DATA = 1
_BOUNDLESS = 1000


@dataclass(frozen=True, slots=True)
class _Layout:
    """How wide a table is drawn.

    between: what stands between a median and its range; None leaves the range to the record.
    """

    gap: int
    between: str | None
    data: bool = True


# From roomy to narrow.
_LAYOUTS = (
    _Layout(gap=2, between="  "),
    _Layout(gap=1, between="\n"),
    _Layout(gap=1, between="\n", data=False),
    _Layout(gap=1, between=None, data=False),
)


def table(entries: Sequence[Entry], width: int) -> Table:
    """The entries of trainings to targets, in the order that they were trained."""
    console = Console(width=_BOUNDLESS)
    for layout in _LAYOUTS:
        grid = _table(entries, layout)
        if Measurement.get(console, console.options, grid).maximum <= width:
            break
    return grid


def words(entries: Sequence[Entry]) -> list[str]:
    """What tuning and a GPU are worth to the end, and why an energy is missing, a line each."""
    notes: dict[str, None] = {}
    for entry in entries:
        for target in _targets(entry):
            median = target["median_seconds"]
            for other in _others(entry, entries):
                theirs = _median_of(other, target["target"])
                if median and theirs:
                    notes[
                        f"{entry['workload']} reaches {_shown(entry, target)} on {place(entry)} "
                        f"{theirs / median:.1f} times as fast as on {place(other)}"
                    ] = None
    for entry in entries:
        for why in _whys(entry):
            notes[f"energy of {entry['workload']} on {place(entry)} to its target: n/a: {why}"] = (
                None
            )
    return list(notes)


def _table(entries: Sequence[Entry], layout: _Layout) -> Table:
    grid = Table(
        title="time to target: training alone, after a warm-up on random labels",
        title_justify="left",
        title_style="",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, layout.gap - 1),
        header_style="bold",
    )
    for heading in _LEFT if layout.data else (*_LEFT[:_DATA], *_LEFT[_DATA + 1 :]):
        grid.add_column(heading, no_wrap=True)
    with_energy = any(entry["device"] != "cpu" for entry in entries)  # a CPU's is not measured
    for heading in (*_RIGHT, *([_ENERGY] if with_energy else [])):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("Verdict", no_wrap=True)
    for entry in entries:
        kind = entry["dataset"]["kind"] if entry["dataset"] else ""
        start = (entry["workload"], *([kind] if layout.data else []), place(entry))
        if entry["status"] != "finished":
            grid.add_row(*start, Text("failed: see below", "red"))
        for target in _targets(entry):
            cells = _cells(entry, target, layout.between)
            spent = [_energy(entry, target)] if with_energy else []
            grid.add_row(*start, *cells, *spent, verdict(entry))
    return grid


def _cells(entry: Entry, target: Entry, between: str | None) -> tuple[str | Text, ...]:
    took = [each for each in target["seconds"] if each is not None]
    epochs = [each for each in target["epochs"] if each is not None]
    count = f"{len(took)}/{len(target['seconds'])}"
    every = len(took) == len(target["seconds"])
    shown = (_shown(entry, target), Text(count, "" if every else "red"), _span(epochs))
    if not took:
        return (*shown, "")
    # A median of those alone that came so far would flatter.
    middle = seconds(target["median_seconds"]) if every else "n/a"
    if between is None or len(took) == 1:
        return (*shown, middle)
    return (*shown, f"{middle}{between}{seconds(min(took))} to {seconds(max(took))}")


def _energy(entry: Entry, target: Entry) -> str:
    if entry["device"] == "cpu":
        return ""
    known = [each["value"] for each in target["joules"] if each and each["value"] is not None]
    whole = len(known) == len(target["joules"])
    return joules(statistics.median(known)) if whole else "n/a"


def _span(epochs: Sequence[int]) -> str:
    if not epochs:
        return ""
    least, most = min(epochs), max(epochs)
    return f"{least}" if least == most else f"{least} to {most}"


def _shown(entry: Entry, target: Entry) -> str:
    accuracy = entry["quality"]["metric"] == "accuracy"
    value = target["target"]
    return f"≥ {percent(value)}" if accuracy else f"≤ {squares(value)} s²"


def _targets(entry: Entry) -> Sequence[Entry]:
    return entry["targets"] if entry["status"] == "finished" else ()


def _others(entry: Entry, entries: Sequence[Entry]) -> list[Entry]:
    """Those of the same network that one is to be held against: stock, and the CPU's."""
    stock = {"device": entry["device"], "mode": "stock"}
    cpu = {"device": "cpu", "mode": entry["mode"]}
    return [
        other
        for alike in (stock, cpu)
        for other in entries
        if other is not entry
        and other["status"] == "finished"
        and other["workload"] == entry["workload"]
        and other["side"] == entry["side"]
        and all(other[name] == value for name, value in alike.items())
    ]


def _median_of(entry: Entry, target: float) -> float | None:
    found = [each["median_seconds"] for each in _targets(entry) if each["target"] == target]
    return found[0] if found else None


def _whys(entry: Entry) -> list[str]:
    """Why the energy of a GPU's training is not known; on a CPU nobody expects it."""
    if entry["device"] == "cpu":
        return []
    spent = [each for target in _targets(entry) for each in target["joules"] if each]
    return [each["why"] for each in spent if each["why"]][:1]
