"""Learning curves of a workload: lines, marks, floor and bound, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from bench.errors import some
from bench.judge import curve
from bench.page import plots
from bench.page.plots import Line, Plot
from bench.record.model import Finished
from bench.record.quality import Quality
from bench.report import format as shown

# A training may dip often; the plot marks all, the sentence names these first ones.
_MOST = 5
# Where a training begins is left out of the plot if that makes the rest so many times as high.
_FAR = 4.0


def drawn(own: Sequence[Finished], label: Callable[[Finished], str]) -> Iterator[Plot]:
    """The quality from before the first step to the last epoch, with what it is held to."""
    known = [each for each in own if each.quality.value is not None]
    if not known:  # all diverged, on whose way there may be anything
        return
    quality = known[0].quality
    series, told = [], []
    for each in known:
        lines, words = _of(each, label(each))
        series += lines
        told.append(words)
    longest = max(len(each.values) for each in series)
    series += _held_to(quality, longest)
    seen = close_up(series)
    more = " Where it began is too far off to be drawn." if seen != series else ""
    if any(each.epochs.quality is None for each in known):
        more += " A dot alone: not judged in between, as --learning-curve has it."
    judged = quality.metric if known[0].file else f"{quality.metric} on the test images"
    x_labels = [str(number) for number in range(longest)]
    yield of_quality(
        f"{known[0].workload}: {judged}, epoch by epoch",
        f"{'; '.join(told)}.{more}",
        quality.metric,
        seen,
        x_labels,
    )


def of_quality(
    title: str,
    sentence: str,
    metric: str,
    series: Sequence[Line],
    x_labels: Sequence[str] | None = None,
) -> Plot:
    """Those of a quality, in the unit that it has in tables."""
    name, factor = shown.axis(metric)
    scaled = [
        replace(each, values=[value and value * factor for value in each.values]) for each in series
    ]
    return plots.lines(title, sentence, name, scaled, x_labels=x_labels, from_zero=False)


def _held_to(quality: Quality, length: int) -> Iterator[Line]:
    """The floor, and what nobody trains better than."""
    for what, value in (("required", quality.floor), ("no better without a leak", quality.bound)):
        if value is not None:
            name = f"{what}: {shown.quality(quality.metric, value)}"
            yield Line(name, (value,) * length, dashed=True)


def _of(result: Finished, label: str) -> tuple[list[Line], str]:
    """The lines of a training, and what they show."""
    training, judged = result.epochs.training, result.epochs.quality
    between = judged or (*[None] * len(result.epochs.steady), result.quality.value)
    test = (result.quality.untrained, *between)
    seen = curve.of(result)
    lines = [Line(label, test, marks=not judged)]
    if training:
        lines.append(Line(f"{label}, training images", training))
    if seen.dips:
        lines.append(Line(f"{label}, dips", _only(test, seen.dips), marks=True))
    if seen.overfits:
        onset = _only(test, (seen.overfits.since,))
        lines.append(Line(f"{label}, overfits from here on", onset, marks=True))
    return lines, "; ".join(_words(result, label, test, seen))


def close_up(lines: Sequence[Line]) -> list[Line]:
    """The lines without where they begin, if that is so far off that the rest looks flat."""
    rest = [value for line in lines for value in line.values[1:] if value is not None]
    every = [value for line in lines for value in line.values if value is not None]
    if not rest or max(every) - min(every) <= _FAR * (max(rest) - min(rest)):
        return list(lines)
    return [replace(line, values=(None, *line.values[1:])) for line in lines]


def _only(values: tuple[float | None, ...], epochs: Iterable[int]) -> tuple[float | None, ...]:
    kept = set(epochs)
    return tuple(value if epoch in kept else None for epoch, value in enumerate(values))


def _words(
    result: Finished, label: str, test: tuple[float | None, ...], seen: curve.Reading
) -> Iterable[str]:
    metric, training = result.quality.metric, result.epochs.training
    ends = [shown.quality(metric, value) for value in (test[0], test[-1])]
    yield f"{label} {ends[0]} before the first step, {ends[1]} after the last epoch"
    if training:
        yield f"training images {shown.quality(metric, training[-1])}"
    if seen.dips:
        dips = [f"{shown.quality(metric, test[each])} after epoch {each}" for each in seen.dips]
        yield f"dips to {some(dips, _MOST)}"
    if seen.overfits:
        best = shown.quality(metric, seen.overfits.then)
        yield (
            f"overfits from epoch {seen.overfits.since} on: worse than the {curve.EPOCHS} epochs "
            f"before, while the training loss fell (best {best} after epoch {seen.overfits.best})"
        )
