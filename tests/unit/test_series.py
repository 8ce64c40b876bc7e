"""Readings over time: what they say about a window between them."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.observe.sampler import Series
from bench.record.measured import both, known, unknown

_POWER = st.lists(st.floats(0, 700), min_size=3, max_size=40)
_CUT = st.floats(0.0, 1.0)


def series(values: list[float], step: float = 0.5) -> Series:
    found = Series()
    for number, value in enumerate(values):
        found.add(number * step, known(value))
    return found


def test_a_counter_is_read_between_its_readings_along_a_line() -> None:
    counter = series([0.0, 100.0, 300.0])
    assert counter.increase(0.25, 0.75).value == pytest.approx(150.0)
    assert counter.increase(0.0, 1.0).value == pytest.approx(300.0)


@given(_POWER, _CUT, _CUT, _CUT)
def test_what_two_neighbouring_windows_hold_is_what_both_hold_together(
    values: list[float], first: float, second: float, third: float
) -> None:
    total = 0.5 * (len(values) - 1)
    begun, cut, ended = sorted(total * share for share in (first, second, third))
    power = series(values)
    parts = both(power.integral(begun, cut), power.integral(cut, ended), operator.add)
    assert parts.value == pytest.approx(power.integral(begun, ended).value, abs=1e-6)


@given(st.floats(0, 700), _CUT, _CUT)
def test_the_area_below_a_constant_is_its_product_with_the_time(
    watts: float, first: float, second: float
) -> None:
    begun, ended = sorted((5 * first, 5 * second))
    area = series([watts] * 11).integral(begun, ended)
    assert area.value == pytest.approx(watts * (ended - begun), abs=1e-6)


@given(_POWER, _CUT, _CUT)
def test_a_mean_lies_between_the_lowest_and_the_highest(
    values: list[float], first: float, second: float
) -> None:
    total = 0.5 * (len(values) - 1)
    begun, ended = sorted((total * first, total * second))
    power = series(values)
    looks = (Series.lowest, Series.mean, Series.highest)
    lowest, mean, highest = (look(power, begun, ended).value or 0.0 for look in looks)
    assert lowest - 1e-9 <= mean <= highest + 1e-9


def test_only_the_readings_of_the_window_count() -> None:
    assert series([1.0, 5.0, 7.0, 90.0]).highest(0.4, 1.1).value == 7.0


def test_in_a_window_without_a_reading_the_one_before_it_stands() -> None:
    assert series([1.0, 5.0, 7.0]).mean(0.6, 0.9).value == 5.0


@pytest.mark.parametrize(("begun", "ended"), [(-0.1, 0.5), (0.5, 1.1)])
def test_a_window_that_reaches_beyond_the_readings_has_no_increase(
    begun: float, ended: float
) -> None:
    why = series([1.0, 5.0, 7.0]).increase(begun, ended).why
    assert why == "the readings do not reach over all of these epochs"


def test_a_counter_that_went_back_is_none() -> None:
    assert series([100.0, 50.0]).increase(0.0, 0.5).why == "the counter went back"


def test_a_gap_outside_the_window_does_no_harm() -> None:
    counter = series([0.0, 10.0, 20.0])
    counter.add(60.0, known(30.0))
    assert counter.increase(0.1, 0.9).why is None
    assert "waiting for 59.0 s" in str(counter.increase(0.1, 2.0).why)


def test_without_a_reading_the_last_reason_stands() -> None:
    refused = Series()
    refused.add(0.0, unknown("busy"))
    refused.add(1.0, unknown("not supported by this GPU"))
    for look in (Series.mean, Series.highest, Series.lowest, Series.increase, Series.integral):
        assert look(refused, 0.0, 1.0).why == "not supported by this GPU"
    assert refused.first().why == refused.last().why == "not supported by this GPU"
    assert Series().first().why == "no reading in these epochs"
