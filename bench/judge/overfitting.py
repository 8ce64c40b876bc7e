"""Overfitting by a learner's rule: the error gets worse than in the epochs before.

One worse epoch is noise.  It counts when each of five epochs in a row is worse than every one of
the five before them, while the training loss went on falling: of ten epochs in a random order that
is so once in 252.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.record.model import Finished
from bench.record.quality import Quality
from bench.workloads.own import is_accuracy

EPOCHS = 5


@dataclass(frozen=True, slots=True)
class Overfitting:
    """Where it began.

    since: the first epoch that is worse than those before it.
    best: the epoch whose quality is the best.
    then, now: the quality there, and after the last epoch.
    """

    since: int
    best: int
    then: float
    now: float


def found(result: Finished) -> Overfitting | None:
    """Where a training's learning curve shows it; None where it does not, or there is no curve."""
    quality, losses = result.epochs.quality, result.epochs.loss
    if quality is None:
        return None
    values = [value for value in quality if value is not None]
    if len(values) < len(quality):
        return None
    sign = -1.0 if _is_gain(result.quality) else 1.0
    since = onset([sign * value for value in values], losses)
    if since is None:
        return None
    best = min(range(len(values)), key=lambda at: sign * values[at])
    return Overfitting(since, best + 1, values[best], values[-1])


def onset(errors: Sequence[float], losses: Sequence[float | None]) -> int | None:
    """The first epoch (from 1) from which on the error is worse than before; None without one."""
    for at in range(EPOCHS, len(errors) - EPOCHS + 1):
        before, since = errors[at - EPOCHS : at], errors[at : at + EPOCHS]
        if min(since) > max(before) and _fell(losses, at):
            return at + 1
    return None


def _fell(losses: Sequence[float | None], at: int) -> bool:
    """Whether the training loss went on falling there; where it is no number, it did not."""
    before, since = losses[at - EPOCHS : at], losses[at : at + EPOCHS]
    known = [[value for value in part if value is not None] for part in (before, since)]
    return all(known) and statistics.mean(known[1]) < statistics.mean(known[0])


def _is_gain(quality: Quality) -> bool:
    """Whether more is better."""
    return quality.metric == "accuracy" or is_accuracy(quality.metric)
