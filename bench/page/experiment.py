"""An experiment's plots: what each arm learned, on training and test images, and on the way."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.page import curves, plots
from bench.page.plots import Bar, Line, Plot
from bench.report import format as shown
from bench.report.experiment.arms import Arm, Experiment
from bench.workloads.workload import ERRORS


def drawn(made: Experiment) -> Iterator[Plot]:
    """Bars over the seeds of each arm, and the mean curve of each."""
    yield from _reached(made)
    yield from _curves(made)


def _reached(made: Experiment) -> Iterator[Plot]:
    what = "wrong answers, %" if made.metric == "accuracy" else _name(made)
    for where, values_of in (
        ("test", lambda arm: list(arm.qualities.values())),
        ("training", _on_training),
    ):
        bars = [
            Bar(arm.name, statistics.mean(values), min(values), max(values))
            for arm in made.arms
            if (values := [_error(made, value) for value in values_of(arm)])
        ]
        if not bars:
            continue
        told = ", ".join(f"{bar.name} {_shown(made, bar.value)}" for bar in bars)
        sentence = f"Mean over the seeds, with the least and the most: {told}."
        title = f"{made.name}: {what.partition(',')[0]} on the {where} images"
        yield plots.bars(title, sentence, what, bars)


def _error(made: Experiment, value: float) -> float:
    """What a bar from zero shows: accuracies would all be as long, and what is wrong is not."""
    return 100 * (1 - value) if made.metric == "accuracy" else value


def _shown(made: Experiment, error: float) -> str:
    return f"{error:.2f} %" if made.metric == "accuracy" else shown.quality(made.metric, error)


def _on_training(arm: Arm) -> list[float]:
    told = [each.quality.training for each in arm.trained.values()]
    return [value for value in told if value is not None]


def _curves(made: Experiment) -> Iterator[Plot]:
    """A mean over those seeds whose curve is whole; before the first step it may be anywhere."""
    series = [Line(arm.name, curve) for arm in made.arms if (curve := mean_curve(arm))]
    if not series:
        return
    longest = max(len(each.values) for each in series)
    ends = ", ".join(
        f"{each.name} {shown.quality(made.metric, each.values[-1])}" for each in series
    )
    x_labels = [str(number) for number in range(1, longest + 1)]
    title = f"{made.name}: {_name(made)} on the test images, epoch by epoch"
    sentence = f"Mean over the seeds after each epoch; at the end {ends}."
    yield curves.of_quality(title, sentence, made.metric, series, x_labels)


def mean_curve(arm: Arm) -> list[float]:
    """The quality after each epoch, over the seeds; on its way to no number it may be anything."""
    curves = [
        [value for value in each.epochs.quality or () if value is not None]
        for each in arm.trained.values()
        if each.quality.value is not None
    ]
    length = max(map(len, curves), default=0)
    whole = [curve for curve in curves if len(curve) == length]
    return [statistics.mean(values) for values in zip(*whole, strict=True)] if length else []


def _name(made: Experiment) -> str:
    unit = ERRORS.get(made.metric)
    return f"MSE, {unit}" if unit else made.metric
