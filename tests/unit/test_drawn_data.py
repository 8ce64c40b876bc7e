"""Drawn circles and shapes: the same pixels everywhere, and as hard as is said."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bench.datasets import circles, shapes
from bench.datasets.chance import Chance, balanced
from bench.datasets.dataset import Dataset
from bench.datasets.drawing import Drawing

SHAPES_SHA256 = "5c830433f59f7ca405600aa493a3e0e884adff451963fffbb268eccdea67f1cd"
CIRCLES_SHA256 = "fd0852d6135e142b9b9b3b9f9e7f34959f7c3df98958b32981df430334e0c06f"
"""Floors hang on these pixels."""


@pytest.fixture(scope="module")
def shown() -> Drawing:
    return shapes.draw(400, 400)


@pytest.fixture(scope="module")
def discs() -> Dataset:
    return circles.load()


def test_the_pixels_are_the_same_on_every_machine(shown: Drawing, discs: Dataset) -> None:
    drawn = hashlib.sha256(shown.train.x.tobytes() + shown.test.y.tobytes()).hexdigest()
    assert (drawn, discs.sha256()) == (SHAPES_SHA256, CIRCLES_SHA256)


def test_shapes_have_cifars_shape_and_as_many_of_each_class_but_for_wrong_labels(
    shown: Drawing,
) -> None:
    assert shown.train.x.shape == (400, 32, 32, 3)
    assert shown.train.x.dtype == np.uint8
    assert shown.train.y.dtype == np.int64
    counts = np.bincount(shown.train.y, minlength=10)
    assert counts.min() > 25
    assert counts.sum() == 400


def test_the_share_of_right_labels_is_the_best_that_anyone_can_do(shown: Drawing) -> None:
    # 20 ± 4.4 of 400 labels are wrong.
    assert 0.91 < (shown.best_possible or 0) < 0.99


def test_a_mirrored_shape_is_of_the_same_class() -> None:
    side = np.linspace(-1.2, 1.2, 49, dtype=np.float32)
    x, y = side[None, :], side[:, None]
    for edge in shapes.SHAPES:
        drawn = np.broadcast_to(edge(x, y), (49, 49))
        assert np.allclose(drawn, drawn[:, ::-1], atol=1e-6)
        assert 0.05 < (drawn < 0).mean() < 0.8, "it is there, and not everywhere"


def test_no_two_shapes_are_one() -> None:
    side = np.linspace(-1.2, 1.2, 49, dtype=np.float32)
    inside = [
        np.broadcast_to(edge(side[None, :], side[:, None]), (49, 49)) < 0 for edge in shapes.SHAPES
    ]
    for number, one in enumerate(inside):
        for other in inside[:number]:
            assert (one != other).mean() > 0.05


def test_circles_are_their_own_targets_in_three_levels_of_lightness(discs: Dataset) -> None:
    assert discs.train.x.shape == (circles.TRAIN, 100, 150, 1)
    assert discs.test.y is discs.test.x
    assert set(np.unique(discs.train.x)) == {0, 50, 100}


def test_a_disc_is_about_twenty_pixels_in_radius_the_white_over_the_grey(discs: Dataset) -> None:
    white = (discs.train.x == 100).sum(axis=(1, 2, 3))
    whole = np.pi * 20**2
    assert white.max() < np.pi * 23**2
    assert np.median(white) == pytest.approx(whole, rel=0.25)  # the border cuts some
    grey = (discs.train.x == 50).sum(axis=(1, 2, 3))
    assert (grey < white).mean() > 0.2, "the white one covers some of the grey"


def test_the_mean_predictors_error_is_what_the_mean_picture_scores(discs: Dataset) -> None:
    mean = discs.train.x.astype(np.float64).mean(axis=0)
    error = np.mean((discs.test.x - mean) ** 2)
    assert discs.baselines["mean_predictor_mse"] == pytest.approx(error)
    assert 500 < error < 1_000


def test_chance_draws_whole_numbers_and_balanced_labels() -> None:
    chance = Chance(7)
    drawn = chance.below(5, 10_000)
    assert set(drawn.tolist()) == set(range(5))
    assert np.bincount(drawn).min() > 1_800
    assert (Chance(7).uniform(4) == Chance(7).uniform(4)).all()
    assert set(np.bincount(balanced(30, 10, chance))) == {3}
