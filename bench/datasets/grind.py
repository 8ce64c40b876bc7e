"""Grind: photographs of ground coffee, and the seconds that its espresso takes to pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import cache, particles
from bench.datasets.dataset import Dataset, Split

if TYPE_CHECKING:
    from pathlib import Path


def load(data_dir: Path | None, cache_dir: Path, size: tuple[int, int]) -> Dataset:
    """The grind data at `size` = (height, width): drawn, or read from `data_dir`."""
    del data_dir  # photographs follow
    return drawn(cache_dir, size)


def drawn(
    cache_dir: Path, size: tuple[int, int], reason: str = "real photographs were not asked for"
) -> Dataset:
    """The embedded generator's grind data at `size` = (height, width).

    `x` is `(n, height, width, 3) uint8` RGB, `y` `(n,) float32` seconds; images stand shot by
    shot.  Drawn in about 10 s on one core, once, and kept in `cache_dir`.

    reason: why these and not photographs, for the data set's note.

    Raises:
        CacheError: the cache cannot be written or read.
    """
    height, width = size
    path = cache_dir / f"grind-particles-v{particles.VERSION}-{height}x{width}.npz"
    drawing = _stored(path)
    if drawing is None:
        drawing = particles.draw(size)
        cache.store_arrays(
            path,
            train_x=drawing.train.x,
            train_y=drawing.train.y,
            test_x=drawing.test.x,
            test_y=drawing.test.y,
            best_possible_mse=np.float64(drawing.best_possible_mse),
        )
    return Dataset(
        name="grind",
        source="synthetic",
        note=f"synthetic: drawn coffee particles, because {reason}",
        train=drawing.train,
        test=drawing.test,
        baselines=_baselines(drawing.train, drawing.test, drawing.best_possible_mse),
    )


def _stored(path: Path) -> particles.Drawing | None:
    arrays = cache.load_arrays(path)
    try:
        if arrays is None:
            return None
        return particles.Drawing(
            Split(arrays["train_x"], arrays["train_y"]),
            Split(arrays["test_x"], arrays["test_y"]),
            float(arrays["best_possible_mse"]),
        )
    except KeyError:
        return None


def _baselines(train: Split, test: Split, best_possible_mse: float) -> dict[str, float]:
    taught, asked = train.y.astype(np.float64), test.y.astype(np.float64)
    return {
        "mean_predictor_mse": float(np.mean(np.square(asked - taught.mean()))),
        "best_possible_mse": best_possible_mse,
    }
