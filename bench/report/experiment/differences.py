"""How much better one arm learned than another, and whether that may be said.

What is said to be better is wrong in fewer than one of a hundred experiments, all arms together:
the intervals are Student's, at a level that the arms share (Bonferroni).
"""

from __future__ import annotations

import math
import statistics
import warnings
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
    both = sorted(baseline.keys() & arm.keys())
    in_pairs = paired and len(both) >= LEAST_SEEDS
    if in_pairs:
        a, b = ([qualities[seed] for seed in both] for qualities in (baseline, arm))
    else:
        a, b = list(baseline.values()), list(arm.values())
    seeds, gain = min(len(a), len(b)), statistics.mean(b) - statistics.mean(a)
    if seeds < LEAST_SEEDS:
        if paired and both:  # a seed that one arm alone has says nothing of the other
            gain = statistics.mean(arm[seed] - baseline[seed] for seed in both)
        return Difference("UNCLEAR", gain, seeds=seeds)
    level = FALSE_CLAIMS / arms
    with warnings.catch_warnings():  # qualities that are all alike have no spread, and need none
        warnings.simplefilter("ignore", RuntimeWarning)
        test = (
            scipy.stats.ttest_rel(b, a)
            if in_pairs
            else scipy.stats.ttest_ind(b, a, equal_var=False)
        )
        low, high = map(float, test.confidence_interval(1 - level))
    error = (high - low) / 2 / float(scipy.stats.t.isf(level / 2, test.df))
    reach = float(scipy.stats.norm.isf(level / 2) + scipy.stats.norm.ppf(_POWER))
    needed = max(LEAST_SEEDS, math.ceil(seeds * (reach * error / notable) ** 2))
    return Difference(_word(low, high, notable), gain, low, high, seeds, in_pairs, needed)


def _word(low: float, high: float, notable: float) -> Word:
    if low > 0 or high < 0:
        return "BETTER" if low > 0 else "WORSE"
    return "SAME" if -notable < low and high < notable else "UNCLEAR"
