"""Hands times that a child measured to pytest-benchmark, through its public interface.

`benchmark.pedantic` times its target with the timer that the test's marker names.  Here that timer
is a clock that each round moves by exactly what the child measured, so the rounds are the child's
own times, to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class EpochClock:
    """A timer that only rounds move.  Use one per test: `pytest.mark.benchmark(timer=clock)`."""

    __name__ = "EpochClock"

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """Seconds since `reset`."""
        return self._now

    def reset(self) -> None:
        """Back to nought, so that a round's length is not the difference of two large numbers."""
        self._now = 0.0

    def advance(self, seconds: float) -> None:
        """Moves the clock."""
        self._now += seconds


def rounds_of(benchmark: Any, clock: EpochClock, seconds: Sequence[float]) -> None:
    """Has pytest-benchmark take times that are known for its rounds, if there are any."""
    if not seconds:
        return
    each = iter(seconds)
    benchmark.pedantic(
        lambda: clock.advance(next(each)), setup=clock.reset, rounds=len(seconds), iterations=1
    )
