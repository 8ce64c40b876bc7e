import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.datasets import digits
from bench.datasets.dataset import Split

ROOT = Path(__file__).parents[2]

SMALL_SHA256 = "24172254153bcadfc60e4dfc75484ce31514993906f85116194d133ebb1a7ff3"
"""draw(1000, 500), alike with Python 3.10 to 3.13 and NumPy 2.0 to 2.5: floors hang on it."""

Halves = tuple[Split, Split]


def sha256(halves: Halves) -> str:
    digest = hashlib.sha256()
    for split in halves:
        digest.update(split.x.tobytes() + split.y.tobytes())
    return digest.hexdigest()


def fitted_accuracy(train: NDArray[np.float64], test: NDArray[np.float64], halves: Halves) -> float:
    """Test accuracy of ridge regression on the classes, from features `(n, k)`."""
    gram = train.T @ train + np.eye(train.shape[1])
    weights = np.linalg.solve(gram, train.T @ np.eye(10)[halves[0].y])
    return float(((test @ weights).argmax(axis=1) == halves[1].y).mean())


def flat(split: Split) -> NDArray[np.float64]:
    return split.x.reshape(len(split), -1) / 255


@pytest.fixture(scope="module")
def halves() -> Halves:
    return digits.draw(10_000, 2_000)


def test_the_arrays_look_like_mnists(halves: Halves) -> None:
    for split, count in zip(halves, (10_000, 2_000), strict=True):
        assert split.x.shape == (count, 28, 28, 1)
        assert split.x.dtype == np.uint8
        assert split.y.shape == (count,)
        assert split.y.dtype == np.int64


def test_every_digit_is_drawn_as_often_as_the_others(halves: Halves) -> None:
    for split in halves:
        assert set(np.bincount(split.y)) == {len(split) // 10}


def test_the_first_images_of_a_cut_data_set_hold_every_digit(halves: Halves) -> None:
    assert set(halves[0].head(100).y) == set(range(10))


def test_no_image_is_drawn_twice(halves: Halves) -> None:
    pictures = {image.tobytes() for split in halves for image in split.x}
    assert len(pictures) == sum(len(split) for split in halves)


def test_the_ink_is_as_bright_and_as_spread_as_mnists(halves: Halves) -> None:
    pixels = halves[0].x / 255
    assert pixels.mean() == pytest.approx(0.13066, abs=0.02)
    assert pixels.std() == pytest.approx(0.30811, abs=0.04)


def test_no_digit_is_blank_and_hardly_any_ink_reaches_the_edge(halves: Halves) -> None:
    ink = halves[0].x[..., 0] > 128
    assert ink.sum(axis=(1, 2)).min() >= 10
    edge = np.ones((28, 28), bool)
    edge[1:-1, 1:-1] = False
    assert ink[:, edge].sum() / ink.sum() < 0.005


def test_a_linear_model_learns_them_and_one_that_is_not_linear_learns_more(halves: Halves) -> None:
    linear = fitted_accuracy(flat(halves[0]), flat(halves[1]), halves)
    directions = np.random.default_rng(seed=1).standard_normal((28 * 28, 1500)) / 28
    features = [np.maximum(flat(split) @ directions, 0) for split in halves]
    assert 0.7 < linear < 0.85
    assert fitted_accuracy(features[0], features[1], halves) > linear + 0.08


def test_the_same_seed_draws_the_same_digits_and_another_seed_others() -> None:
    assert sha256(digits.draw(200, 50)) == sha256(digits.draw(200, 50))
    assert sha256(digits.draw(200, 50)) != sha256(digits.draw(200, 50, seed=1))


def test_the_digits_are_those_that_the_floors_were_set_from() -> None:
    assert digits.VERSION == 1
    assert sha256(digits.draw(1_000, 500)) == SMALL_SHA256


def test_the_digits_are_the_same_without_the_processors_vector_instructions() -> None:
    program = """
from bench.datasets import digits
from test_digits import sha256
print(sha256(digits.draw(1_000, 500)))
"""
    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ
        | {
            "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}",
            "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F X86_V3 X86_V4 ASIMDHP SVE VSX3",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.strip() == SMALL_SHA256


def test_every_glyph_stays_in_its_box_and_every_digit_has_ten_writers() -> None:
    for digit in range(10):
        assert sum(glyph.share for glyph in digits.GLYPHS if glyph.digit == digit) == 10
    for glyph in digits.GLYPHS:
        assert {index for stroke in glyph.strokes for index in stroke} == set(
            range(len(glyph.points))
        )
        assert all(0 <= place <= 1 for point in glyph.points for place in point)
