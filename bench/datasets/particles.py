"""Coffee particles under a cheap microscope, drawn: the finer the grind, the longer the pull.

The embedded stand-in for real photographs, of which none is free to use.  Each shot has a true
pull time, which sets the size of its particles, and one label: the true time plus the spread that
repeated real shots show.  So the error that no network can go below is known.

Any change here that moves a pixel or a label needs a new VERSION: floors are set from these data.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from bench.datasets import photographs
from bench.datasets.dataset import Drawing, Split

VERSION = 1
SEED = 20201123  # the day of the post

# Few, because the network costs 3.7 GFLOP an image and a small CPU manages 40 images/s: an epoch
# should take seconds there.  Shots teach more than further photographs of the same shot.
TRAIN_SHOTS, TRAIN_PHOTOGRAPHS = 32, 3
TEST_SHOTS, TEST_PHOTOGRAPHS = 60, 2

# Pull times of 647 real shots in bins of 5 s from 0 (optpresso, 2020-2021); they ranged 3..63 s.
PULL_TIMES = (1, 35, 36, 23, 37, 102, 159, 114, 60, 34, 19, 19, 8)
BIN_SECONDS = 5.0
SHORTEST, LONGEST = 3.0, 63.0

FRAME = (640, 480)  # width, height of the microscope's frames, in pixels
# Warm light on a light ground, RGB.  The real frames' channel means were 202.56, 149.31, 69.49;
# these are exposed darker in the same hue, because the network takes raw 0..255 and spends its
# first epochs outgrowing whatever brightness all pictures share.
PAPER = np.array([180.0, 134.0, 64.0])
COFFEE = np.array([52.0, 30.0, 11.0])
CORNERS = 11  # of a particle's outline


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """True pull times and labels of some shots, each `(n,) float64` in seconds."""

    true: NDArray[np.float64]
    label: NDArray[np.float64]

    @property
    def best_possible_mse(self) -> float:
        """What predicting the true pull time of each of these shots scores, in s²."""
        return float(np.mean(np.square(self.label.astype(np.float32) - self.true)))


def label_spread(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of repeated shots, in s: 0.1019 t - 0.1649 (optpresso), at least 0."""
    return np.maximum(0.1019 * seconds - 0.1649, 0.0)


def pull_times(quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The pull times, in s, at these quantiles (0..1) of the real shots' histogram."""
    edges = np.arange(len(PULL_TIMES) + 1) * BIN_SECONDS
    edges[0], edges[-1] = SHORTEST, LONGEST
    share = np.concatenate([[0.0], np.cumsum(PULL_TIMES)]) / sum(PULL_TIMES)
    seconds: NDArray[np.float64] = np.interp(quantiles, share, edges)
    return seconds


def draw_shots(rng: np.random.Generator, count: int) -> Shots:
    """`count` shots in random order, one from each of `count` equal parts of the histogram.

    So few shots stand for the whole range.  The labels' noise is spread out likewise, which
    brings the error that it causes close to the published 10.9 s².
    """
    true = pull_times((np.arange(count) + rng.random(count)) / count)
    rng.shuffle(true)
    strata = (np.arange(count) + 0.5) / count
    surprise = rng.permutation([NormalDist().inv_cdf(p) for p in strata.tolist()])
    label = true + label_spread(true) * surprise
    return Shots(true, np.maximum(label, 1.0))


def typical_radius(seconds: float) -> float:
    """The median radius of the particles of such a shot, in pixels of the frame."""
    return 20.0 * float(np.exp(-seconds / 35.0))


def draw_photograph(rng: np.random.Generator, seconds: float) -> Image.Image:
    """A 640x480 RGB frame of other particles of the same shot, otherwise lit, focused, placed."""
    grounds = _scatter(rng, seconds)
    grounds = grounds.filter(ImageFilter.GaussianBlur(rng.uniform(0.8, 1.6)))
    pixels = np.asarray(grounds, dtype=np.float32) * _light(rng)
    pixels += rng.normal(0.0, 1.5, 3).astype(np.float32)  # white balance
    pixels += rng.uniform(2.0, 5.0) * rng.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8))


def _scatter(rng: np.random.Generator, seconds: float) -> Image.Image:
    """Particles on the ground, in even light: log-normal radii, ragged outlines, a lit side."""
    width, height = FRAME
    typical, sigma = typical_radius(seconds), 0.35
    # A fixed dose covers more ground the finer it is; how much of it is in view differs.
    covered = 0.26 * (8.0 / typical) * rng.uniform(0.85, 1.15)
    each = np.pi * typical**2 * np.exp(2 * sigma**2)
    count = round(-np.log1p(-covered) * width * height / each)

    radius = typical * rng.lognormal(0.0, sigma, count)
    middle = rng.uniform((0, 0), FRAME, (count, 2))
    angle = np.linspace(0.0, 2 * np.pi, CORNERS, endpoint=False) + rng.uniform(0, 6, (count, 1))
    reach = radius[:, None] * rng.uniform(0.72, 1.22, (count, CORNERS))
    outline = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * reach[..., None]
    squeeze = rng.uniform(0.75, 1.0, (count, 1, 1))  # no grain is round
    outline[..., 1:] *= squeeze
    tone = COFFEE * rng.uniform(0.75, 1.3, (count, 1))
    lit = tone * 1.6
    towards = rng.uniform(0, 2 * np.pi)
    offset = 0.22 * radius[:, None] * np.array([np.cos(towards), np.sin(towards)])

    paper = Image.new("RGB", FRAME, tuple(PAPER.astype(int)))
    draw = ImageDraw.Draw(paper)
    body = (middle[:, None] + outline).reshape(count, -1).tolist()
    facet = ((middle + offset)[:, None] + 0.5 * outline).reshape(count, -1).tolist()
    dark, bright = np.rint(tone).astype(int).tolist(), np.rint(lit).astype(int).tolist()
    for i in range(count):
        draw.polygon(body[i], fill=tuple(dark[i]))
        draw.polygon(facet[i], fill=tuple(bright[i]))
    return paper


def _light(rng: np.random.Generator) -> NDArray[np.float32]:
    """Uneven light, `(height, width, 1)`: a gain, a slope across the frame, darker corners."""
    width, height = FRAME
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    towards = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0.0, 0.06) * (np.cos(towards) * x + np.sin(towards) * y)
    corners = rng.uniform(0.05, 0.15) * (x * x + y * y) / 2
    light: NDArray[np.float32] = (rng.uniform(0.97, 1.03) * (1 + slope - corners))[..., None]
    return light.astype(np.float32)


def draw_split(
    rng: np.random.Generator, shots: Shots, photographs_each: int, size: tuple[int, int]
) -> Split:
    """Photographs of `shots`, shot by shot, resized to `size` = (height, width)."""
    x = [
        photographs.squash(draw_photograph(rng, seconds), size)
        for seconds in shots.true.tolist()
        for _ in range(photographs_each)
    ]
    return Split(np.stack(x), np.repeat(shots.label, photographs_each).astype(np.float32))


def shots_of(train: int, test: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of the shot that each drawn photograph is of, of both splits."""
    taught = np.arange(train) // TRAIN_PHOTOGRAPHS
    return taught, TRAIN_SHOTS + np.arange(test) // TEST_PHOTOGRAPHS


def draw(size: tuple[int, int]) -> Drawing:
    """Draws both splits for images of `size` = (height, width): 96 to train on, 120 to test on.

    Images are `(n, height, width, 3) uint8`, labels `(n,) float32` seconds; the best possible is
    in s², what predicting the true pull time of every test shot scores.
    """
    rng = np.random.default_rng(SEED)
    train_shots, test_shots = draw_shots(rng, TRAIN_SHOTS), draw_shots(rng, TEST_SHOTS)
    train = draw_split(rng, train_shots, TRAIN_PHOTOGRAPHS, size)
    test = draw_split(rng, test_shots, TEST_PHOTOGRAPHS, size)
    return Drawing(train, test, test_shots.best_possible_mse)
