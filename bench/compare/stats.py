"""How many times as long B takes as A, and what that lets one say: SAME, FASTER, SLOWER or UNCLEAR.

One false alarm in a hundred comparisons, at most, is what the constants are for: a comparison is
all its rows together, none of which is faster or slower in truth.  All arithmetic is on logarithms:
a slow-down by a factor and a speed-up by the same factor are then equally far from zero, and noise
that multiplies is noise that adds.  Every function works along the last axis, so that a test can
ask about thousands of comparisons at once.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.typing import ArrayLike, NDArray

from bench.record.repeats import LEAST_REPEATS

Answer = Literal["SAME", "FASTER", "SLOWER", "UNCLEAR"]
Floats = NDArray[np.float64]

# The share of the repeats left out at either end, the slowest and the fastest.  A neighbour's burst
# makes single repeats 1.1 to 3 times as slow; one of them among twelve would double the interval of
# a plain mean.  On noise without bursts this costs 3 % of the interval's length.
TRIMMED = 0.1

# What a side of fewer repeats must differ by, then.  It is more than the noise of this kind of
# machine: the same small network took .97 s an epoch on a quiet box and up to 3.2 s beside
# neighbours, a factor of 3.3.
FACTOR_OF_FEW = 4.0

# How often a comparison says FASTER or SLOWER of anything when nothing has changed.  Less than half
# of the one in a hundred that is promised: a trimmed mean's quantiles are Student's nearly, not
# quite.  In simulations of ten rows, with 12 repeats on one side and 5 on the other, alarms were
# 1.6 times as many as set here; with as many on both sides 1.0 to 1.3 times.
FALSE_ALARMS = 0.004

# And how often the ranks alone may say so.  Student's t knows only noise that is about normal.  On
# a machine whose repeats get one of two speeds, as beside a neighbour who comes and goes, three
# repeats of a side at one speed and three of the other at the other look like a sure factor of 1.7.
# The ranks hold for noise of any shape, exactly, so this is the one in a hundred itself.  It asks
# for 8 pairs at least, or 5 repeats a side.
RANK_ALARMS = 0.01

# A difference is at least so many standard errors.  With FALSE_ALARMS as it is, Student's quantile
# is never below 2.8, so this holds of itself; it stands here for whoever changes the other.
LEAST_STANDARD_ERRORS = 2.5

# The least difference that is called one.  Two runs of one program, an hour or a reboot apart,
# differ by up to 1 % without any cause that could be found, and no number of repeats shows that,
# for all of a run share it.
LEAST_EFFECT = 0.02

# SAME means that a difference as large as this is ruled out.  It is what a comparison is asked to
# find; to rule out LEAST_EFFECT itself would take six times the repeats.
NOTABLE_EFFECT = 0.05

_POWER = 0.9  # how often a true NOTABLE_EFFECT is to be found
_USUAL_DF = 15.0  # degrees of freedom, roughly, of a comparison with enough repeats
_EXACT_UP_TO = 40  # repeats on the smaller side; above, the normal distribution is as good
_TINY = 1e-12  # two clocks' readings are never quite alike, but two made-up ones may be


@dataclass(frozen=True, slots=True)
class Estimate:
    """The logarithm of B's time over A's, one for each comparison.

    df: degrees of freedom that the error is known with.
    rank_p: two-sided p of Wilcoxon's tests, which hold for noise of any shape.
    too_few: too few repeats to know an error; then it, `df` and `rank_p` say nothing.
    """

    centre: Floats
    error: Floats
    df: Floats
    rank_p: Floats
    too_few: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """What can be said of each estimate.

    low, high: the ends of the interval of the ratio B/A.
    factor_needed: how many times as many repeats would find `NOTABLE_EFFECT`; nan where unknown.
    """

    words: NDArray[np.str_]
    low: Floats
    high: Floats
    factor_needed: Floats


def paired(a: ArrayLike, b: ArrayLike) -> Estimate:
    """The estimate from repeats that were trained in turn, `a[i]` beside `b[i]`.

    The trimmed mean of the differences, its error from the winsorised ones (Tukey, McLaughlin).

    a, b: s, shape (..., n).  What slows both of a pair, such as a drifting clock, cancels.
    """
    differences = np.log(np.asarray(b, float)) - np.log(np.asarray(a, float))
    count = differences.shape[-1]
    if count < LEAST_REPEATS:
        return _of_few(differences.mean(axis=-1))
    cut = int(TRIMMED * count)
    kept = count - 2 * cut
    centre = scipy.stats.trim_mean(differences, TRIMMED, axis=-1)
    ordered = np.sort(differences, axis=-1)
    low, high = ordered[..., [cut]], ordered[..., [count - cut - 1]]
    variance = np.clip(ordered, low, high).var(axis=-1, ddof=1)
    error = np.sqrt(variance * (count - 1) / (kept * (kept - 1)))
    rank_p = scipy.stats.wilcoxon(differences, axis=-1, method=_method(count)).pvalue
    # Where no pair differs there are no ranks.
    return _estimate(centre, error, kept - 1.0, np.nan_to_num(rank_p, nan=1.0))


def independent(a: ArrayLike, b: ArrayLike) -> Estimate:
    """The estimate from two runs, each with its own spread (Yuen's t: Welch's, trimmed).

    a: s, shape (..., n); b: s, shape (..., m).
    """
    before, after = np.log(np.asarray(a, float)), np.log(np.asarray(b, float))
    least = min(before.shape[-1], after.shape[-1])
    if least < LEAST_REPEATS:
        return _of_few(np.median(after, axis=-1) - np.median(before, axis=-1))
    with warnings.catch_warnings():  # times that are all alike have no spread, and need none
        warnings.simplefilter("ignore", RuntimeWarning)
        test = scipy.stats.ttest_ind(after, before, axis=-1, equal_var=False, trim=TRIMMED)
        interval = test.confidence_interval(0.5)
    error = (interval.high - interval.low) / 2 / scipy.stats.t.ppf(0.75, test.df)
    rank_p = scipy.stats.mannwhitneyu(before, after, axis=-1, method=_method(least)).pvalue
    return _estimate((interval.low + interval.high) / 2, error, test.df, rank_p)


def stack(estimates: Sequence[Estimate]) -> Estimate:
    """Single comparisons as the rows of one."""
    return Estimate(*map(np.array, zip(*map(astuple, estimates), strict=True)))


def answer(
    estimate: Estimate, candidates: int | NDArray[np.int_] = 1, interim_checks: int = 1
) -> Answers:
    """The answers to comparisons whose rows lie along the last axis.

    candidates: of how many a row's A was chosen because it was the fastest.  The fastest of many
        is partly the luckiest, and anything would look slower beside it.
    interim_checks: how often the same is asked as repeats come in, until the answer is clear: each
        time takes its share of the false alarms that all may have (Bonferroni).
    """
    tried = candidates * interim_checks
    chance = np.minimum(1.0, _chance(estimate) * tried)
    level = _levels(chance, np.abs(estimate.centre) / estimate.error) / tried
    sure = _chance(estimate) <= level
    half = _errors(level, estimate.df) * estimate.error
    half = np.where(estimate.too_few, math.log(FACTOR_OF_FEW), half)
    low, high = estimate.centre - half, estimate.centre + half
    notable = math.log1p(NOTABLE_EFFECT)
    words = np.full(np.shape(low), "UNCLEAR")
    words[(low > -notable) & (high < notable)] = "SAME"
    words[sure & (low > 0) & (estimate.centre >= math.log1p(LEAST_EFFECT))] = "SLOWER"
    words[sure & (high < 0) & (estimate.centre <= -math.log1p(LEAST_EFFECT))] = "FASTER"
    then = _errors(level, np.maximum(estimate.df, _USUAL_DF)) + scipy.stats.norm.ppf(_POWER)
    needed = np.where(estimate.too_few, np.nan, (then * estimate.error / notable) ** 2)
    with np.errstate(over="ignore"):  # what is known with one degree of freedom may be anything
        return Answers(words, np.exp(low), np.exp(high), needed)


def _method(count: int) -> str:
    """Wilcoxon's distribution is counted out where it is not yet a normal one."""
    return "exact" if count <= _EXACT_UP_TO else "asymptotic"


def _estimate(centre: Floats, error: Floats, df: float | Floats, rank_p: ArrayLike) -> Estimate:
    return Estimate(
        centre,
        np.maximum(error, _TINY),
        np.broadcast_to(df, np.shape(centre)),
        np.asarray(rank_p, float),
        np.zeros(np.shape(centre), bool),
    )


def _of_few(centre: Floats) -> Estimate:
    nothing = np.ones(np.shape(centre))
    return Estimate(centre, nothing, nothing, nothing, np.ones(np.shape(centre), bool))


def _errors(level: Floats, df: Floats) -> Floats:
    """How many standard errors an interval reaches to either side."""
    quantiles: Floats = scipy.stats.t.isf(level / 2, df)
    return np.maximum(quantiles, LEAST_STANDARD_ERRORS)


def _chance(estimate: Estimate) -> Floats:
    """How often so great a difference comes about where there is none: the two-sided p.

    Student's or the ranks', whichever is larger, the ranks' on the scale of FALSE_ALARMS.  Beyond
    what any noise makes the ranks are not asked, and too few repeats have nothing else.
    """
    by_error: Floats = 2 * scipy.stats.t.sf(np.abs(estimate.centre) / estimate.error, estimate.df)
    beyond = np.abs(estimate.centre) > math.log(FACTOR_OF_FEW)
    both = np.maximum(by_error, estimate.rank_p * FALSE_ALARMS / RANK_ALARMS)
    return np.where(
        beyond, np.where(estimate.too_few, 0.0, by_error), np.where(estimate.too_few, 1, both)
    )


def _levels(chances: Floats, distances: Floats) -> Floats:
    """The level that Holm's procedure holds each row to, so that all together keep FALSE_ALARMS.

    The least likely row is held to FALSE_ALARMS / rows; while rows pass, the next one is held to
    one row fewer; the first that does not pass sets the level of all that are left.  Of rows that
    are alike by rank, the one that is farther off by its error comes first.
    """
    rows = chances.shape[-1]
    order = np.lexsort((-distances, chances), axis=-1)
    steps = FALSE_ALARMS / np.arange(rows, 0, -1)
    passes = np.take_along_axis(chances, order, axis=-1) <= steps
    passed = np.logical_and.accumulate(passes, axis=-1).sum(axis=-1, keepdims=True)
    levels = steps[np.minimum(np.arange(rows), passed)]
    result: Floats = np.empty_like(levels)
    np.put_along_axis(result, order, levels, axis=-1)
    return result
