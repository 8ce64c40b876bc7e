"""The table: one row a training, from the record's entries alone."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

Entry = Mapping[str, Any]

WIDTH_IN_A_FILE = 100


def render(
    entries: Sequence[Entry], notes: Sequence[str], width: int, *, no_gpu: bool, colours: bool
) -> str:
    """The table and the lines below it, `width` columns wide.

    no_gpu: a row says that there is none; the notes say why.
    """
    drawn = io.StringIO()  # not standard output, whose encoding would have rich draw another table
    colour_system: Literal["auto"] | None = "auto" if colours else None
    console = Console(file=drawn, width=width, force_terminal=colours, color_system=colour_system)
    console.print(table(entries, no_gpu=no_gpu))
    for note in notes:
        console.print(Text(note))
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()) + "\n"


def table(entries: Sequence[Entry], *, no_gpu: bool = False) -> RenderableType:
    """The entries as rows, grouped by workload in the order they were trained."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold")
    for heading in ("Workload", "Data", "Device"):
        grid.add_column(heading, no_wrap=True)
    for heading in ("First\nepoch", "Steady epoch\nmedian ± spread", "Images/s", "CPU ÷\nGPU"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("Quality and its floor")
    for entry in entries:
        grid.add_row(*_row(entry, entries))
    if no_gpu:
        grid.add_section()
        grid.add_row("", "", "gpu", "", "", "", "", Text("none here: see below", "dim"))
    return grid


def speed_up(entry: Entry, entries: Sequence[Entry]) -> float | None:
    """How many times as fast as the CPU a GPU trained the same; None where not both did."""
    if entry["device"] == "cpu" or not _finished(entry):
        return None
    for other in entries:
        same = other["workload"] == entry["workload"] and other["mode"] == entry["mode"]
        if same and other["device"] == "cpu" and _finished(other):
            return float(other["epochs"]["median"] / entry["epochs"]["median"])
    return None


def _row(entry: Entry, entries: Sequence[Entry]) -> list[RenderableType]:
    dataset = entry["dataset"]
    start = [entry["workload"], dataset["kind"] if dataset else "", _place(entry)]
    if not _finished(entry):
        return [*start, "", "", "", "", Text("failed: see below", "red")]
    epochs = entry["epochs"]
    ratio = speed_up(entry, entries)
    return [
        *start,
        seconds(epochs["first"]),
        f"{seconds(epochs['median'])} ± {100 * epochs['spread'] / epochs['median']:.0f} %",
        f"{entry['images_per_second']:,.0f}",
        f"{ratio:.1f}×" if ratio else "",
        _quality(entry),
    ]


def _place(entry: Entry) -> str:
    """The device, and the mode where it is not stock."""
    return str(
        entry["device"] if entry["mode"] == "stock" else f"{entry['device']} {entry['mode']}"
    )


def seconds(value: float) -> str:
    """A time with three significant digits: `83.2 ms`, `1.31 s`, `127 s`."""
    if value < 0.9995:  # from there on it would round to 1000 ms
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 999.5 else f"{value:,.0f} s"


def _quality(entry: Entry) -> Text:
    quality = entry["quality"]
    style = "" if quality["ok"] else "red"
    if quality["metric"] == "accuracy":
        held = "≥" if quality["ok"] else "misses"
        shown = Text(f"{_percent(quality['value'])}  {held} {_percent(quality['floor'])}", style)
    else:
        held = "≤" if quality["ok"] else "misses"
        shown = Text(f"{_squares(quality['value'])}  {held} {squares(quality['floor'])}", style)
        baselines = entry["dataset"]["baselines"]
        shown.append(
            f"\nmean predictor {baselines['mean_predictor_mse']:.1f},"
            f"\nbest possible {baselines['best_possible_mse']:.1f}",
            style="dim",
        )
    return shown


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.2f} %"


def _squares(value: float | None) -> str:
    return "n/a" if value is None else f"{squares(value)} s²"


def squares(value: float) -> str:
    """An MSE: `52.1`, `127,250`."""
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def _finished(entry: Entry) -> bool:
    return bool(entry["status"] == "finished")
