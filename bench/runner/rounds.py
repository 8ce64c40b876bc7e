"""Hands a child's epoch times to pytest-benchmark as its rounds, through its public interface.

`benchmark.pedantic` times its target with the timer that the test's marker names.  Here that timer
is a clock which stands still until an epoch comes in and then moves by exactly what the child
measured, so the rounds are the child's own epoch times, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.record.timing import EpochTiming


class EpochClock:
    """A timer that only epochs move.  Use one per test: `pytest.mark.benchmark(timer=clock)`."""

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


def rounds_of(
    benchmark: object, clock: EpochClock, epochs: Iterator[EpochTiming], count: int
) -> None:
    """Runs pytest-benchmark over the epochs: the first as its warm-up, the others as its rounds."""

    def next_epoch() -> None:
        clock.advance(next(epochs).seconds)

    benchmark.pedantic(  # type: ignore[attr-defined]
        next_epoch, setup=clock.reset, rounds=count - 1, warmup_rounds=1, iterations=1
    )
    for _ in epochs:  # with --benchmark-disable it asks for one epoch only
        pass


def rounds_of_seconds(benchmark: object, clock: EpochClock, seconds: Sequence[float]) -> None:
    """Has pytest-benchmark take times that are known already for its rounds."""
    each = iter(seconds)
    benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: clock.advance(next(each)), setup=clock.reset, rounds=len(seconds), iterations=1
    )
