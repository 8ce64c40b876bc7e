"""Whether a training's epochs changed while it went on: a step, or a drift.

A median and a MAD do not see order: nine epochs of 1 s and five of 1.6 s have a MAD of 0.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Fewer epochs on either side of a change are an outlier or two.
LEAST_SIDE = 3
# The change that is told of, as a share of the median before it: as much as makes a row NOISY.
LEAST_CHANGE = 0.05
# … and in MADs of the epochs about the median of their side.  An even drift has 4.
_DEVIATIONS = 3.5
# The share of pairs, one epoch of either side, that differ in the direction of the change.
_APART = 0.95
# How often chance would put the epochs in this order.
_CHANCE = 0.01
# A dozen epochs are too few orders to tell by: there the change must be this large.
_LARGE_CHANGE, _MANY_DEVIATIONS = 0.20, 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """Two medians where there should be one.

    after: how many epochs lie before the change.
    before, now: median of the epochs on either side of it, in s.
    """

    after: int
    before: float
    now: float


def change(seconds: Sequence[float]) -> Change | None:
    """The change in a series of times, where it is more than their scatter; else None.

    Of series without a change, fewer than 1 in 100 have one found (tests/unit/test_drift.py).
    """
    points = range(LEAST_SIDE, len(seconds) - LEAST_SIDE + 1)
    if not points:
        return None
    point = min(points, key=lambda at: sum(_deviations(seconds, at)))
    found = Change(point, *map(statistics.median, (seconds[:point], seconds[point:])))
    chance = 2 * len(points) / math.comb(len(seconds), point)
    least, deviations = LEAST_CHANGE, _DEVIATIONS
    if chance > _CHANCE:
        least, deviations = _LARGE_CHANGE, _MANY_DEVIATIONS
    scatter = statistics.median(_deviations(seconds, point))
    if abs(found.now - found.before) < max(least * found.before, deviations * scatter):
        return None
    return found if _pairs_apart(seconds, found) >= _APART else None


def _deviations(seconds: Sequence[float], point: int) -> list[float]:
    """Each epoch's distance from the median of its side."""
    found: list[float] = []
    for side in (seconds[:point], seconds[point:]):
        middle = statistics.median(side)
        found += [abs(each - middle) for each in side]
    return found


def _pairs_apart(seconds: Sequence[float], found: Change) -> float:
    before, now = seconds[: found.after], seconds[found.after :]
    slower = found.now > found.before
    apart = [(one < other) if slower else (one > other) for one in before for other in now]
    return sum(apart) / len(apart)
