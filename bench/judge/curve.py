"""A learning curve in words: where it dips, and from where on it learns its images by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.workloads.workload import ERRORS

# How far below the best before it a dip is: of an accuracy, in shares of all images, as single
# MNIST runs differ by .2 points for nothing; of an error, as a share of the best one.
_DIP, _DIP_OF_ERROR = 0.005, 0.25
# How many epochs without a better one are the end of getting better, and how much better the
# training images get meanwhile: an error by this share.
_PATIENCE = 3
_LEARNED, _LEARNED_OF_ERROR = 0.001, 0.05


@dataclass(frozen=True, slots=True)
class Reading:
    """What a curve shows.

    dips: epochs that are worse than the best before them, which a later one is near again.
    overfits_after: the epoch with the best quality on the test images, where the training images
        were learned further in the epochs behind it and the test's were not; else None.
    """

    dips: tuple[int, ...]
    overfits_after: int | None


def read(
    metric: str, test: Sequence[float | None], training: Sequence[float | None] | None = None
) -> Reading:
    """Reads a curve whose first value is that before the first step.

    training: on the training images, where that is known.
    """
    better = _Better(metric)
    values = [better.worst if value is None else value for value in test]
    return Reading(tuple(_dips(better, values)), _overfits_after(better, values, training))


@dataclass(frozen=True, slots=True)
class _Better:
    """What is better, by a metric: accuracies as they are, errors turned about."""

    metric: str

    @property
    def is_error(self) -> bool:
        return self.metric in ERRORS

    @property
    def worst(self) -> float:
        return float("inf") if self.is_error else 0.0

    def gain(self, before: float, after: float) -> float:
        """By how much the later one is better; of errors as a share of the earlier one."""
        if not self.is_error:
            return after - before
        return (before - after) / before if before else -after

    def best(self, values: Sequence[float]) -> float:
        return min(values) if self.is_error else max(values)


def _dips(better: _Better, values: Sequence[float]) -> list[int]:
    least = _DIP_OF_ERROR if better.is_error else _DIP
    dips = []
    for epoch in range(2, len(values) - 1):
        before, after = better.best(values[:epoch]), better.best(values[epoch + 1 :])
        fallen = -better.gain(before, values[epoch]) >= least
        if fallen and better.gain(before, after) >= -least / 2:
            dips.append(epoch)
    return dips


def _overfits_after(
    better: _Better, values: Sequence[float], training: Sequence[float | None] | None
) -> int | None:
    if not training or len(training) != len(values) or len(values) < _PATIENCE + 2:
        return None
    best = values.index(better.best(values))
    then, now = training[best], training[-1]
    if best == 0 or len(values) - 1 - best < _PATIENCE or then is None or now is None:
        return None
    least = _LEARNED_OF_ERROR if better.is_error else _LEARNED
    return best if better.gain(then, now) >= least else None
