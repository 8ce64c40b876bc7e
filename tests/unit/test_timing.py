from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.record.timing import EpochTiming, Timings

_SECONDS = st.lists(st.floats(1e-4, 1e4), min_size=2, max_size=20)


def timings(*seconds: float, images: int = 60_000) -> Timings:
    return Timings(
        tuple(EpochTiming(i, 0.0, length, images, 0.5) for i, length in enumerate(seconds, start=1))
    )


def test_the_first_epoch_is_in_no_figure_of_the_steady_ones() -> None:
    slow, slower = timings(9.0, 1.0, 2.0, 3.0), timings(900.0, 1.0, 2.0, 3.0)
    assert (slow.first, slower.first) == (9.0, 900.0)
    assert slow.steady == slower.steady == (1.0, 2.0, 3.0)
    assert slow.median == slower.median == 2.0
    assert slow.spread == slower.spread == 1.0
    assert slow.images_per_second == slower.images_per_second == 30_000.0


def test_one_epoch_that_a_neighbour_slowed_moves_neither_median_nor_spread_far() -> None:
    assert timings(2.0, 1.0, 1.0, 1.0, 50.0).median == 1.0
    assert timings(2.0, 1.0, 1.0, 1.0, 50.0).spread == 0.0


def test_what_lies_before_an_epoch_is_told_of_the_steady_ones_and_in_none_of_them() -> None:
    epochs = [EpochTiming(n, 0.0, 1.5, 100, 0.5, paused=n / 10) for n in (1, 2, 3)]
    assert Timings(tuple(epochs)).paused == (0.2, 0.3)
    assert Timings(tuple(epochs)).steady == (1.5, 1.5)
    assert timings(1.5, 1.5).paused is None


def test_two_epochs_are_enough_for_a_median_and_a_spread() -> None:
    two = timings(2.0, 1.5)
    assert (two.first, two.median, two.spread) == (2.0, 1.5, 0.0)


def test_an_epochs_length_is_the_time_between_its_two_readings() -> None:
    assert EpochTiming(3, begun=1000.25, ended=1001.0, images=1, loss=0.0).seconds == 0.75


@given(_SECONDS)
def test_the_spread_is_the_median_distance_from_the_median(seconds: list[float]) -> None:
    run = timings(*seconds)
    middle = statistics.median(seconds[1:])
    assert run.spread == statistics.median([abs(s - middle) for s in seconds[1:]])
    assert min(run.steady) <= run.median <= max(run.steady)


@given(_SECONDS, st.floats(0.1, 10.0))
def test_a_machine_twice_as_slow_has_twice_the_times_and_the_same_relative_spread(
    seconds: list[float], factor: float
) -> None:
    run, slower = timings(*seconds), timings(*(factor * s for s in seconds))
    assert math.isclose(slower.median, factor * run.median)
    assert math.isclose(slower.spread, factor * run.spread, abs_tol=1e-9 * slower.median)
    assert math.isclose(slower.images_per_second, run.images_per_second / factor)


# ---- at the same time


def _timings(*spans: tuple[float, float]) -> Timings:
    return Timings(
        tuple(EpochTiming(i, *span, images=100, loss=0.5) for i, span in enumerate(spans, 1))
    )


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (_timings((0, 5), (10, 12), (12, 14)), 1.0),
        (_timings((0, 5), (10, 11), (11, 12)), 0.5),
        (_timings((0, 5), (13, 20), (20, 30)), 0.25),
        (_timings((0, 5), (90, 91), (91, 92)), 0.0),
    ],
)
def test_the_time_that_counts_as_concurrent_is_where_both_were_in_steady_epochs(
    other: Timings, share: float
) -> None:
    own = _timings((0, 9), (10, 12), (12, 14))
    assert own.concurrent_share([other]) == pytest.approx(share)
    assert own.concurrent_share([own, other]) == pytest.approx(share)
