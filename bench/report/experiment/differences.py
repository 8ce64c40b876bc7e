"""How much better one arm learned than another, and whether that may be said.

What is said to be better is wrong in fewer than one of a hundred experiments, all arms together:
the intervals are Student's, at a level that the arms share (Bonferroni).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import scipy  # its parts are loaded where they are first used

Word = Literal["BETTER", "WORSE", "SAME", "UNCLEAR"]

# How often anything is called better or worse where nothing is.
FALSE_CLAIMS = 0.01
# Fewer seeds say nothing of how far seeds differ.
LEAST_SEEDS = 3
_POWER = 0.9  # how often a difference that matters is to be found


@dataclass(frozen=True, slots=True)
class Difference:
    """What an arm gains compared with the baseline; negative where it loses.

    gain: the mean of its seeds, less the baseline's; of an MSE the other way round.
    low, high: its interval; None with too few seeds.
    seeds: of each arm, the fewer of both; paired: whether seed by seed.
    seeds_needed: of each arm, to see a difference that matters; None where nobody knows.
    """

    word: Word
    gain: float
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    paired: bool = False
    seeds_needed: int | None = None


def difference(
    baseline: Mapping[int, float],
    arm: Mapping[int, float],
    *,
    paired: bool,
    notable: float,
    arms: int = 1,
) -> Difference:
    """The difference of two arms' qualities, by seed, the greater the better.

    paired: whether a seed means the same weights and order in both, so that it is worth pairing.
    notable: the least that matters.
    arms: how many are compared with the baseline.
    """
    seeds = sorted(baseline.keys() & arm.keys())
    if paired and len(seeds) >= LEAST_SEEDS:
        each = [arm[seed] - baseline[seed] for seed in seeds]
        return _judged(
            statistics.mean(each),
            statistics.variance(each) / len(each),
            len(each) - 1.0,
            len(each),
            notable,
            arms,
            paired=True,
        )
    a, b = list(baseline.values()), list(arm.values())
    gain = statistics.mean(b) - statistics.mean(a)
    if min(len(a), len(b)) < LEAST_SEEDS:
        if paired and seeds:  # a seed that one arm alone has says nothing of the other
            gain = statistics.mean(arm[seed] - baseline[seed] for seed in seeds)
        return Difference("UNCLEAR", gain, seeds=min(len(a), len(b)))
    parts = [(statistics.variance(one) / len(one), len(one)) for one in (a, b)]
    error = sum(part for part, _ in parts)
    below = sum(part**2 / (count - 1) for part, count in parts)
    freedom = error**2 / below if below else float(len(a) + len(b) - 2)  # Welch, Satterthwaite
    return _judged(gain, error, freedom, min(len(a), len(b)), notable, arms, paired=False)


def _judged(
    gain: float,
    variance: float,
    freedom: float,
    seeds: int,
    notable: float,
    arms: int,
    *,
    paired: bool,
) -> Difference:
    """The word for a gain whose mean has this variance, from so many seeds."""
    level, error = FALSE_CLAIMS / arms, math.sqrt(variance)
    half = float(scipy.stats.t.isf(level / 2, freedom)) * error
    low, high = gain - half, gain + half
    word: Word = "UNCLEAR"
    if low > 0 or high < 0:
        word = "BETTER" if low > 0 else "WORSE"
    elif -notable < low and high < notable:
        word = "SAME"
    reach = float(scipy.stats.norm.isf(level / 2) + scipy.stats.norm.ppf(_POWER))
    needed = max(LEAST_SEEDS, math.ceil(seeds * (reach * error / notable) ** 2))
    return Difference(word, gain, low, high, seeds, paired, needed)
