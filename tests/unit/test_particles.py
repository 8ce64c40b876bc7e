"""The drawn coffee particles: always the same, credible, and with an error that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.datasets import particles
from bench.datasets.dataset import Split

PUBLISHED_MEAN, PUBLISHED_VARIANCE, PUBLISHED_NOISE = 31.8, 137.0, 10.9
"""Of 647 real shots, in s and s²."""

EVIDENCE_BEST = 10.7970
EVIDENCE_LABELS = [30.5303, 34.9033, 30.9495, 37.6069]
EVIDENCE_CHANNELS = [154.895, 114.449, 50.932]
EVIDENCE_CONTRAST = [45.331, 37.812, 20.091]
"""Of the first labels, and of the means and spreads of the first frame's channels."""


def shots(count: int, seed: int = 0) -> particles.Shots:
    return particles.draw_shots(np.random.default_rng(seed), count)


def frame(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    picture = particles.draw_photograph(np.random.default_rng(seed), seconds)
    return np.asarray(picture, dtype=np.float32)


def test_the_pull_times_have_the_mean_and_the_variance_of_the_real_shots() -> None:
    true = shots(2000).true
    assert true.mean() == pytest.approx(PUBLISHED_MEAN, abs=0.7)  # theirs were whole seconds
    assert true.var() == pytest.approx(PUBLISHED_VARIANCE, rel=0.05)


@given(st.lists(st.floats(0, 1), min_size=2).map(sorted))
def test_a_higher_quantile_is_never_a_shorter_pull_and_all_lie_in_the_real_range(
    quantiles: list[float],
) -> None:
    seconds = particles.pull_times(np.array(quantiles))
    assert (np.diff(seconds) >= 0).all()
    assert ((seconds >= 3) & (seconds <= 63)).all()


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_every_part_of_the_histogram_gives_one_shot(count: int, seed: int) -> None:
    edges = particles.pull_times(np.arange(count + 1) / count)
    true = np.sort(shots(count, seed).true)
    assert (true >= edges[:-1]).all()
    assert (true <= edges[1:]).all()


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_every_label_is_a_possible_pull_time(count: int, seed: int) -> None:
    label = shots(count, seed).label
    assert np.isfinite(label).all()
    assert (label >= 1).all()


def test_labels_scatter_as_repeated_shots_do() -> None:
    many = shots(5000)
    assert many.best_possible_mse == pytest.approx(PUBLISHED_NOISE, rel=0.05)
    deviation = (many.label - many.true) / particles.label_spread(many.true)
    assert deviation.std() == pytest.approx(1, abs=0.02)


def test_the_best_possible_error_is_that_of_the_true_times_on_the_labels_as_stored() -> None:
    few = shots(8)
    split = particles.draw_split(np.random.default_rng(0), few, 2, (4, 4))
    predicted = np.repeat(few.true, 2)
    assert few.best_possible_mse == pytest.approx(
        np.mean((split.y.astype(float) - predicted) ** 2), rel=1e-6
    )


def test_a_longer_pull_has_finer_particles() -> None:
    radii = [particles.typical_radius(seconds) for seconds in (3, 10, 30, 50, 63)]
    assert radii == sorted(radii, reverse=True)
    assert radii[-1] > 2, "finer ones would vanish between the network's pixels"


def test_the_grind_shows_in_the_grain_of_the_picture_and_not_in_its_brightness_alone() -> None:
    def grain(seconds: float) -> float:
        """How fast grey values change from pixel to pixel, whatever their range."""
        grey = frame(seconds).mean(axis=-1)
        return float(np.abs(np.diff(grey, axis=1)).mean() / grey.std())

    grains = [grain(seconds) for seconds in (5, 20, 35, 50, 62)]
    assert grains == sorted(grains)


def test_a_frame_is_warm_brown_on_light_and_keeps_clear_of_the_sensors_limits() -> None:
    pixels = frame(32)
    red, green, blue = pixels.mean(axis=(0, 1))
    assert pixels.shape == (480, 640, 3)
    assert red > green > blue > 20
    ground, grain = np.percentile(pixels[..., 0], [90, 5])
    assert ground - grain > 60
    assert (pixels == 255).mean() < 0.001


def test_light_falls_off_towards_the_corners() -> None:
    light = particles._light(np.random.default_rng(0))[..., 0]
    corners = light[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert light[240, 320] > corners.mean()
    assert light.min() > 0.7


def test_photographs_of_one_shot_differ_and_share_its_label() -> None:
    split = particles.draw_split(np.random.default_rng(0), shots(2), 3, (60, 80))
    assert split.x.shape == (6, 60, 80, 3)
    assert split.x.dtype == np.uint8
    assert split.y.dtype == np.float32
    assert len({picture.tobytes() for picture in split.x}) == 6
    assert len(set(split.y[:3].tolist())) == len(set(split.y[3:].tolist())) == 1


def test_the_same_seed_draws_the_same_pixels() -> None:
    def draw() -> Split:
        return particles.draw_split(np.random.default_rng(7), shots(2), 1, (30, 40))

    first, second = draw(), draw()
    assert np.array_equal(first.x, second.x)
    assert np.array_equal(first.y, second.y)


def test_version_1_is_still_drawn_as_it_was_when_the_floors_were_set() -> None:
    """Within rounding: another NumPy or CPU may round a pixel the other way."""
    assert particles.VERSION == 1, "draw this evidence anew, and set the floors anew"
    rng = np.random.default_rng(particles.SEED)
    train = particles.draw_shots(rng, particles.TRAIN_SHOTS)
    test = particles.draw_shots(rng, particles.TEST_SHOTS)
    assert test.best_possible_mse == pytest.approx(EVIDENCE_BEST, abs=1e-3)
    assert train.label[:4] == pytest.approx(EVIDENCE_LABELS, abs=1e-3)
    first = np.asarray(particles.draw_photograph(rng, float(train.true[0])), dtype=np.float64)
    assert first.mean(axis=(0, 1)) == pytest.approx(EVIDENCE_CHANNELS, abs=0.01)
    assert first.std(axis=(0, 1)) == pytest.approx(EVIDENCE_CONTRAST, abs=0.01)
