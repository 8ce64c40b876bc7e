"""Drawn circles, shapes and grind: the same pixels everywhere, and as hard as is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import circles, grind, particles, shapes
from bench.datasets.data_folder import look
from bench.datasets.dataset import Dataset, Drawing
from bench.datasets.stable_random import StableRandom, balanced

SHAPES_SHA256 = "5c830433f59f7ca405600aa493a3e0e884adff451963fffbb268eccdea67f1cd"
CIRCLES_SHA256 = "fd0852d6135e142b9b9b3b9f9e7f34959f7c3df98958b32981df430334e0c06f"
"""Floors hang on these pixels."""

SIZE = (24, 32)
"""Height and width of the drawn grind, unequal, so that a mix-up shows."""


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
    rng = StableRandom(7)
    drawn = rng.below(5, 10_000)
    assert set(drawn.tolist()) == set(range(5))
    assert np.bincount(drawn).min() > 1_800
    assert (StableRandom(7).uniform(4) == StableRandom(7).uniform(4)).all()
    assert set(np.bincount(balanced(30, 10, rng))) == {3}


@pytest.fixture
def few_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator of 6 shots, since what it draws is the particles' test."""
    monkeypatch.setattr(particles, "TRAIN_SHOTS", 4)
    monkeypatch.setattr(particles, "TEST_SHOTS", 2)


@pytest.mark.usefixtures("few_drawn")
def test_a_folder_of_something_else_is_passed_over_and_the_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-images-idx3-ubyte.gz").touch()
    data = grind.load(look(tmp_path / "data"), tmp_path, SIZE)
    assert data.synthetic
    assert data.note == f"synthetic coffee particles: no grind photographs in {tmp_path / 'data'}"


@pytest.mark.usefixtures("few_drawn")
def test_without_a_folder_particles_are_drawn_once_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = grind.load(None, tmp_path, SIZE)
    assert first.note == "synthetic coffee particles: no --data-dir"
    assert first.train.x.shape == (12, *SIZE, 3)
    assert first.test.x.shape == (4, *SIZE, 3)
    assert first.train.y.dtype == np.float32

    def draw_again(size: tuple[int, int]) -> Drawing:
        raise AssertionError(f"drawn again at {size}")

    monkeypatch.setattr(particles, "draw", draw_again)
    second = grind.drawn(tmp_path, SIZE)
    assert second.sha256() == first.sha256()
    assert second.baselines == first.baselines
    with pytest.raises(AssertionError, match=r"drawn again at \(8, 8\)"):
        grind.drawn(tmp_path, (8, 8))
    monkeypatch.setattr(particles, "VERSION", particles.VERSION + 1)
    with pytest.raises(AssertionError, match="drawn again"):
        grind.drawn(tmp_path, SIZE)


@pytest.mark.usefixtures("few_drawn")
def test_a_damaged_cache_is_drawn_anew(tmp_path: Path) -> None:
    first = grind.drawn(tmp_path, SIZE).sha256()
    (kept,) = (tmp_path / "grind").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert grind.drawn(tmp_path, SIZE).sha256() == first


def test_the_drawn_baselines_leave_room_between_the_mean_and_the_best() -> None:
    """On the labels of the real numbers of shots, without drawing their pictures."""
    rng = np.random.default_rng(particles.SEED)
    train = particles.draw_shots(rng, particles.TRAIN_SHOTS)
    test = particles.draw_shots(rng, particles.TEST_SHOTS)
    mean_predictor = float(np.mean((test.label - train.label.mean()) ** 2))
    assert 130 < mean_predictor < 170
    assert 9 < test.best_possible_mse < 13


@pytest.mark.usefixtures("few_drawn")
def test_the_drawn_baselines_are_those_of_the_test_split(tmp_path: Path) -> None:
    data = grind.drawn(tmp_path, SIZE)
    mean = data.train.y.mean(dtype=float)
    expected = np.mean((data.test.y.astype(float) - mean) ** 2)
    assert data.baselines["mean_predictor_mse"] == pytest.approx(expected)
    drawing = particles.draw(SIZE)
    assert data.baselines["best_possible_mse"] == drawing.best_possible
    cut_data = data.head(3, 2)
    assert len(set(cut_data.train.y.tolist())) == 1, "three photographs are one shot"
