"""Two trainings at the same time, each on its half of the processors, and how far they differ.

A shared machine changes its pace: trainings that do the same, one after the other, differ by 5 %
and more (docs/compare.md), and only hundreds of them would show 2 %.  What runs at the same time
runs at the same pace.  On one GPU two trainings would get in each other's way, though: there they
take turns.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from bench.compare import stats as ratios


@dataclass(frozen=True)
class Epochs:
    """When the epochs of one side began and ended, in s on CLOCK_MONOTONIC."""

    spans: Sequence[tuple[float, float]]

    @property
    def mean(self) -> float:
        """In s."""
        return statistics.mean(ended - begun for begun, ended in self.spans)

    def within(self, other: Epochs) -> Epochs:
        """Those that lie within the other's: meanwhile, that trained as well."""
        first, last = other.spans[0][0], other.spans[-1][1]
        return Epochs([span for span in self.spans if first <= span[0] and span[1] <= last])


Train = Callable[[], Epochs]


def in_turn(one: Train, other: Train) -> tuple[float, float]:
    """Their mean epochs, in s: one, other, other, one, so that a steady drift cancels."""
    first, *others, last = (train().mean for train in (one, other, other, one))
    return statistics.mean((first, last)), statistics.mean(others)


def at_once(one: Train, other: Train) -> tuple[float, float]:
    """Their mean epochs, in s, of those that were trained while the other side trained as well.

    Twice, on swapped halves: on one machine a half was 1.5 % better than the other.  What the sides
    start inherits the processors of the thread that starts it, so they must start their processes
    and threads themselves.
    """
    half, other_half = _halves()
    mine, others = zip(
        _on_halves((half, one), (other_half, other)),
        _on_halves((other_half, one), (half, other)),
        strict=True,
    )
    return statistics.mean(mine), statistics.mean(others)


def print_ratio(
    named: dict[str, Train],
    together: Callable[[Train, Train], tuple[float, float]],
    pairs: int,
) -> None:
    """Trains both as often, and prints the mean epochs and their ratio.

    named: what is looked at, and what it is held against.
    together: `at_once` or `in_turn`.
    """
    (name, one), (against, other) = named.items()
    ones, others = [], []
    for pair in range(1, pairs + 1):
        mine, its = together(one, other)
        ones.append(mine)
        others.append(its)
        print(f"pair {pair}: {name} {mine:.3f} s, {against} {its:.3f} s, ratio {mine / its:.4f}")
    print(in_words(ones, others))


def in_words(ones: Sequence[float], others: Sequence[float]) -> str:
    """The ratio of the first to the second, with its interval of 95 %: `1.004 (0.996 to 1.012)`."""
    estimate = ratios.paired(others, ones)
    reach = stats.t.isf(0.025, estimate.df) * estimate.error
    low, centre, high = np.exp(estimate.centre + reach * np.array([-1, 0, 1]))
    return f"ratio {centre:.4f} ({low:.4f} to {high:.4f}) in {len(ones)} pairs"


def _halves() -> list[set[int]]:
    processors = sorted(os.sched_getaffinity(0))
    half = len(processors) // 2
    if not half:
        pytest.skip("two trainings at once need two processors")
    return [set(processors[:half]), set(processors[half : 2 * half])]


def _on_halves(*sides: tuple[set[int], Train]) -> tuple[float, float]:
    with ThreadPoolExecutor(len(sides)) as pool:
        begun = [pool.submit(_on, *side) for side in sides]
        one, other = (each.result() for each in begun)
    return one.within(other).mean, other.within(one).mean


def _on(processors: set[int], train: Train) -> Epochs:
    os.sched_setaffinity(0, processors)  # of this thread alone, which ends with its pool
    return train()
