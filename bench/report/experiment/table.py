"""An experiment as a person reads it: a table of its arms, and the answer in sentences."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from bench.report import format as shown
from bench.report import table
from bench.report.experiment import knee
from bench.report.experiment.arms import Arm, Experiment
from bench.report.experiment.differences import LEAST_SEEDS, Difference
from bench.report.format import Screen
from bench.workloads import EVERY
from bench.workloads.workload import ERRORS

_COLOURS = {"BETTER": "green", "WORSE": "red", "SAME": "green", "UNCLEAR": "yellow"}
_GAPS = (3, 2, 1)


def draw(made: Experiment, screen: Screen) -> Table:
    """The arms, a row each, in the roomiest layout that fits."""
    return screen.first_fitting(_table(made, gap) for gap in _GAPS)


def headings(made: Experiment) -> list[str]:
    """Those of the table."""
    name = "MSE" if made.metric in ERRORS else made.metric
    return [
        "Arm",
        "Seeds",
        f"Test {name}",
        "Least to most",
        f"Training {name}",
        "Epoch",
        "Parameters",
        "Answer",
    ]


def cells(made: Experiment) -> Iterator[list[str]]:
    """The rows as text."""
    for arm, differs in zip(made.arms, (None, *made.differences), strict=True):
        measure = arm is made.arms[0]
        first, values = arm.first, list(arm.qualities.values())
        every = len(arm.trained) + arm.failed
        middle = statistics.mean(values) if values else None
        yield [
            arm.name,
            str(len(values)) if len(values) == every else f"{len(values)} of {every}",
            _quality(made, middle),
            f"{_quality(made, min(values))} to {_quality(made, max(values))}" if values else "",
            "" if arm.training is None else _quality(made, arm.training),
            "" if arm.seconds is None else shown.seconds(arm.seconds),
            "" if first is None else shown.count(first.model.parameters),
            "measure" if measure else differs.word if differs else "no answer",
        ]


def lines(made: Experiment) -> Iterator[str]:
    """The answer, a sentence an arm; then how far seeds differ, and what is in doubt."""
    if made.question:
        yield f"{made.name}: {made.question}"
    for arm, differs in zip(made.arms[1:], made.differences, strict=True):
        yield _answer(made, arm, differs)
    yield from _knee(made)
    if made.spread is not None:
        yield (
            f"Seeds of {made.arms[0].name} differ by {_amount(made, made.spread)} (standard "
            f"deviation); what is called better or worse is that but for 1 experiment in 100"
        )
    for arm in made.arms:
        if arm.diverged:
            yield f"{arm.name}: {arm.diverged} of {len(arm.trained)} trainings diverged"
    yield from (f"The trainings of an arm are not alike: {line}" for line in made.unlike)


def _knee(made: Experiment) -> Iterator[str]:
    """Time and quality of batch sizes together."""
    first = made.arms[0].first
    published = EVERY.get(first.workload) if first else None
    seen = knee.found(made, published.batch if published else None)
    if seen is None:
        return
    told = f"Knee: batch {seen.batch}, {shown.times(seen.speed)} times as fast as the smallest"
    gain = shown.share(knee.LEAST_GAIN)
    yield f"{told}; beyond it a doubling gains less than {gain}, or the network learns worse"
    if seen.worse:
        yield f"Learns worse: batch {shown.and_so([str(each) for each in seen.worse])}"


def _answer(made: Experiment, arm: Arm, differs: Difference | None) -> str:
    beside = f"{arm.name} beside {made.arms[0].name}"
    if differs is None:
        return f"{beside}: no answer: nothing to put beside each other"
    if differs.low is None or differs.high is None:
        return (
            f"{beside}: UNCLEAR: {_gain(made, differs.gain)}, and fewer than {LEAST_SEEDS} seeds "
            "do not show how far seeds differ; run it again to go on"
        )
    between = _range(made, differs.low, differs.high)
    how = "seed by seed" if differs.paired else "independent seeds"
    told = f"{beside}: {differs.word}: {_gain(made, differs.gain)} ({between}; {how})"
    if differs.word == "UNCLEAR" and differs.seeds_needed:
        needed = shown.count(differs.seeds_needed)
        told += f"; to see {_amount(made, made.notable)} takes about {needed} seeds"
    if differs.word == "SAME":
        told += f"; {_amount(made, made.notable)} is ruled out"
    return told


def _gain(made: Experiment, gain: float) -> str:
    """`12.3 s² better`, `0.21 points worse`."""
    return f"{_amount(made, abs(gain))} {'better' if gain >= 0 else 'worse'}"


def _range(made: Experiment, low: float, high: float) -> str:
    """`17.5 s² to 23.0 s² worse`, `5.1 s² worse to 23.0 s² better`."""
    if low * high < 0:
        return f"{_gain(made, low)} to {_gain(made, high)}"
    near, far = sorted((abs(low), abs(high)))
    return f"{_amount(made, near)} to {_gain(made, high if low >= 0 else -far)}"


def _amount(made: Experiment, value: float) -> str:
    if made.metric == "accuracy":
        return f"{100 * value:.2f} points"
    return shown.quality(made.metric, value)


def _quality(made: Experiment, value: float | None) -> str:
    return shown.quality(made.metric, value)


def _table(made: Experiment, gap: int) -> Table:
    grid = table.grid(gap)
    for place, heading in enumerate(headings(made)):
        left = heading in ("Arm", "Answer")
        told = heading.replace(" ", "\n", 1) if gap < _GAPS[0] else heading
        grid.add_column(told, justify="left" if left else "right", no_wrap=place > 0)
    for row in cells(made):
        *start, word = row
        grid.add_row(*start, Text(word, _COLOURS.get(word, "")))
    return grid
