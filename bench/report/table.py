"""The table of the results, a row each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from bench.record import ending
from bench.record.model import Finished, Result, TargetResult
from bench.record.quality import Quality
from bench.report import format as shown
from bench.report import rows
from bench.report.format import Screen
from bench.workloads.workload import ERRORS

_FIRST, _EPOCH, _IMAGES = "First epoch", "Epoch (median ± MAD)", "Images/s"
_DATA, _RATIO, _ENERGY = "Data", "CPU ÷ GPU", "Energy/epoch"
_QUALITY, _VERDICT = "Quality (required)", "Verdict"
_ORDER = (_FIRST, _EPOCH, _IMAGES, _RATIO, _ENERGY, _QUALITY, _VERDICT)
_RIGHT = (_FIRST, _EPOCH, _IMAGES, _RATIO, _ENERGY)
# The headings in two lines, where one is too wide.
_TWO_LINES = {
    _FIRST: "First\nepoch",
    _EPOCH: "Epoch\n(median ± MAD)",
    _RATIO: "CPU ÷\nGPU",
    _ENERGY: "Energy\n/epoch",
}

_STYLES = {"OK": "green", "BELOW-FLOOR": "red", "FAILED": "red"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide the table is drawn.

    gap: columns of blanks between two columns.
    short: whether headings take two lines.
    between: what stands between a quality and the required one.
    without: columns that are left out, because the record has them.
    """

    gap: int = 3
    short: bool = False
    between: str = " "
    without: tuple[str, ...] = ()


# From roomy to narrow: with GPUs a row has up to eleven columns, and a terminal often only eighty.
_LAYOUTS = (
    Layout(),
    Layout(gap=2),
    Layout(gap=2, short=True),
    Layout(gap=1, short=True),
    Layout(gap=1, short=True, between="\n"),
    Layout(gap=1, short=True, between="\n", without=(_IMAGES,)),
    Layout(gap=1, short=True, between="\n", without=(_IMAGES, _FIRST)),
    Layout(gap=1, short=True, between="\n", without=(_IMAGES, _FIRST, _DATA)),
)


def draw(results: Sequence[Result], screen: Screen) -> Table:
    """The table, in the roomiest layout that fits."""
    return screen.first_fitting(_table(results, layout) for layout in _LAYOUTS)


def grid(gap: int, headings: Iterable[str] = (), right: Collection[str] = ()) -> Table:
    """A table without rows, in the one style that all have.

    right: those of the headings that numbers stand below.
    """
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, gap - 1),
        header_style="bold",
    )
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", no_wrap=True)
    return made


def what_differs(results: Sequence[Result | TargetResult]) -> dict[str, list[str]]:
    """The columns that tell the rows apart, each with a cell a row: what is alike is left out."""
    columns: dict[str, list[str]] = {
        _DATA: [each.dataset.label if each.dataset else "" for each in results],
        "Device": [each.device.id for each in results],
        "Mode": [str(each.way) for each in results],
        "Side": [each.side or "" for each in results],
    }
    differs = {name: cells for name, cells in columns.items() if len({*cells} - {""}) > 1}
    return {"Workload": [each.workload for each in results], **differs}


def verdict(result: Result | TargetResult) -> Text:
    """Its word, in its colour."""
    word = ending.word(result)
    return Text(word, colour(word))


def colour(word: str) -> str:
    """That of a verdict's word."""
    return _STYLES.get(word, "yellow")


def energy(result: Finished) -> float | None:
    """J of an epoch: the GPU's, or the processor packages' on the CPU; None where not measured."""
    if result.telemetry is None:
        return result.conditions.energy.per_epoch.value
    return result.telemetry.energy.gross_per_epoch.value


def cells(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """The headings and the rows of the roomiest layout, as text."""
    empty = _empty(results)
    headings = [heading for heading in _ORDER if heading not in empty]
    own = [dict(_cells(result, results, Layout())) for result in results]
    return as_text(what_differs(results), headings, own)


def as_text(
    left: Mapping[str, Sequence[str]], headings: Sequence[str], own: Sequence[Mapping[str, object]]
) -> tuple[list[str], list[list[str]]]:
    """A table as text.  left: columns in front, each with a cell a row; own: each row's others."""
    rows = [
        [*(column[number] for column in left.values()), *(str(each.get(h, "")) for h in headings)]
        for number, each in enumerate(own)
    ]
    return [*left, *headings], rows


def _table(results: Sequence[Result], layout: Layout) -> Table:
    table = grid(layout.gap)
    whole = layout is not _LAYOUTS[-1]  # where even that one is too wide, cells go over more lines
    differs = what_differs(results)
    left = {name: cells for name, cells in differs.items() if name not in layout.without}
    for heading in left:
        table.add_column(heading, no_wrap=whole, overflow="fold")
    without = {*layout.without, *_empty(results)}
    headings = [heading for heading in _ORDER if heading not in without]
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading in _RIGHT else "left"
        told = _TWO_LINES.get(heading, heading) if layout.short else heading
        if heading == _IMAGES and any(result.file for result in results):
            told = "Examples/s"  # of one's own they may be anything
        if heading == _QUALITY:
            told = told.replace(" ", layout.between)
        table.add_column(told, justify=justify, no_wrap=whole, overflow="fold")
    for number, result in enumerate(results):
        cells = dict(_cells(result, results, layout))
        start = (each[number] for each in left.values())
        table.add_row(*start, *(cells.get(heading, "") for heading in headings))
    return table


def _empty(results: Sequence[Result]) -> set[str]:
    """The columns that nothing would stand in: of energies none was measured, or all failed."""
    filled = {name for each in results for name, cell in _cells(each, results, Layout()) if cell}
    if all(energy(each) is None for each in rows.finished(results)):
        filled -= {_ENERGY}
    return {*_ORDER} - filled


def _cells(
    result: Result, results: Sequence[Result], layout: Layout
) -> Iterator[tuple[str, str | Text]]:
    yield _VERDICT, verdict(result)
    if not isinstance(result, Finished):
        return
    epochs, ratio, spent = result.epochs, rows.speed_up(result, results), energy(result)
    yield _FIRST, shown.seconds(epochs.first)
    yield _EPOCH, f"{shown.seconds(epochs.median)} ± {100 * epochs.relative_spread:.0f} %"
    yield _IMAGES, shown.count(result.images_per_second)
    yield _RATIO, f"{shown.times(ratio)}×" if ratio else ""
    missing = "n/a" if result.device.is_gpu else ""
    yield _ENERGY, missing if spent is None else shown.joules(spent)
    yield _QUALITY, _quality(result, layout.between)


def _quality(result: Finished, between: str) -> Text:
    quality = result.quality
    reached = shown.quality(quality.metric, quality.value)
    if result.file:
        told = f"{quality.metric} {reached}{between}{_beside(quality)}".rstrip()
    elif quality.floor is None:
        told = f"MSE {reached}" if quality.metric in ERRORS else reached
    elif quality.metric == "accuracy":
        told = f"{reached}{between}(≥ {shown.accuracy(quality.floor)})"
    else:
        told = f"MSE {reached}{between}(≤ {shown.squares(quality.floor)})"
    return Text(told, "" if quality.ok else "red")


def _beside(quality: Quality) -> str:
    """A floor of one's own, else what a constant guess reaches; nothing where neither is known."""
    if quality.floor is not None:
        side = "≤" if quality.floor_is_most else "≥"
        return f"({side} {shown.quality(quality.metric, quality.floor)})"
    if quality.guess is not None:
        return f"(a guess: {shown.quality(quality.metric, quality.guess)})"
    return ""
