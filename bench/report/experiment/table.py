"""An experiment as a person reads it: a table of its arms, and the answer in sentences."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from bench.errors import counted
from bench.report import format as shown
from bench.report import table
from bench.report.experiment.arms import LEAST_GAIN, Arm, Experiment, knee
from bench.report.experiment.differences import Difference
from bench.report.format import Screen
from bench.workloads import EVERY
from bench.workloads.workload import ERRORS

_COLOURS = {
    "BETTER": "green",
    "WORSE": "red",
    "SAME": "green",
    "UNCLEAR": "yellow",
    "DIVERGED": "red",
}
# From roomy to narrow: the gap between columns, and those that are left out.
_LAYOUTS: tuple[tuple[int, tuple[str, ...]], ...] = (
    *((3, ()), (2, ()), (1, ())),
    *((1, ("Parameters",)), (1, ("Parameters", "Epoch"))),
)
# Seeds above this number nobody trains.
_TOO_MANY = 1000


def draw(made: Experiment, screen: Screen) -> Table:
    """The arms, a row each, in the roomiest layout that fits."""
    return screen.first_fitting(_table(made, gap, without) for gap, without in _LAYOUTS)


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
        is_baseline = arm is made.arms[0]
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
            "baseline" if is_baseline else _word(arm, differs),
        ]


def answers(made: Experiment) -> Iterator[str]:
    """What was asked, and the answer, a sentence an arm; of a sweep its knee first."""
    yield f"{made.name}: {made.question}" if made.question else made.name
    yield from _knee(made)
    for arm, differs in zip(made.arms[1:], made.differences, strict=True):
        yield _answer(made, made.arms[0], arm, differs)


def remarks(made: Experiment) -> Iterator[str]:
    """How far seeds differ, and what is in doubt."""
    if made.spread is not None:
        yield (
            f"Seeds of {made.arms[0].name} differ by {_amount(made, made.spread)} (standard "
            "deviation). The intervals hold for all arms together: 1 experiment in 100 calls "
            "better or worse what is not"
        )
    for arm in made.arms:
        if 0 < arm.diverged < len(arm.trained):
            yield f"{arm.name}: {arm.diverged} of {len(arm.trained)} trainings diverged"
    yield from (f"The trainings of an arm are not alike: {line}" for line in made.unlike)


def _knee(made: Experiment) -> Iterator[str]:
    """Time and quality of batch sizes together."""
    first = made.arms[0].first
    published = EVERY.get(first.workload) if first else None
    seen = knee(made, published.batch if published else None)
    if seen is None:
        return
    told = f"Knee: batch {seen.batch}, {shown.times(seen.speed)} times as fast as the smallest"
    gain = shown.share(LEAST_GAIN)
    yield f"{told}; beyond it a doubling gains less than {gain}, or the network learns worse"
    if seen.worse:
        yield f"Learns worse: batch {shown.and_so([str(each) for each in seen.worse])}"


def _answer(made: Experiment, baseline: Arm, arm: Arm, differs: Difference | None) -> str:
    beside = f"{arm.name} beside {baseline.name}"
    if differs is None:
        return _no_answer(made, baseline, arm)
    if differs.low is None or differs.high is None:
        return (
            f"{beside}: {_seeds(differs)} cannot tell a difference, as they do not show how far "
            f"seeds differ: {_gain(made, differs.gain)} so far; run it again to go on"
        )
    pairs = " in pairs" if differs.paired else ""
    within = f"99 % interval {_range(made, differs.low, differs.high)}; {_seeds(differs)}{pairs}"
    notable = _amount(made, made.notable)
    if differs.word == "SAME":
        return f"{beside}: alike, a difference of {notable} is ruled out ({within})"
    if differs.word == "UNCLEAR":
        return (
            f"{beside}: no difference can be told: {_gain(made, differs.gain)} ({within})"
            f"{_needed(differs.seeds_needed, notable)}"
        )
    return (
        f"{arm.name} learns {differs.word.lower()} than {baseline.name} by "
        f"{_amount(made, abs(differs.gain))} ({within})"
    )


def _needed(seeds: int | None, notable: str) -> str:
    """How many seeds would make it clear, where anybody trains so many."""
    if not seeds:
        return ""
    if seeds > _TOO_MANY:
        many = shown.count(_TOO_MANY)
        return f"; to see {notable} takes more than {many} seeds: train on more images, or longer"
    return f"; to see {notable} takes about {shown.count(seeds)} seeds"


def _no_answer(made: Experiment, baseline: Arm, arm: Arm) -> str:
    if arm.has_diverged and baseline.qualities:
        middle = statistics.mean(baseline.qualities.values())
        return (
            f"{arm.name} does not train: {_every(arm.diverged)} ended without a number for its "
            f"error; {baseline.name} came to {_quality(made, middle)}"
        )
    return f"{arm.name} beside {baseline.name}: no answer, nothing to put beside each other"


def _every(count: int) -> str:
    return f"each of {count} trainings" if count > 1 else "its one training"


def _seeds(differs: Difference) -> str:
    return counted(differs.seeds, "seed")


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


def _word(arm: Arm, differs: Difference | None) -> str:
    if differs is not None:
        return differs.word
    return "DIVERGED" if arm.has_diverged else "no answer"


def _table(made: Experiment, gap: int, without: tuple[str, ...]) -> Table:
    grid = table.grid(gap)
    every = headings(made)
    kept = [place for place, heading in enumerate(every) if heading not in without]
    for place in kept:
        left = every[place] in ("Arm", "Answer")
        told = every[place].replace(" ", "\n", 1) if gap < _LAYOUTS[0][0] else every[place]
        grid.add_column(told, justify="left" if left else "right", no_wrap=place > 0)
    for row in cells(made):
        *start, word = (row[place] for place in kept)
        grid.add_row(*start, Text(word, _COLOURS.get(word, "")))
    return grid
