"""The estimates against scipy's own tests, which do the same for single comparisons."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from bench.compare import ratio
from bench.compare.ratio import Floats, apart, in_pairs

_TIMES = st.floats(1e-3, 1e3)


def _medians(least: int = 3) -> st.SearchStrategy[Floats]:
    return st.integers(least, 40).flatmap(lambda n: arrays.arrays(float, n, elements=_TIMES))


@given(_medians(), _medians())
def test_two_runs_are_judged_by_yuens_t(a: Floats, b: Floats) -> None:
    estimate = apart(a, b)
    if estimate.error < 1e-6:  # scipy has no answer where nothing varies
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's, of a side that hardly varies
        expected = stats.ttest_ind(np.log(b), np.log(a), equal_var=False, trim=ratio.TRIMMED)
    assert estimate.centre / estimate.error == pytest.approx(expected.statistic, rel=1e-6, abs=1e-6)
    assert 2 * stats.t.sf(abs(estimate.centre) / estimate.error, estimate.freedom) == pytest.approx(
        expected.pvalue, rel=1e-5, abs=1e-9
    )


@given(st.integers(3, 9).flatmap(lambda n: arrays.arrays(float, (2, n), elements=_TIMES)))
def test_few_pairs_are_judged_by_the_plain_paired_t(pairs: Floats) -> None:
    a, b = pairs
    estimate = in_pairs(a, b)
    if estimate.error < 1e-6:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.ttest_rel(np.log(b), np.log(a))
    assert estimate.centre / estimate.error == pytest.approx(expected.statistic, rel=1e-6, abs=1e-6)
    assert estimate.freedom == expected.df


@given(_medians(), st.floats(0.1, 10.0))
def test_what_slows_everything_alike_shows_as_its_factor(a: Floats, factor: float) -> None:
    for estimate in (in_pairs(a, a * factor), apart(a, a * factor)):
        assert math.exp(estimate.centre) == pytest.approx(factor)


@given(_medians(), _medians())
def test_changing_sides_changes_the_sign_and_nothing_else(a: Floats, b: Floats) -> None:
    one, other = apart(a, b), apart(b, a)
    assert one.centre == pytest.approx(-other.centre, abs=1e-12)
    assert one.error == pytest.approx(other.error)
    assert one.freedom == pytest.approx(other.freedom)


def test_one_burst_among_twelve_processes_does_not_move_the_estimate() -> None:
    quiet = np.array([0.98, 0.99, 1.0, 1.01, 1.02, 0.985, 1.015, 0.995, 1.005, 1.0, 0.99, 1.01])
    burst = quiet.copy()
    burst[3] = 3.0
    estimate = apart(quiet, burst)
    assert abs(estimate.centre) < 0.005
    assert estimate.error < 1.5 * apart(quiet, quiet).error


@pytest.mark.parametrize(("before", "now"), [(1, 1), (1, 12), (12, 2), (2, 2)])
def test_fewer_than_three_processes_on_a_side_have_no_spread_to_judge_by(
    before: int, now: int
) -> None:
    estimate = apart(np.ones(before), 2 * np.ones(now))
    assert estimate.lone
    assert math.exp(estimate.centre) == pytest.approx(2.0)


def test_many_comparisons_at_once_come_out_as_each_alone() -> None:
    draw = np.random.default_rng(5)
    a, b = draw.lognormal(0, 0.1, (2, 4, 3, 12))
    for function in (apart, in_pairs):
        together = function(a, b)
        for index in np.ndindex(4, 3):
            alone = function(a[index], b[index])
            assert together.centre[index] == pytest.approx(alone.centre)
            assert together.error[index] == pytest.approx(alone.error)
            assert together.freedom[index] == pytest.approx(alone.freedom)
