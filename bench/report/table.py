"""The table: one row a training, from the record's entries alone."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

Entry = Mapping[str, Any]

WIDTH_IN_A_FILE = 100
_BOUNDLESS = 1000

_WORKLOAD, _DATA, _DEVICE, _VERDICT = "Workload", "Data", "Device", "Verdict"
_FIRST, _STEADY, _IMAGES = "First\nepoch", "Steady epoch\n± spread", "Images/s"
_RATIO, _ENERGY, _QUALITY = "CPU ÷\nGPU", "Energy\n/epoch", "Quality\n≥ floor"
_WORDS = (_WORKLOAD, _DATA, _DEVICE, _QUALITY, _VERDICT)
_HEADINGS = (
    _WORKLOAD,
    _DATA,
    _DEVICE,
    _FIRST,
    _STEADY,
    _IMAGES,
    _RATIO,
    _ENERGY,
    _QUALITY,
    _VERDICT,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide a table is drawn.

    gap: columns of blanks between two columns.
    between: what stands between a quality and its floor.
    without: headings that are left out, because the record has them.
    """

    gap: int = 2
    between: str = "  "
    without: tuple[str, ...] = ()

    @property
    def blank(self) -> str:
        """A blank within a cell, or a new line where cells are two lines high."""
        return "\n" if self.between == "\n" else " "


# From roomy to narrow: with a GPU a row has ten columns, and a terminal often only eighty.
_LAYOUTS = (
    Layout(),
    Layout(gap=1, between=" "),
    Layout(between="\n"),
    Layout(gap=1, between="\n"),
    Layout(gap=1, between="\n", without=(_IMAGES,)),
    Layout(gap=1, between="\n", without=(_IMAGES, _FIRST)),
    Layout(gap=1, between="\n", without=(_IMAGES, _FIRST, _DATA)),
)


class Page:
    """What is drawn one below the other.

    width: in columns.
    colours: whether the terminal shows them.
    """

    def __init__(self, width: int, *, colours: bool) -> None:
        # Not to standard output, whose encoding would have rich draw another table.
        self._drawn = io.StringIO()
        system: Literal["auto"] | None = "auto" if colours else None
        self._console = Console(
            file=self._drawn, width=width, force_terminal=colours, color_system=system
        )

    def table(self, entries: Sequence[Entry], *, no_gpu: bool) -> None:
        """The table of the trainings.  no_gpu: a row says that there is none; the lines say why."""
        self.draw(_fitting(self._console, entries, no_gpu=no_gpu))

    def draw(self, what: RenderableType) -> None:
        """Anything that rich can draw."""
        self._console.print(what)

    def lines(self, lines: Sequence[str]) -> None:
        """Each from the left, wrapped where it is too long."""
        for line in lines:
            self._console.print(Text(line))

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(line.rstrip() for line in self._drawn.getvalue().splitlines()) + "\n"


def render(
    entries: Sequence[Entry], notes: Sequence[str], width: int, *, no_gpu: bool, colours: bool
) -> str:
    """The table and lines below it."""
    page = Page(width, colours=colours)
    page.table(entries, no_gpu=no_gpu)
    page.lines(notes)
    return page.text


def _fitting(console: Console, entries: Sequence[Entry], *, no_gpu: bool) -> Table:
    """The first layout that has room, else the narrowest."""
    boundless = console.options.update(width=_BOUNDLESS)
    for layout in _LAYOUTS:
        grid = table(entries, no_gpu=no_gpu, layout=layout)
        if Measurement.get(console, boundless, grid).maximum <= console.width:
            break
    return grid


def table(entries: Sequence[Entry], *, no_gpu: bool, layout: Layout) -> Table:
    """The entries as rows, grouped by workload in the order they were trained."""
    grid = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, layout.gap - 1),
        header_style="bold",
    )
    without = _empty(entries) | set(layout.without)
    headings = [heading for heading in _HEADINGS if heading not in without]
    for heading in headings:
        justify: Literal["left", "right"] = "left" if heading in _WORDS else "right"
        grid.add_column(heading, justify=justify, no_wrap=True)
    for entry in entries:
        row = _row(entry, entries, layout)
        grid.add_row(*(row.get(heading, "") for heading in headings))
    if no_gpu:
        why = Text(f"none here:{layout.blank}see below", "dim")
        none: dict[str, RenderableType] = {_DEVICE: "gpu", _QUALITY: why}
        grid.add_section()
        grid.add_row(*(none.get(heading, "") for heading in headings))
    return grid


def _empty(entries: Sequence[Entry]) -> set[str]:
    """The columns that nothing would stand in."""
    if any(entry["device"] != "cpu" for entry in entries):
        return set()
    measured = any(energy(entry) is not None for entry in entries)
    return {_RATIO} if measured else {_RATIO, _ENERGY}


def speed_up(entry: Entry, entries: Sequence[Entry]) -> float | None:
    """How many times as fast as the CPU a GPU trained the same; None where not both did."""
    if entry["device"] == "cpu" or not _finished(entry):
        return None
    for other in entries:
        same = other["workload"] == entry["workload"] and other["mode"] == entry["mode"]
        same = same and other.get("side") == entry.get("side")
        if same and other["device"] == "cpu" and _finished(other):
            return float(other["epochs"]["median"] / entry["epochs"]["median"])
    return None


def energy(entry: Entry) -> float | None:
    """J of an epoch: the GPU's, or the processor packages' on the CPU; None where not measured."""
    if entry["device"] == "cpu":
        measured = (entry.get("conditions") or {}).get("energy", {}).get("per_epoch")
    else:
        measured = (entry.get("telemetry") or {}).get("energy", {}).get("gross_per_epoch")
    return measured["value"] if measured else None


def _row(entry: Entry, entries: Sequence[Entry], layout: Layout) -> dict[str, RenderableType]:
    dataset = entry["dataset"]
    row: dict[str, RenderableType] = {
        _WORKLOAD: entry["workload"],
        _DATA: dataset["kind"] if dataset else "",
        _DEVICE: place(entry),
    }
    if not _finished(entry):
        lost = (entry.get("telemetry") or {}).get("lost")
        what = f"{'GPU lost' if lost else 'failed'}:{layout.blank}see below"
        return {**row, _QUALITY: Text(what, "red")}
    epochs = entry["epochs"]
    ratio = speed_up(entry, entries)
    return {
        **row,
        _FIRST: seconds(epochs["first"]),
        _STEADY: f"{seconds(epochs['median'])} ± {100 * epochs['spread'] / epochs['median']:.0f} %",
        _IMAGES: f"{entry['images_per_second']:,.0f}",
        _RATIO: f"{ratio:.1f}×" if ratio else "",
        _ENERGY: _energy(entry),
        _QUALITY: _quality(entry, layout.between),
        _VERDICT: verdict(entry),
    }


def _energy(entry: Entry) -> str:
    measured = energy(entry)
    if measured is None:
        return "" if entry["device"] == "cpu" else "n/a"
    return joules(measured)


def joules(value: float) -> str:
    """An energy: `620 J`, `1.23 kJ`."""
    return f"{value:.3g} J" if value < 999.5 else f"{value / 1000:,.3g} kJ"


def verdict(entry: Entry) -> Text:
    """Its word, in its colour."""
    word = (entry.get("verdict") or {}).get("word", "")
    style = {"OK": "green", "BELOW-FLOOR": "red"}.get(word, "yellow")
    return Text(word, style)


def place(entry: Entry) -> str:
    """The device, the mode where it is not stock, and the environment, where two trained."""
    mode = "" if entry["mode"] == "stock" else entry["mode"]
    return " ".join(filter(None, (entry["device"], mode, entry.get("side"))))


def seconds(value: float) -> str:
    """A time with three significant digits: `83.2 ms`, `1.31 s`, `127 s`."""
    if value < 0.9995:  # from there on it would round to 1000 ms
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 999.5 else f"{value:,.0f} s"


def _quality(entry: Entry, between: str) -> Text:
    quality = entry["quality"]
    style = "" if quality["ok"] else "red"
    if quality["metric"] == "accuracy":
        held = "≥" if quality["ok"] else "misses"
        reached, floor = percent(quality["value"]), percent(quality["floor"])
    else:
        held = "≤" if quality["ok"] else "misses"
        reached, floor = _squares(quality["value"]), squares(quality["floor"])
    return Text(f"{reached}{between}{held} {floor}", style)


def percent(value: float | None) -> str:
    """An accuracy: `98.12 %`."""
    return "n/a" if value is None else f"{100 * value:.2f} %"


def _squares(value: float | None) -> str:
    return "n/a" if value is None else f"{squares(value)} s²"


def squares(value: float) -> str:
    """An MSE: `52.1`, `127,250`."""
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def _finished(entry: Entry) -> bool:
    return bool(entry["status"] == "finished")
