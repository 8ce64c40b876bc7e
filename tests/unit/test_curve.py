"""Learning curves: dips and overfitting are told where they are, and not where they are not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.judge.curve import Overfitting, Reading, of, read
from bench.report.progress import OverfittingAlarm
from bench.runner.events import EpochEnded, RowStarted
from tests.support.records import epochs, result


def accuracy(*test: float | None) -> Reading:
    return read(test, (), is_error=False)


def error(*test: float | None) -> Reading:
    return read(test, (), is_error=True)


def test_a_curve_that_rises_has_nothing_to_tell() -> None:
    assert accuracy(0.1, 0.9, 0.95, 0.97, 0.98, 0.982, 0.983) == Reading((), None)


def test_a_dip_falls_below_the_best_before_and_comes_back() -> None:
    # As in 2017: .982, once .973, .984.
    assert accuracy(0.1, 0.97, 0.982, 0.973, 0.984).dips == (3,)
    assert accuracy(0.1, 0.97, 0.982, 0.98, 0.984).dips == (), "of no account"
    assert accuracy(0.1, 0.97, 0.982, 0.973, 0.974).dips == (), "it never came back"


def test_an_error_dips_when_it_rises() -> None:
    assert error(900.0, 100.0, 60.0, 90.0, 55.0).dips == (3,)
    assert error(900.0, 100.0, 60.0, 62.0, 55.0).dips == ()
    assert error(900.0, None, 60.0, None, 55.0).dips == (3,), "once it was no number"


def curve(qualities: list[float], losses: list[float] | None = None, name: str = "post") -> Any:
    falling = [1.0 / (number + 1) for number in range(len(qualities))]
    timed = replace(
        epochs([1.0] * len(qualities)), quality=tuple(qualities), loss=tuple(losses or falling)
    )
    return of(result(name, epochs=timed)).overfits


def test_five_epochs_worse_than_the_five_before_are_overfitting() -> None:
    seen = curve([90, 70, 60, 55, 50, 51, 52, 60, 62, 63, 61, 64, 65])
    assert seen == Overfitting(since=9, best=5, then=50, now=65)


def test_noise_and_a_loss_that_rises_too_are_none() -> None:
    assert curve([50, 60, 50, 60, 50, 60, 50, 60, 50, 60, 50, 60]) is None
    errors = [50.0] * 6 + [60.0] * 6
    assert curve(errors) is not None
    assert curve(errors, [0.1] * 6 + [0.2] * 6) is None
    assert of(result("post")) == Reading(), "there is no curve"


def test_an_accuracy_overfits_where_it_falls() -> None:
    assert curve([0.9] * 5 + [0.8] * 5, name="mlp") == Overfitting(6, 1, 0.9, 0.8)
    assert curve([0.8] * 5 + [0.9] * 5, name="mlp") is None


def test_a_training_that_diverged_is_no_overfitting() -> None:
    assert read([9.0] * 6 + [None] * 5, [1 / n for n in range(1, 11)], is_error=True) == Reading()


_VALUES = st.lists(st.none() | st.floats(0, 1), min_size=2, max_size=14)


@given(_VALUES, st.booleans())
def test_what_is_told_lies_on_the_curve(values: list[float | None], is_error: bool) -> None:
    losses = [1.0 / number for number in range(1, len(values))]
    seen = read(values, losses, is_error=is_error)
    assert all(2 <= epoch < len(values) - 1 for epoch in seen.dips)
    if seen.overfits:
        assert 5 < seen.overfits.since < len(values)
        assert seen.overfits.then == values[seen.overfits.best]
        assert seen.overfits.now == values[-1]


@pytest.mark.parametrize("is_error", [True, False])
def test_a_training_that_diverged_is_read_without_a_number(is_error: bool) -> None:
    seen = read((0.5, None, None, None), (), is_error=is_error)
    assert not any(math.isnan(each) for each in seen.dips)


def test_overfitting_is_told_once_while_it_still_trains() -> None:
    alarm = OverfittingAlarm()
    alarm.hear(RowStarted("mlp on cpu", 20, is_error=False))
    told = [
        alarm.hear(EpochEnded(epoch, 1.0, None, 1.0 / epoch, 0.9 if epoch <= 5 else 0.8))
        for epoch in range(1, 21)
    ]
    assert told[9] == (
        "mlp on cpu overfits since epoch 6: worse than the 5 epochs before, while the training "
        "loss fell; the best so far was epoch 1"
    )
    assert [each for each in told if each] == [told[9]], "once, and not before it is so"
    alarm.hear(RowStarted("own on cpu", 20))
    again = [alarm.hear(EpochEnded(e, 1.0, None, 1.0 / e, 0.9 - e / 99)) for e in range(1, 21)]
    assert not any(again), "nobody knows whether less is better"


def test_what_comes_back_and_learns_more_did_not_overfit() -> None:
    bent = [9.0, 5, 3, 3, 3, 3, 3, 3.5, 3.5, 3.5, 3.5, 3.5]
    falling = [1 / number for number in range(1, 20)]
    seen = read([*bent], falling, is_error=True).overfits
    assert seen is not None
    assert seen.best < seen.since
    assert read([*bent, 2.9], falling, is_error=True).overfits is None
