"""What a learning curve shows: where it dips, and since when it overfits.

Overfitting is told by a learner's rule: the error gets worse than in the epochs before.  One worse
epoch is noise.  It counts when each of five epochs in a row is worse than every one of the five
before them, while the training loss went on falling: of ten epochs in a random order that is so
once in 252.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.record.model import Finished

# How far below the best before it a dip is: of an accuracy, in shares of all images, as single
# MNIST runs differ by .2 points for nothing; of an error, as a share of the best one.
_DIP, _DIP_OF_ERROR = 0.005, 0.25
# How many epochs in a row have to be worse than as many before them.
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


@dataclass(frozen=True, slots=True)
class Reading:
    """What a curve shows.

    dips: epochs that are worse than the best before them, which a later one is near again.
    overfits: since when it overfits; None where it does not.
    """

    dips: tuple[int, ...] = ()
    overfits: Overfitting | None = None


def of(result: Finished) -> Reading:
    """What a training's curve shows: nothing where none was measured."""
    if result.epochs.quality is None:
        return Reading()
    test = (result.quality.untrained, *result.epochs.quality)
    return read(test, result.epochs.loss, is_error=result.quality.is_error)


def read(
    test: Sequence[float | None], losses: Sequence[float | None], *, is_error: bool
) -> Reading:
    """Reads a curve whose first value is that before the first step.

    losses: the training's, from the first epoch on.
    """
    errors = [_error(value, is_error=is_error) for value in test]
    dips = tuple(_dips(errors, is_error=is_error))
    since = _onset(errors[1:], losses)
    if since is None:
        return Reading(dips)
    best = min(range(1, len(errors)), key=errors.__getitem__)
    sign = 1.0 if is_error else -1.0
    return Reading(dips, Overfitting(since, best, sign * errors[best], sign * errors[-1]))


def _error(value: float | None, *, is_error: bool) -> float:
    """The less, the better; of what is no number, the worst."""
    if value is None:
        return math.inf
    return value if is_error else -value


def _dips(errors: Sequence[float], *, is_error: bool) -> Iterator[int]:
    for epoch in range(2, len(errors) - 1):
        before, after = min(errors[:epoch]), min(errors[epoch + 1 :])
        if math.isinf(before):
            continue
        least = _DIP_OF_ERROR * before if is_error else _DIP
        if errors[epoch] - before >= least > 0 and after - before <= least / 2:
            yield epoch


def _onset(errors: Sequence[float], losses: Sequence[float | None]) -> int | None:
    """The first epoch (from 1) from which on the error is worse than before; None without one."""
    for at in range(EPOCHS, len(errors) - EPOCHS + 1):
        before, since = errors[at - EPOCHS : at], errors[at : at + EPOCHS]
        if min(errors[at:]) < min(errors[:at]):
            continue  # it came back, and learned more
        if min(since) > max(before) and not math.isinf(max(since)) and _fell(losses, at):
            return at + 1
    return None


def _fell(losses: Sequence[float | None], at: int) -> bool:
    """Whether the training loss went on falling there; where it is no number, it did not."""
    before, since = losses[at - EPOCHS : at], losses[at : at + EPOCHS]
    known = [[value for value in part if value is not None] for part in (before, since)]
    return all(known) and statistics.mean(known[1]) < statistics.mean(known[0])
