"""Drawn digits: a stand-in for MNIST where there is neither a network nor a folder of files.

Each digit is a pen path through a handful of control points.  A writer's hand is drawn at random
(the points' jitter, a smooth warp, slant, turn, size, place, pen width and pressure, ink and
grain) and the path is inked into 28x28 pixels.

The same data set everywhere: the randomness is PCG64's raw 64-bit stream, which NumPy promises not
to change, and the arithmetic is single-precision + - * / sqrt, minimum and comparison, which
IEEE 754 rounds alike on every machine.  There is no exp, no sine, no matrix product and no sum
whose order a library may choose.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.datasets.dataset import Split
from bench.datasets.stable_random import Floats, StableRandom, balanced

VERSION = 1
"""Goes up with every change of a pixel: floors and cached files belong to one version."""

SEED = 20161123
SIDE = 28
CLASSES = 10
TRAIN, TEST = 60_000, 10_000

PATH_POINTS = 108  # the longest paths have 70 pixels: no gap shows even in a thin stroke
CHUNK = 128  # images inked at once: 28 x 28 x 128 floats fit a core's cache

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Glyph:
    """One way to write a digit.

    points: `(x, y)` in the box that the digit fills, x to the right and y down, 0..1.
    strokes: each a smooth curve through the points of these indices; a corner is a point where
        one stroke ends and the next begins.
    share: how many of ten writers write the digit so.
    """

    digit: int
    share: int
    points: tuple[Point, ...]
    strokes: tuple[tuple[int, ...], ...]


# fmt: off
GLYPHS = (
    Glyph(0, 7, ((.55, .02), (.22, .13), (.05, .5), (.2, .87), (.5, .98), (.82, .85), (.95, .5),
                 (.8, .14), (.5, .03)), ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    Glyph(0, 3, ((.72, .1), (.45, .04), (.16, .3), (.1, .7), (.36, .97), (.72, .84), (.9, .48),
                 (.78, .14), (.5, .12)), ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    Glyph(1, 6, ((.5, 0.), (.5, .35), (.5, .7), (.5, 1.)), ((0, 1, 2, 3),)),
    Glyph(1, 3, ((.26, .24), (.54, 0.), (.54, .5), (.53, 1.)), ((0, 1), (1, 2, 3))),
    Glyph(1, 1, ((.28, .22), (.54, 0.), (.53, .5), (.53, .98), (.26, .99), (.8, .98)),
          ((0, 1), (1, 2, 3), (4, 3, 5))),
    Glyph(2, 6, ((.1, .24), (.26, .05), (.55, 0.), (.82, .11), (.84, .34), (.6, .62), (.32, .84),
                 (.06, .98), (.4, .95), (.7, .97), (.98, .95)), ((0, 1, 2, 3, 4, 5, 6, 7),
                                                               (7, 8, 9, 10))),
    Glyph(2, 4, ((.12, .2), (.34, .03), (.66, .03), (.82, .22), (.7, .5), (.42, .8), (.16, .96),
                 (.06, .86), (.22, .77), (.5, .88), (.76, .98), (1., .9)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),)),
    Glyph(3, 7, ((.1, .13), (.38, 0.), (.74, .07), (.8, .27), (.6, .43), (.34, .48), (.7, .52),
                 (.9, .72), (.72, .94), (.36, 1.), (.05, .88)), ((0, 1, 2, 3, 4, 5),
                                                              (5, 6, 7, 8, 9, 10))),
    Glyph(3, 3, ((.1, .03), (.48, .03), (.86, .02), (.62, .22), (.42, .4), (.78, .48), (.92, .72),
                 (.7, .95), (.36, 1.), (.06, .9)), ((0, 1, 2), (2, 3, 4), (4, 5, 6, 7, 8, 9))),
    Glyph(4, 4, ((.2, .03), (.12, .3), (.07, .56), (.5, .55), (.97, .51), (.74, .1), (.7, .55),
                 (.66, 1.)), ((0, 1, 2), (2, 3, 4), (5, 6, 7))),
    Glyph(4, 4, ((.16, .04), (.1, .32), (.26, .52), (.54, .52), (.82, .38), (.87, .02), (.8, .5),
                 (.73, 1.)), ((0, 1, 2, 3, 4), (5, 6, 7))),
    Glyph(4, 2, ((.66, 0.), (.34, .34), (.03, .66), (.5, .65), (1., .63), (.66, .5), (.64, 1.)),
          ((0, 1, 2), (2, 3, 4), (0, 5, 6))),
    Glyph(5, 6, ((.9, .03), (.58, .04), (.26, .04), (.22, .22), (.17, .43), (.5, .37), (.82, .5),
                 (.88, .72), (.66, .95), (.32, 1.), (.05, .9)), ((0, 1, 2), (2, 3, 4),
                                                               (4, 5, 6, 7, 8, 9, 10))),
    Glyph(5, 4, ((.92, .05), (.6, .02), (.3, .1), (.22, .32), (.48, .46), (.76, .62), (.8, .82),
                 (.5, 1.), (.1, .94)), ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    Glyph(6, 6, ((.74, .02), (.42, .2), (.16, .5), (.12, .78), (.38, .99), (.74, .93), (.88, .72),
                 (.68, .54), (.36, .58), (.14, .78)), ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9),)),
    Glyph(6, 4, ((.42, .0), (.26, .3), (.16, .62), (.22, .9), (.5, 1.), (.82, .86), (.8, .66),
                 (.52, .6), (.22, .74)), ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    Glyph(7, 6, ((.05, .09), (.48, .06), (.92, .04), (.66, .4), (.46, .7), (.36, 1.)),
          ((0, 1, 2), (2, 3, 4, 5))),
    Glyph(7, 2, ((.05, .09), (.48, .05), (.92, .04), (.68, .4), (.5, .7), (.4, 1.), (.28, .53),
                 (.84, .49)), ((0, 1, 2), (2, 3, 4, 5), (6, 7))),
    Glyph(7, 2, ((.08, .26), (.1, .06), (.5, .08), (.93, .05), (.78, .35), (.6, .66), (.54, 1.)),
          ((0, 1), (1, 2, 3), (3, 4, 5, 6))),
    Glyph(8, 7, ((.8, .12), (.5, 0.), (.2, .12), (.25, .33), (.5, .48), (.8, .66), (.84, .86),
                 (.5, 1.), (.15, .87), (.2, .65), (.76, .3), (.82, .14)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 10, 11),)),
    Glyph(8, 3, ((.5, .47), (.2, .36), (.2, .1), (.5, 0.), (.8, .1), (.8, .36), (.1, .6),
                 (.12, .88), (.5, 1.), (.88, .88), (.9, .6), (.5, .46)),
          ((0, 1, 2, 3, 4, 5, 11), (0, 6, 7, 8, 9, 10, 11))),
    Glyph(9, 6, ((.86, .16), (.56, .02), (.22, .12), (.12, .34), (.38, .5), (.7, .4), (.85, .2),
                 (.8, .6), (.7, 1.)), ((0, 1, 2, 3, 4, 5, 6), (6, 7, 8))),
    Glyph(9, 4, ((.84, .18), (.54, .02), (.2, .14), (.14, .36), (.42, .48), (.74, .38), (.86, .18),
                 (.86, .56), (.68, .9), (.28, .98)), ((0, 1, 2, 3, 4, 5, 6), (6, 7, 8, 9))),
)
# fmt: on


def draw(train: int = TRAIN, test: int = TEST, seed: int = SEED) -> tuple[Split, Split]:
    """Draws `train` and `test` images, each with as many of every digit as of the others.

    Returns the training and the test split: x `(n, 28, 28, 1) uint8`, ink bright on black as in
    MNIST, and y `(n,) int64`, 0..9.  Both come from one sequence: the same hands, no image twice.
    The full set takes about 4 s on one core and 55 MB.
    """
    rng = StableRandom(seed)
    labels = np.concatenate([balanced(train, CLASSES, rng), balanced(test, CLASSES, rng)])
    images = np.empty((len(labels), SIDE, SIDE), np.uint8)
    for digit in range(CLASSES):
        glyphs = [glyph for glyph in GLYPHS if glyph.digit == digit]
        which = np.flatnonzero(labels == digit)
        shares = np.repeat(np.arange(len(glyphs)), [glyph.share for glyph in glyphs])
        choice = shares[(rng.uniform(len(which)) * len(shares)).astype(np.intp)]
        for index, glyph in enumerate(glyphs):
            path = _path_weights(glyph)
            mine = which[choice == index]
            for start in range(0, len(mine), CHUNK):
                chunk = mine[start : start + CHUNK]
                images[chunk] = _write(glyph, path, len(chunk), rng)
    x = images[..., None]
    return Split(x[:train], labels[:train]), Split(x[train:], labels[train:])


def _path_weights(glyph: Glyph) -> Floats:
    """`(path points, control points)`: how the points of the inked path hang on the control points.

    The curve is Catmull and Rom's cubic, which passes through each control point.
    """
    # math.fsum, since Python 3.12's sum() rounds otherwise than 3.11's.
    total = math.fsum(_gap(glyph, a, b) for stroke in glyph.strokes for a, b in _pairs(stroke))
    rows: list[list[float]] = []
    for stroke in glyph.strokes:
        padded = (stroke[0], *stroke, stroke[-1])
        for segment, (a, b) in enumerate(_pairs(stroke)):
            count = max(2, round(PATH_POINTS * _gap(glyph, a, b) / total))
            last = segment == len(stroke) - 2
            for step in range(count + last):
                t = step / count
                weights = (
                    t * (-1 + t * (2 - t)) / 2,
                    1 + t * t * (3 * t - 5) / 2,
                    t * (1 + t * (4 - 3 * t)) / 2,
                    t * t * (t - 1) / 2,
                )
                row = [0.0] * len(glyph.points)
                for control, weight in zip(padded[segment : segment + 4], weights, strict=True):
                    row[control] += weight
                rows.append(row)
    return np.array(rows, np.float32)


def _pairs(stroke: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(stroke))


def _gap(glyph: Glyph, a: int, b: int) -> float:
    across, down = (glyph.points[a][axis] - glyph.points[b][axis] for axis in (0, 1))
    return math.sqrt(across * across + down * down)


def _write(glyph: Glyph, path: Floats, count: int, rng: StableRandom) -> NDArray[np.uint8]:
    """`count` images of the glyph, each by another hand: `(count, 28, 28)`."""
    # Most people write neatly and a few do not: the cube makes the long tail that MNIST has.
    haste = rng.uniform(count)
    sloppy = 0.62 + 0.9 * haste * haste * haste
    x, y = _hand(glyph, path, sloppy, count, rng)
    return _ink(x, y, count, rng)


def _hand(
    glyph: Glyph, path: Floats, sloppy: Floats, count: int, rng: StableRandom
) -> tuple[Floats, Floats]:
    """Where the pen goes, in pixels: x and y, each `(path points, count)`."""
    controls = np.array(glyph.points, np.float32) - np.float32(0.5)
    jitter = 0.055 * sloppy * rng.bell(2, len(controls), count)
    x = _through(path, controls[:, 0, None] + jitter[0])
    y = _through(path, controls[:, 1, None] + jitter[1])

    # A smooth warp of the whole box: what an elastic distortion does to a pen path.
    bend = 0.22 * sloppy * rng.bell(8, count)
    x, y = (
        x + bend[0] * x * y + bend[1] * (y * y) + bend[2] * (x * x) + bend[3] * (y * y * y),
        y + bend[4] * x * y + bend[5] * (y * y) + bend[6] * (x * x) + bend[7] * (x * x * x),
    )

    height = 19 + 1.2 * rng.bell(count)
    width = height * (0.68 + 0.09 * rng.bell(count))
    x, y = x * width, y * height
    slant = 0.16 + 0.2 * rng.bell(count)
    turn = 0.11 * rng.bell(count)
    x = x - slant * y
    x, y = x + turn * y, y - turn * x

    # MNIST's digits are centred by their ink; these nearly so.
    x = x - (x.min(axis=0) + x.max(axis=0)) / 2 + (SIDE - 1) / 2 + rng.bell(count)
    y = y - (y.min(axis=0) + y.max(axis=0)) / 2 + (SIDE - 1) / 2 + rng.bell(count)
    return x, y


def _through(path: Floats, controls: Floats) -> Floats:
    """`path @ controls`, added up in a fixed order, which BLAS does not promise."""
    out: Floats = path[:, :1] * controls[0]
    for index in range(1, len(controls)):
        out = out + path[:, index, None] * controls[index]
    return out


def _ink(x: Floats, y: Floats, count: int, rng: StableRandom) -> NDArray[np.uint8]:
    """Inks a path of a varying width into pixels: `(count, 28, 28)`."""
    radius = 0.75 + 0.75 * rng.uniform(count) + 0.25 * rng.bell(count)
    radius = np.maximum(radius, np.float32(0.6))
    edge = rng.between(0.9, 1.7, count)  # pixels from full ink to none
    # The pen's pressure falls or grows along the path.
    along = np.linspace(-1, 1, len(x), dtype=np.float32)[:, None]
    local = radius * (1 + 0.2 * rng.bell(count) * along)
    slack = radius * radius - local * local

    pixels = np.arange(SIDE, dtype=np.float32)
    across = np.square(pixels[:, None] - x[:, None, :]) + slack[:, None, :]
    down = np.square(pixels[:, None] - y[:, None, :])
    nearest = np.full((SIDE, SIDE, count), np.float32(1e6))
    candidate = np.empty_like(nearest)
    for point in range(len(x)):
        np.add(down[point][:, None, :], across[point][None, :, :], out=candidate)
        np.minimum(nearest, candidate, out=nearest)
    distance = np.sqrt(np.maximum(nearest, 0))
    cover = np.clip((radius - distance) / edge + np.float32(0.5), 0, 1)

    # Paper's grain: it shows in the ink and hardly beside it.
    grain = rng.uniform(SIDE, SIDE, count) + rng.uniform(SIDE, SIDE, count) - 1
    strength = rng.between(0.1, 0.5, count)
    level = cover * (1 + strength * grain) + 0.06 * grain * rng.uniform(count)
    level = np.clip(level * rng.between(0.85, 1.15, count), 0, 1)
    pictures: NDArray[np.uint8] = (level * 255 + np.float32(0.5)).astype(np.uint8)
    return np.moveaxis(pictures, -1, 0)
