"""Circles: two discs on black, drawn; the autoencoder of 2016 learns to give them back.

A grey disc, then a white one of the same radius over it, wherever they fall: they overlap, and the
border cuts them.  A pixel is CIE-LAB lightness, 0..100.  Every pixel is whole-number arithmetic, so
that the pictures are the same on every machine.

Any change here that moves a pixel needs a new SEED: floors are set from these data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.dataset import Dataset, Split
from bench.datasets.stable_random import StableRandom

HEIGHT, WIDTH = 100, 150
BLACK, GREY, WHITE = 0, 50, 100
RADII = (18, 22)  # about 20 pixels
SEED = 20161001
# An epoch of a quarter of them is a minute on two cores: the network costs 4.4 GFLOP an image.
TRAIN, TEST = 512, 128


def load() -> Dataset:
    """The pictures as `(n, 100, 150, 1) uint8`, each its own target.

    The baselines are in lightness².  `mean_predictor_mse` is what the mean training picture scores:
    the best that a network can do that does not look at its input.  To give every pixel back is
    possible, so `best_possible_mse` is 0.
    """
    rng = StableRandom(SEED)
    train, test = (Split(x, x) for x in (draw(rng, TRAIN), draw(rng, TEST)))
    error = test.x - train.x.mean(axis=0, dtype=np.float64)
    return Dataset(
        "circles",
        "synthetic",
        "synthetic discs: two a picture, whatever else there is",
        train,
        test,
        {"mean_predictor_mse": float(np.mean(np.square(error))), "best_possible_mse": 0.0},
    )


def draw(rng: StableRandom, count: int) -> NDArray[np.uint8]:
    """So many pictures, `(count, 100, 150, 1)`."""
    least, most = RADII
    radius = least + rng.below(most - least + 1, count)
    down, across = np.mgrid[:HEIGHT, :WIDTH][..., None]
    pictures = np.full((HEIGHT, WIDTH, count), BLACK, np.uint8)
    for lightness in (GREY, WHITE):
        middle = rng.below(HEIGHT, count), rng.below(WIDTH, count)
        inside = (down - middle[0]) ** 2 + (across - middle[1]) ** 2 <= radius**2
        pictures[inside] = lightness
    return np.ascontiguousarray(np.moveaxis(pictures, -1, 0)[..., None])
