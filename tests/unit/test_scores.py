"""The figures of an evaluation, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.predict import page, scores


def test_seconds_are_judged_by_hand() -> None:
    made = scores.regression(np.array([20.0, 30, 40]), np.array([26.0, 30, 33]))
    assert made.count == 3
    assert made.mse == pytest.approx((36 + 49) / 3)
    assert made.mae == pytest.approx(13 / 3)
    assert made.r2 == pytest.approx(1 - 85 / 200)
    assert made.near == pytest.approx(2 / 3)  # 6 s off is near, 7 s is not


def test_the_mean_predictor_tells_none_of_the_variance() -> None:
    y = np.array([20.0, 30, 43])
    assert scores.constant_guess(y, float(y.mean())).r2 == pytest.approx(0)
    assert scores.constant_guess(y, 10.0).mse == pytest.approx(np.mean((y - 10) ** 2))
    assert scores.regression(np.array([30.0]), np.array([29.0])).r2 is None


def test_classes_are_judged_by_hand() -> None:
    said = np.eye(3)[[0, 1, 1, 2]]
    made = scores.classification(np.array([0, 1, 2, 2]), said)
    assert (made.count, made.accuracy, made.guess) == (4, 0.75, 0.5)
    assert made.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert scores.confused(made, 5) == [(2, 1, 1)]


def test_the_worst_are_those_with_the_largest_loss() -> None:
    y = np.array([20.0, 30.0, 40.0])
    assert scores.worst(y, np.array([[21.0], [30.0], [31.0]]), 2) == [2, 0]
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.01, 0.99]])
    assert scores.worst(np.array([0, 1, 0]), said, 2) == [2, 1]


@given(st.lists(st.tuples(st.floats(3, 63), st.floats(-1e3, 1e3)), min_size=2, max_size=30))
def test_no_prediction_is_better_than_the_truth(pairs: list[tuple[float, float]]) -> None:
    y, said = np.array(pairs).T
    made = scores.regression(y, said)
    assert made.mae**2 <= made.mse * (1 + 1e-9) + 1e-12
    assert 0 <= made.near <= 1
    perfect = scores.regression(y, y)
    assert (perfect.mse, perfect.near) == (0, 1)


@pytest.mark.parametrize("shape", [(28, 28, 1), (240, 320, 3), (1, 900, 3)])
@pytest.mark.parametrize("count", [1, 6, 7])
def test_a_sheet_takes_pictures_of_any_shape(shape: tuple[int, int, int], count: int) -> None:
    tile = np.zeros(shape, np.uint8), ("42 s, said 27.3 s", "a/very/long/name-of-ü-file-✓.png")
    assert page.sheet([tile] * count).startswith(b"\x89PNG")
