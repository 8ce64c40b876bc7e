"""Time to target: a table of its own, a row for each target, and what it says in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bench.record.model import Target, TargetResult, TimeToTarget
from bench.report import format as shown
from bench.report import table
from bench.report.format import Screen

_ENERGY = "Energy\nto target"
_TUNED = ("tuned", "stock")


@dataclass(frozen=True, slots=True)
class _Layout:
    """How wide the table is drawn.

    between: what stands between a median and its range; None leaves the range to the record.
    """

    gap: int
    between: str | None


# From roomy to narrow.
_LAYOUTS = (_Layout(3, "  "), _Layout(2, "  "), _Layout(1, "\n"), _Layout(1, None))


def draw(results: Sequence[TargetResult], screen: Screen) -> Table:
    """The table, in the roomiest layout that fits."""
    return screen.first_fitting(_table(results, layout) for layout in _LAYOUTS)


def lines(results: Sequence[TargetResult]) -> Iterator[str]:
    """What tuning and a GPU are worth to the last target that both reached, a line each."""
    ended = [each for each in results if isinstance(each, TimeToTarget)]
    for each in ended:
        where = f" on {each.device.id}" if each.device.is_gpu else ""
        for other in ended:
            same = (each.workload, each.side) == (other.workload, other.side)
            told = _gain(each, other) if same else None
            if told and each.device == other.device and (each.mode, other.mode) == _TUNED:
                yield f"{told}tuned{where} as stock"
            if told and each.device.is_gpu and not other.device.is_gpu and each.mode == other.mode:
                yield f"{told}{each.mode}{where} as on the CPU"


def why_no_energy(results: Sequence[TargetResult], names: shown.Names) -> Iterator[str]:
    """Why the energy of a GPU's training is not known; on a CPU nobody expects it."""
    for each in results:
        if isinstance(each, TimeToTarget) and each.device.is_gpu:
            spent = [joules for target in each.targets for joules in target.joules if joules]
            for why in [joules.why for joules in spent if joules.why][:1]:
                yield f"{names(each)}: no energy: {why}"


def _table(results: Sequence[TargetResult], layout: _Layout) -> Table:
    left = table.what_differs(results)
    ended = [each for each in results if isinstance(each, TimeToTarget)]
    spends = {_energy(each, target) for each in ended for target in each.targets}
    with_energy = bool(spends - {"", "n/a"})
    right = ("Seeds", "Epochs", "Time\nto target", *([_ENERGY] if with_energy else []))
    grid = table.grid(layout.gap, (*left, "Target", *right, "Verdict"), right)
    grid.title = "Time to target: training alone, after a warm-up on random labels"
    grid.title_justify, grid.title_style = "left", ""
    for number, each in enumerate(results):
        start = [cells[number] for cells in left.values()]
        verdict = table.verdict(each)
        if not isinstance(each, TimeToTarget):
            empty = [""] * (len(grid.columns) - len(start) - 1)
            grid.add_row(*start, *empty, verdict)
            continue
        for target in each.targets:
            spent = [_energy(each, target)] if with_energy else []
            grid.add_row(*start, *_cells(each, target, layout.between), *spent, verdict)
    return grid


def _cells(result: TimeToTarget, target: Target, between: str | None) -> Iterator[str | Text]:
    took = [each for each in target.seconds if each is not None]
    epochs = [each for each in target.epochs if each is not None]
    every = len(took) == len(target.seconds)
    yield _shown(result, target)
    yield Text(f"{len(took)}/{len(target.seconds)}", "" if every else "red")
    yield shown.one_or_range(str(min(epochs)), str(max(epochs))) if epochs else ""
    # A median of those alone that came so far would flatter.
    median = target.median_seconds
    middle = "n/a" if median is None else shown.seconds(median)
    if not took:
        yield ""
    elif between is None or len(took) == 1:
        yield middle
    else:
        yield f"{middle}{between}{shown.seconds(min(took))} to {shown.seconds(max(took))}"


def _energy(result: TimeToTarget, target: Target) -> str:
    if not result.device.is_gpu:
        return ""
    known = [each.value for each in target.joules if each and each.value is not None]
    return shown.joules(statistics.median(known)) if len(known) == len(target.joules) else "n/a"


def _shown(result: TimeToTarget, target: Target) -> str:
    metric = result.quality.metric
    return f"{'≥' if metric == 'accuracy' else '≤'} {shown.quality(metric, target.target)}"


def _gain(one: TimeToTarget, other: TimeToTarget) -> str | None:
    """How many times as fast one reached the last target that both did."""
    medians = {each.target: each.median_seconds for each in other.targets}
    for target in reversed(one.targets):
        theirs = medians.get(target.target)
        if target.median_seconds and theirs:
            gain = shown.times(theirs / target.median_seconds)
            return f"{one.workload} reaches {_shown(one, target)} {gain} times as fast "
    return None
