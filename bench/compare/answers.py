"""SAME, FASTER, SLOWER or UNCLEAR: what an estimate lets one say.

One false alarm in a hundred comparisons, at most, is what these constants are for: a comparison
being all its rows together, of which not one is faster or slower in truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.compare.ratio import LONE_FACTOR, Estimate, Floats

Answer = Literal["SAME", "FASTER", "SLOWER", "UNCLEAR"]

# How often a comparison says FASTER or SLOWER of anything when nothing has changed.  Less than half
# of the one in a hundred that is promised: a trimmed mean's quantiles are Student's nearly, not
# quite.  In simulations of ten rows, with 12 processes on one side and 5 on the other, alarms were
# 1.6 times as many as set here; with as many on both sides 1.0 to 1.3 times.
FALSE_ALARMS = 0.004

# And how often the ranks alone may say so.  Student's t knows only noise that is about normal.  On
# a machine whose processes get one of two speeds, as beside a neighbour who comes and goes, three
# processes of a side at one speed and three of the other at the other look like a sure factor of
# 1.7.  The ranks hold for noise of any shape, exactly, so this is the one in a hundred itself.  It
# asks for 8 pairs at least, or 5 processes a side.
RANK_ALARMS = 0.01

# A difference is at least so many standard errors.  With FALSE_ALARMS as it is, Student's quantile
# is never below 2.8, so this holds of itself; it stands here for whoever changes the other.
LEAST_STANDARD_ERRORS = 2.5

# The least difference that is called one.  Two runs of one program, an hour or a reboot apart,
# differ by up to 1 % without any cause that could be found, and no number of processes shows that,
# for all of a run share it.
LEAST_EFFECT = 0.02

# SAME means that a difference as large as this is ruled out.  It is what a comparison is asked to
# find; to rule out LEAST_EFFECT itself would take six times the processes.
NOTABLE_EFFECT = 0.05

# How often a true NOTABLE_EFFECT is to be found.
_POWER = 0.9
# With so many degrees of freedom, roughly, as a comparison with enough processes has.
_FREEDOM_THEN = 15.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What can be said of each estimate.

    words: an `Answer` each.
    low, high: the ends of the interval of the ratio B/A.
    enough: how many times as many processes would find `NOTABLE_EFFECT`; nan where nobody knows.
    """

    words: NDArray[np.str_]
    low: Floats
    high: Floats
    enough: Floats


def answer(estimate: Estimate, candidates: int | NDArray[np.int_] = 1, looks: int = 1) -> Answers:
    """The answers to comparisons whose rows lie along the last axis.

    candidates: of how many a row's A was chosen because it was the fastest.  The fastest of many
    is partly the luckiest, and anything would look slower beside it.
    looks: how often the same is asked as processes come in, until the answer is clear: each time
    takes its share of the false alarms that all may have (Bonferroni).
    """
    chance = _chance(estimate)
    farness = np.abs(estimate.centre) / estimate.error
    level = _levels(np.minimum(1.0, chance * candidates * looks), farness) / (candidates * looks)
    sure = chance <= level
    half = _errors(level, estimate.freedom) * estimate.error
    half = np.where(estimate.lone, math.log(LONE_FACTOR), half)
    low, high = estimate.centre - half, estimate.centre + half
    notable = math.log1p(NOTABLE_EFFECT)
    words = np.full(np.shape(low), "UNCLEAR")
    words[(low > -notable) & (high < notable)] = "SAME"
    words[sure & (low > 0) & (estimate.centre >= math.log1p(LEAST_EFFECT))] = "SLOWER"
    words[sure & (high < 0) & (estimate.centre <= -math.log1p(LEAST_EFFECT))] = "FASTER"
    then = _errors(level, np.maximum(estimate.freedom, _FREEDOM_THEN)) + stats.norm.ppf(_POWER)
    enough = np.where(estimate.lone, np.nan, (then * estimate.error / notable) ** 2)
    with np.errstate(over="ignore"):  # what is known with one degree of freedom may be anything
        return Answers(words, np.exp(low), np.exp(high), enough)


def _errors(level: Floats, freedom: Floats) -> Floats:
    """How many standard errors an interval reaches to either side."""
    quantiles: Floats = stats.t.isf(level / 2, freedom)
    return np.maximum(quantiles, LEAST_STANDARD_ERRORS)


def _chance(estimate: Estimate) -> Floats:
    """How often so great a difference comes about where there is none: the two-sided p.

    Student's or the ranks', whichever is larger, the ranks' on the scale of FALSE_ALARMS.  Beyond
    what any noise makes the ranks are not asked, and lone processes have nothing else.
    """
    distance = np.abs(estimate.centre) / estimate.error
    by_error: Floats = 2 * stats.t.sf(distance, estimate.freedom)
    beyond = np.abs(estimate.centre) > math.log(LONE_FACTOR)
    both = np.maximum(by_error, estimate.by_rank * FALSE_ALARMS / RANK_ALARMS)
    return np.where(
        beyond, np.where(estimate.lone, 0.0, by_error), np.where(estimate.lone, 1, both)
    )


def _levels(chances: Floats, farness: Floats) -> Floats:
    """The level that Holm's procedure holds each row to, so that all together keep FALSE_ALARMS.

    The least likely row is held to FALSE_ALARMS / rows; while rows pass, the next one is held to
    one row fewer; the first that does not pass sets the level of all that are left.  Of rows that
    are alike by rank, the one that is farther off by its error comes first.
    """
    rows = chances.shape[-1]
    order = np.lexsort((-farness, chances), axis=-1)
    steps = FALSE_ALARMS / np.arange(rows, 0, -1)
    passes = np.take_along_axis(chances, order, axis=-1) <= steps
    passed = np.logical_and.accumulate(passes, axis=-1).sum(axis=-1, keepdims=True)
    levels = steps[np.minimum(np.arange(rows), passed)]
    result: Floats = np.empty_like(levels)
    np.put_along_axis(result, order, levels, axis=-1)
    return result
