from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.compare import stats
from bench.compare.stats import (
    FACTOR_OF_FEW,
    FALSE_ALARMS,
    LEAST_EFFECT,
    NOTABLE_EFFECT,
    Estimate,
    Floats,
    answer,
    independent,
    paired,
)
from bench.record.repeats import ENOUGH


def _estimate(
    *centres: float, error: float = 0.004, df: float = 20.0, rank_p: float = 1e-6
) -> Estimate:
    """Rows with these ratios; `error` is on the log scale."""
    rows = len(centres)
    return Estimate(
        np.log(np.array(centres)),
        np.full(rows, error),
        np.full(rows, df),
        np.full(rows, rank_p),
        np.zeros(rows, bool),
    )


def _of_few(*centres: float) -> Estimate:
    nothing = np.ones(len(centres))
    lone = np.ones(len(centres), bool)
    return Estimate(np.log(np.array(centres)), nothing, nothing, nothing, lone)


def _words(estimate: Estimate, candidates: int = 1) -> list[str]:
    return [str(word) for word in answer(estimate, candidates).words]


@pytest.mark.parametrize(
    ("ratio", "error", "word"),
    [
        (1.05, 0.004, "SLOWER"),
        (1 / 1.05, 0.004, "FASTER"),
        (1.0, 0.004, "SAME"),
        (1.019, 0.0001, "SAME"),  # certain, and too small to be called a difference
        (1.021, 0.0001, "SLOWER"),
        (1.0, 0.03, "UNCLEAR"),
        (1.05, 0.03, "UNCLEAR"),
        (1.5, 0.03, "SLOWER"),
    ],
)
def test_the_answer_follows_from_the_interval_and_the_least_effect(
    ratio: float, error: float, word: str
) -> None:
    assert _words(_estimate(ratio, error=error)) == [word]


@pytest.mark.parametrize(
    ("rows", "rank_p", "word"),
    [(1, 0.0099, "SLOWER"), (1, 0.0101, "UNCLEAR"), (2, 0.0049, "SLOWER"), (2, 0.0101, "UNCLEAR")],
)
def test_a_difference_that_the_ranks_do_not_show_is_unclear(
    rows: int, rank_p: float, word: str
) -> None:
    assert _words(_estimate(*[1.5] * rows, rank_p=rank_p)) == [word] * rows


def test_beyond_what_any_noise_makes_the_ranks_are_not_asked() -> None:
    assert _words(_estimate(4.1, rank_p=1.0)) == ["SLOWER"]


@given(
    st.lists(
        st.tuples(st.floats(0.2, 5.0), st.floats(1e-4, 1.0), st.floats(1.0, 60.0), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 30),
)
def test_every_word_is_what_its_interval_says(
    rows: list[tuple[float, float, float, bool]], candidates: int
) -> None:
    centre, error, df, lone = (np.array(column) for column in zip(*rows, strict=True))
    rank_p = np.full(len(rows), 1e-6)
    estimate = Estimate(np.log(centre), error, df, rank_p, lone.astype(bool))
    said = answer(estimate, candidates)
    for word, low, high, ratio in zip(said.words, said.low, said.high, centre, strict=True):
        assert low <= ratio <= high
        if word == "SLOWER":
            assert low > 1
            assert ratio > 1 + LEAST_EFFECT / 2
        elif word == "FASTER":
            assert high < 1
            assert ratio < 1 - LEAST_EFFECT / 2
        elif word == "SAME":
            assert low > 1 / (1 + NOTABLE_EFFECT)
            assert high < 1 + NOTABLE_EFFECT
        else:
            assert low <= 1 <= high or 1 / (1 + LEAST_EFFECT) < ratio < 1 + LEAST_EFFECT


@given(st.floats(0.2, 5.0), st.floats(1e-4, 1.0), st.floats(1.0, 60.0))
def test_looking_from_the_other_side_says_the_opposite(
    ratio: float, error: float, df: float
) -> None:
    opposite = {"SLOWER": "FASTER", "FASTER": "SLOWER", "SAME": "SAME", "UNCLEAR": "UNCLEAR"}
    (one,) = _words(_estimate(ratio, error=error, df=df))
    (other,) = _words(_estimate(1 / ratio, error=error, df=df))
    assert other == opposite[one]


def test_an_interval_is_never_shorter_than_so_many_standard_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stats, "FALSE_ALARMS", 0.5)
    said = answer(_estimate(1.0, error=0.01, df=1e6))
    assert math.log(said.high[0]) == pytest.approx(stats.LEAST_STANDARD_ERRORS * 0.01)


def test_more_rows_make_each_rows_interval_longer() -> None:
    alone = answer(_estimate(1.0)).high[0]
    among_ten = answer(_estimate(*[1.0] * 10)).high[0]
    assert among_ten > alone


def test_a_row_that_surely_differs_leaves_more_of_the_risk_to_the_others() -> None:
    beside_a_difference = answer(_estimate(2.0, 1.0)).high[1]
    beside_none = answer(_estimate(1.0, 1.0)).high[1]
    alone = answer(_estimate(1.0)).high[0]
    assert alone == pytest.approx(beside_a_difference)
    assert beside_none > alone


def test_the_order_of_the_rows_does_not_matter() -> None:
    ratios = [1.0, 1.05, 0.9, 1.01, 1.2]
    forth, back = answer(_estimate(*ratios)), answer(_estimate(*reversed(ratios)))
    assert list(forth.words) == list(reversed(back.words))
    assert forth.low == pytest.approx(back.low[::-1])


def test_the_fastest_of_many_has_to_be_missed_by_more() -> None:
    assert _words(_estimate(1.03, error=0.009)) == ["SLOWER"]
    assert _words(_estimate(1.03, error=0.009), candidates=50) == ["UNCLEAR"]


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(1.0, "UNCLEAR"), (1.5, "UNCLEAR"), (3.3, "UNCLEAR"), (4.1, "SLOWER"), (1 / 4.1, "FASTER")],
)
def test_too_few_repeats_tell_only_what_no_noise_makes(ratio: float, word: str) -> None:
    assert _words(_of_few(ratio)) == [word]


def test_the_interval_of_too_few_repeats_is_what_noise_can_make() -> None:
    said = answer(_of_few(1.5))
    assert (said.low[0], said.high[0]) == (
        pytest.approx(1.5 / FACTOR_OF_FEW),
        pytest.approx(1.5 * FACTOR_OF_FEW),
    )
    assert math.isnan(said.factor_needed[0])


def test_as_many_repeats_as_it_asks_for_find_the_notable_effect_nine_times_in_ten() -> None:
    draw = np.random.default_rng(11)
    noise, few = 0.04, 12
    a, b = draw.normal(0, noise, (2, 2000, 1, few))
    times = float(np.median(answer(independent(np.exp(a), np.exp(b))).factor_needed))
    count = math.ceil(few * times)
    assert count > ENOUGH
    a, b = draw.normal(0, noise, (2, 2000, 1, count))
    words = answer(independent(np.exp(a), (1 + NOTABLE_EFFECT) * np.exp(b))).words
    assert 0.85 < (words == "SLOWER").mean() < 0.97


def test_the_risk_that_is_set_is_within_the_one_in_a_hundred_that_is_promised() -> None:
    assert FALSE_ALARMS < 0.01


# ---- estimates

_TIMES = st.floats(1e-3, 1e3)


def _medians() -> st.SearchStrategy[Floats]:
    return st.integers(3, 40).flatmap(lambda n: arrays.arrays(float, n, elements=_TIMES))


@given(st.integers(3, 9).flatmap(lambda n: arrays.arrays(float, (2, n), elements=_TIMES)))
def test_few_pairs_are_judged_by_the_plain_paired_t(pairs: Floats) -> None:
    a, b = pairs
    estimate = paired(a, b)
    if estimate.error < 1e-6:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = scipy.stats.ttest_rel(np.log(b), np.log(a))
    assert estimate.centre / estimate.error == pytest.approx(expected.statistic, rel=1e-6, abs=1e-6)
    assert estimate.df == expected.df


@given(_medians(), st.floats(0.1, 10.0))
def test_what_slows_everything_alike_shows_as_its_factor(a: Floats, factor: float) -> None:
    for estimate in (paired(a, a * factor), independent(a, a * factor)):
        assert math.exp(estimate.centre) == pytest.approx(factor)


@given(_medians(), _medians())
def test_changing_sides_changes_the_sign_and_nothing_else(a: Floats, b: Floats) -> None:
    one, other = independent(a, b), independent(b, a)
    assert one.centre == pytest.approx(-other.centre, abs=1e-9)
    assert one.error == pytest.approx(other.error)
    assert one.df == pytest.approx(other.df)


def test_one_burst_among_twelve_repeats_does_not_move_the_estimate() -> None:
    quiet = np.array([0.98, 0.99, 1.0, 1.01, 1.02, 0.985, 1.015, 0.995, 1.005, 1.0, 0.99, 1.01])
    burst = quiet.copy()
    burst[3] = 3.0
    for estimate in (independent, paired):
        assert abs(estimate(quiet, burst).centre) < 0.005
    assert independent(quiet, burst).error < 1.5 * independent(quiet, quiet).error


@pytest.mark.parametrize(("before", "now"), [(1, 1), (1, 12), (12, 2), (2, 2)])
def test_fewer_than_three_repeats_on_a_side_have_no_spread_to_judge_by(
    before: int, now: int
) -> None:
    estimate = independent(np.ones(before), 2 * np.ones(now))
    assert estimate.too_few
    assert math.exp(estimate.centre) == pytest.approx(2.0)


def test_many_comparisons_at_once_come_out_as_each_alone() -> None:
    draw = np.random.default_rng(5)
    a, b = draw.lognormal(0, 0.1, (2, 4, 3, 12))
    for function in (independent, paired):
        together = function(a, b)
        for index in np.ndindex(4, 3):
            alone = function(a[index], b[index])
            assert together.centre[index] == pytest.approx(alone.centre)
            assert together.error[index] == pytest.approx(alone.error)
            assert together.df[index] == pytest.approx(alone.df)
