"""Learning curves: dips and overfitting are told where they are, and not where they are not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge.curve import Reading, read

RISING = (0.1, 0.9, 0.95, 0.97, 0.98, 0.982, 0.983)


def test_a_curve_that_rises_has_nothing_to_tell() -> None:
    assert read("accuracy", RISING, RISING) == Reading((), None)


def test_a_dip_falls_below_the_best_before_and_comes_back() -> None:
    # As in 2017: .982, once .973, .984.
    assert read("accuracy", (0.1, 0.97, 0.982, 0.973, 0.984)).dips == (3,)
    assert read("accuracy", (0.1, 0.97, 0.982, 0.98, 0.984)).dips == (), "of no account"
    assert read("accuracy", (0.1, 0.97, 0.982, 0.973, 0.974)).dips == (), "it never came back"


def test_an_error_dips_when_it_rises() -> None:
    assert read("mse", (900.0, 100.0, 60.0, 90.0, 55.0)).dips == (3,)
    assert read("pixel_mse", (900.0, 100.0, 60.0, 62.0, 55.0)).dips == ()


def test_overfitting_begins_where_only_the_training_images_get_better() -> None:
    test = (0.1, 0.95, 0.98, 0.978, 0.977, 0.979)
    assert read("accuracy", test, (0.1, 0.96, 0.985, 0.99, 0.995, 0.999)).overfits_after == 2
    assert read("accuracy", test, (0.1, 0.96, 0.985, 0.985, 0.985, 0.985)).overfits_after is None
    assert read("accuracy", test).overfits_after is None, "the training images are not known"
    errors = (900.0, 90.0, 60.0, 61.0, 70.0, 75.0)
    assert read("mse", errors, (900.0, 80.0, 50.0, 40.0, 30.0, 20.0)).overfits_after == 2


def test_two_epochs_that_are_no_better_are_no_overfitting_yet() -> None:
    test, training = (0.1, 0.95, 0.98, 0.978, 0.977), (0.1, 0.96, 0.985, 0.99, 0.995)
    assert read("accuracy", test, training).overfits_after is None


def test_a_network_that_never_learned_does_not_overfit() -> None:
    assert read("accuracy", (0.1, 0.1, 0.1, 0.1, 0.1), (0.1, 0.2, 0.4, 0.6, 0.8)).dips == ()
    assert read("accuracy", (0.1, 0.09, 0.1, 0.1, 0.1), (0.1, 0.2, 0.4, 0.6, 0.8)) == Reading(
        (), None
    )


_VALUES = st.lists(st.none() | st.floats(0, 1), min_size=2, max_size=12)


@given(st.sampled_from(["accuracy", "mse", "pixel_mse"]), _VALUES, st.booleans())
def test_what_is_told_lies_on_the_curve(
    metric: str, values: list[float | None], trained: bool
) -> None:
    seen = read(metric, values, values if trained else None)
    assert all(2 <= epoch < len(values) - 1 for epoch in seen.dips)
    assert seen.overfits_after is None or 0 < seen.overfits_after < len(values)


@pytest.mark.parametrize("metric", ["accuracy", "mse"])
def test_a_training_that_diverged_is_read_without_a_number(metric: str) -> None:
    assert not any(math.isnan(each) for each in read(metric, (0.5, None, None, None)).dips)
