"""How many times as long B takes as A, from the median steady epochs of their processes.

All arithmetic is on logarithms: a slow-down by a factor and a speed-up by the same factor are then
equally far from nought, and noise that multiplies is noise that adds.  Every function works along
the last axis, so that a test can ask about thousands of comparisons at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

# The share of the processes left out at either end, the slowest and the fastest.  A neighbour's
# burst makes single processes 1.1 to 3 times as slow; one of them among twelve would double the
# interval of a plain mean.  On noise without bursts this costs 3 % of the interval's length.
TRIMMED = 0.1

# Fewer processes than these on a side, and their spread is not known well enough to be used at all.
LEAST_PROCESSES = 3

# What a side of fewer processes must differ by, then.  It is more than the noise of this kind of
# machine: the same small network took .97 s an epoch on a quiet box and up to 3.2 s beside
# neighbours, a factor of 3.3.
LONE_FACTOR = 4.0

_COUNTED_OUT = 40  # processes on the smaller side; above, the normal distribution is as good

_TINY = 1e-12  # two clocks' readings are never quite alike, but two made-up ones may be


@dataclass(frozen=True, slots=True)
class Estimate:
    """The logarithm of B's time over A's, one for each comparison.

    centre: the estimate.
    error: its standard error.
    freedom: degrees of freedom that the error is known with.
    by_rank: how often the order alone of the times comes out as one-sided as this where nothing is
        different (two-sided p of Wilcoxon's tests).  It holds whatever the noise looks like.
    lone: too few processes to know an error; then it and `freedom` say nothing.
    """

    centre: Floats
    error: Floats
    freedom: Floats
    by_rank: Floats
    lone: NDArray[np.bool_]


def in_pairs(a: ArrayLike, b: ArrayLike) -> Estimate:
    """The estimate from processes that were trained in turn, `a[i]` beside `b[i]`.

    a, b: s, shape (..., n).  What slows both of a pair, such as a drifting clock, cancels.
    """
    differences = np.log(np.asarray(b, float)) - np.log(np.asarray(a, float))
    if differences.shape[-1] < LEAST_PROCESSES:
        return _lone(differences.mean(axis=-1))
    centre, square, freedom = _trimmed_mean(differences)
    by_rank = stats.wilcoxon(differences, axis=-1, method=_exact(differences.shape[-1])).pvalue
    # Where no pair differs there are no ranks.
    return _estimate(centre, np.sqrt(square), freedom, np.nan_to_num(by_rank, nan=1.0))


def apart(a: ArrayLike, b: ArrayLike) -> Estimate:
    """The estimate from two runs, each with its own spread (Yuen's and Welch's t).

    a: s, shape (..., n); b: s, shape (..., m).
    """
    one, other = np.log(np.asarray(a, float)), np.log(np.asarray(b, float))
    if min(one.shape[-1], other.shape[-1]) < LEAST_PROCESSES:
        return _lone(np.median(other, axis=-1) - np.median(one, axis=-1))
    (before, s, n), (after, t, m) = _trimmed_mean(one), _trimmed_mean(other)
    square = np.maximum(s + t, _TINY**2)
    freedom = square**2 / np.maximum(s**2 / n + t**2 / m, _TINY**4)
    method = _exact(min(one.shape[-1], other.shape[-1]))
    by_rank = stats.mannwhitneyu(one, other, axis=-1, method=method).pvalue
    return _estimate(after - before, np.sqrt(square), freedom, by_rank)


def joined(estimates: list[Estimate]) -> Estimate:
    """Single comparisons as the rows of one."""
    return Estimate(
        np.array([float(each.centre) for each in estimates]),
        np.array([float(each.error) for each in estimates]),
        np.array([float(each.freedom) for each in estimates]),
        np.array([float(each.by_rank) for each in estimates]),
        np.array([bool(each.lone) for each in estimates]),
    )


def _trimmed_mean(values: Floats) -> tuple[Floats, Floats, float]:
    """The trimmed mean, its squared standard error and degrees of freedom (Tukey, McLaughlin).

    The error comes from the winsorised values: those left out count as the last ones kept.
    """
    count = values.shape[-1]
    cut = int(TRIMMED * count)
    kept = count - 2 * cut
    ordered = np.sort(values, axis=-1)
    low, high = ordered[..., [cut]], ordered[..., [count - cut - 1]]
    variance = np.clip(ordered, low, high).var(axis=-1, ddof=1)
    centre = ordered[..., cut : count - cut].mean(axis=-1)
    return centre, variance * (count - 1) / (kept * (kept - 1)), kept - 1.0


def _exact(count: int) -> str:
    """Wilcoxon's distribution is counted out where it is not yet a normal one."""
    return "exact" if count <= _COUNTED_OUT else "asymptotic"


def _estimate(
    centre: Floats, error: Floats, freedom: float | Floats, by_rank: ArrayLike
) -> Estimate:
    return Estimate(
        centre,
        np.maximum(error, _TINY),
        np.broadcast_to(freedom, np.shape(centre)),
        np.asarray(by_rank, float),
        np.zeros(np.shape(centre), bool),
    )


def _lone(centre: Floats) -> Estimate:
    nothing = np.ones(np.shape(centre))
    return Estimate(centre, nothing, nothing, nothing, np.ones(np.shape(centre), bool))
