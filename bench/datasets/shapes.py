"""Drawn shapes: a stand-in for CIFAR-10 where there is neither a network nor a folder of files.

Ten shapes, a class each, of any colour, size and place on a darker ground of any colour with blobs
on it, in uneven light and noise.  A shape and its mirror image are one class, as with CIFAR's.  Of
every twenty labels one is wrong, so that it is known how many a perfect classifier gets right; it
is less than all, as with labels that people give.

The pictures are the same on every machine (bench.datasets.stable_random): no exp and no sine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.datasets.dataset import Drawing, Split
from bench.datasets.stable_random import Floats, StableRandom, balanced

VERSION = 1
"""Goes up with every change of a pixel or label: floors and cached files belong to one version."""

SEED = 20090408
SIDE, CHANNELS, CLASSES = 32, 3, 10
# A fifth of the real ones: they take seconds to draw, and the classes are learned from fewer.
TRAIN, TEST = 10_000, 2_000
WRONG_OF = 20  # one label of so many is wrong
_CHUNK = 256  # drawn at once

_HALF = np.float32(0.5)
_DIAGONAL = np.float32(0.70710678)


def draw(train: int = TRAIN, test: int = TEST, seed: int = SEED) -> Drawing:
    """Draws `train` and `test` images, each with as many of every shape as of the others.

    Images are `(n, 32, 32, 3) uint8`, labels `(n,) int64`, 0..9; the best possible is the share of
    the test's labels that are right.
    """
    rng = StableRandom(seed)
    counts = (train, test)
    drawn = [_draw_split(rng, count) for count in counts]
    (taught, _), (asked, right) = drawn
    return Drawing(taught, asked, float(right.mean()))


def _draw_split(rng: StableRandom, count: int) -> tuple[Split, NDArray[np.bool_]]:
    """Images with their labels, and which of these are right."""
    shapes = balanced(count, CLASSES, rng)
    wrong = rng.below(WRONG_OF, count) == 0
    labels = np.where(wrong, (shapes + 1 + rng.below(CLASSES - 1, count)) % CLASSES, shapes)
    images = np.empty((count, SIDE, SIDE, CHANNELS), np.uint8)
    for number, covers in enumerate(SHAPES):
        which = np.flatnonzero(shapes == number)
        for start in range(0, len(which), _CHUNK):
            chunk = which[start : start + _CHUNK]
            images[chunk] = _paint(covers, len(chunk), rng)
    return Split(images, labels), ~wrong


# ---- shapes: below 0 inside, above outside, in halves of the shape's size

Edge = Callable[[Floats, Floats], Floats]


def _radius(x: Floats, y: Floats) -> Floats:
    radius: Floats = np.sqrt(x * x + y * y)
    return radius


def _reach(x: Floats, y: Floats) -> Floats:
    reach: Floats = np.maximum(np.abs(x), np.abs(y))
    return reach


def _triangle(x: Floats, y: Floats) -> Floats:
    side = (np.abs(x) - np.float32(0.55) * (y + 1)) * np.float32(0.88)
    distance: Floats = np.maximum(y - np.float32(0.8), side)
    return distance


def _cross(x: Floats, y: Floats) -> Floats:
    x, y = np.abs(x), np.abs(y)
    thick = np.float32(0.28)
    distance: Floats = np.minimum(np.maximum(x - thick, y - 1), np.maximum(x - 1, y - thick))
    return distance


def _stripes(x: Floats, y: Floats) -> Floats:
    bar = np.abs(np.abs(y) - np.float32(0.6)) - np.float32(0.24)
    distance: Floats = np.maximum(bar, np.abs(x) - np.float32(0.9))
    return distance


SHAPES: tuple[Edge, ...] = (
    lambda x, y: _radius(x, y) - 1,  # a disc
    lambda x, y: np.abs(_radius(x, y) - np.float32(0.75)) - np.float32(0.25),  # a ring
    lambda x, y: _reach(x, y) - np.float32(0.85),  # a square
    lambda x, y: np.abs(_reach(x, y) - np.float32(0.68)) - np.float32(0.2),  # a frame
    _triangle,
    lambda x, y: _triangle(x, -y),
    _cross,
    lambda x, y: _cross((x + y) * _DIAGONAL, (x - y) * _DIAGONAL),
    _stripes,
    lambda x, y: _stripes(y, x),
)


# ---- pictures


def _paint(edge: Edge, count: int, rng: StableRandom) -> NDArray[np.uint8]:
    """So many pictures of a shape, `(count, 32, 32, 3)`."""
    pixels = np.arange(SIDE, dtype=np.float32)
    down, across = pixels[:, None, None], pixels[None, :, None]
    ground = rng.between(15, 130, CHANNELS, count)
    picture = np.broadcast_to(ground, (SIDE, SIDE, CHANNELS, count)).copy()
    for _ in range(3):  # blobs, which are no discs: their edge is soft
        middle, size = rng.between(0, SIDE, 2, count), rng.between(3, 9, count)
        distance = _radius((across - middle[0]) / size, (down - middle[1]) / size)
        _lay_over(picture, np.clip(1 - distance, 0, 1), rng.between(15, 160, CHANNELS, count))

    size = rng.between(6, 11, count)
    middle = rng.between(13, SIDE - 14, 2, count)
    x, y = (across - middle[0]) / size, (down - middle[1]) / size
    cover = np.clip(_HALF - edge(x, y) * size, 0, 1)
    _lay_over(picture, cover, ground + rng.between(45, 120, CHANNELS, count))

    slope = rng.between(-1, 1, 2, count)
    light = 1 + (slope[0] * (across - 16) + slope[1] * (down - 16)) / 80
    grain = rng.uniform(SIDE, SIDE, CHANNELS, count) + rng.uniform(SIDE, SIDE, CHANNELS, count)
    picture = picture * light[:, :, None] + (grain - 1) * rng.between(10, 45, count)
    painted: NDArray[np.uint8] = np.clip(picture + _HALF, 0, 255).astype(np.uint8)
    return np.moveaxis(painted, -1, 0)


def _lay_over(picture: Floats, cover: Floats, colour: Floats) -> None:
    picture += cover[:, :, None] * (colour - picture)
