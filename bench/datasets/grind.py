"""Grind: photographs of ground coffee, and the seconds that its espresso takes to pull.

Real ones are a folder that a person brings; else the embedded generator draws them.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import cache, particles, photographs
from bench.datasets.dataset import Dataset, Split
from bench.datasets.photographs import Photograph
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NOISE_FLOOR_MSE = 10.9
"""In s²: how far repeated shots of the same grind scatter (optpresso, 2020-2021)."""


def load(data_dir: Path | None, cache_dir: Path, size: tuple[int, int]) -> Dataset:
    """The grind data at `size` = (height, width): real photographs, or else drawn ones.

    `x` is `(n, height, width, 3) uint8` RGB, `y` `(n,) float32` seconds.  The images of a shot
    stand together, shots in a random order that is always the same; no shot, and no picture, is
    on both sides of the split.

    The baselines are in s², for the whole test split.  `mean_predictor_mse` is what predicting
    the training labels' mean scores.  `best_possible_mse` is what the true pull times score,
    where they were drawn and so are known; of photographs only the published NOISE_FLOOR_MSE is
    known, which another machine and another hand need not have.

    data_dir: a folder that a person brings, with photographs in it or in its `grind`, laid out as
        `<pull seconds>/<unixtime>-<machine>.png` (or .jpg, .jpeg).  It may hold something else,
        and is then passed over.
    cache_dir: where the drawn photographs are kept, under `grind/`.  Real ones are read anew each
        time, which takes a few milliseconds each.

    Raises:
        DataError: `data_dir` is missing or empty, a folder or file in it is misnamed, a picture
            is damaged or too large, or the shots are too few to split.
        CacheError: the cache cannot be written or read.
    """
    if data_dir is None:
        return drawn(cache_dir, size, "no --data-dir")
    _must_hold_something(data_dir)
    folder = _folder(data_dir)
    if folder is None:
        return drawn(cache_dir, size, f"no grind photographs in {data_dir}")
    return _brought(folder, size)


def present(data_dir: Path) -> bool:
    """Whether `data_dir` holds anything that looks meant as grind photographs, correct or not."""
    try:
        return _folder(data_dir) is not None
    except DataError:
        return False


def drawn(
    cache_dir: Path, size: tuple[int, int], reason: str = "as asked for, whatever else there is"
) -> Dataset:
    """The embedded generator's grind data, shaped as `load` has it.

    Drawn in about 10 s on one core, once, and kept in `cache_dir`.

    reason: why these and not photographs, for the data set's note.

    Raises:
        CacheError: the cache cannot be written or read.
    """
    height, width = size
    path = cache_dir / "grind" / f"drawn-particles-v{particles.VERSION}-{height}x{width}.npz"
    drawing = _stored(path)
    if drawing is None:
        drawing = particles.draw(size)
        cache.store_arrays(
            path,
            train_x=drawing.train.x,
            train_y=drawing.train.y,
            test_x=drawing.test.x,
            test_y=drawing.test.y,
            best_possible_mse=np.array(drawing.best_possible_mse),
        )
    return Dataset(
        name="grind",
        source="synthetic",
        note=f"synthetic coffee particles: {reason}",
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


# ---- a folder that a person brings


def _must_hold_something(data_dir: Path) -> None:
    expected = "--data-dir takes a folder with MNIST's files, grind photographs or both"
    try:
        empty = next(data_dir.iterdir(), None) is None
    except OSError as error:
        raise DataError(f"{data_dir} cannot be read: {error.strerror}; {expected}") from error
    if empty:
        raise DataError(f"{data_dir} is empty; {expected}")


def _folder(data_dir: Path) -> Path | None:
    """Where the photographs lie; a folder `grind` is meant for them, whatever is in it."""
    try:
        if (data_dir / "grind").is_dir():
            return data_dir / "grind"
        return data_dir if photographs.look_like_shots(data_dir) else None
    except OSError as error:
        raise DataError(
            f"{error.filename or data_dir} cannot be read: {error.strerror}; make it readable"
        ) from error


def _brought(folder: Path, size: tuple[int, int]) -> Dataset:
    found = photographs.find(folder)
    together = photographs.group(found)
    paths = [photograph.path for photograph in found]
    pictures = dict(zip(paths, _read(paths, size), strict=True))
    # Of the resized pixels, since two pictures that are the same to the network are a leak too.
    prints = {path: hashlib.sha256(pixels.tobytes()).digest() for path, pixels in pictures.items()}
    try:
        taught, asked = photographs.split(together, prints)
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error

    def take(side: Sequence[Photograph]) -> Split:
        x = np.stack([pictures[photograph.path] for photograph in side])
        return Split(x, np.array([photograph.seconds for photograph in side], np.float32))

    train, test = take(taught), take(asked)
    note = f"{len(found)} photographs of {len(together)} shots from {folder}"
    copies = len(found) - len(set(prints.values()))
    if copies:
        note += f"; {copies} are copies, kept on one side of the split"
    baselines = _baselines(train, test, NOISE_FLOOR_MSE)
    read = tuple(photograph.path for photograph in taught)
    return Dataset("grind", "files", note, train, test, baselines, read)


def _read(paths: Sequence[Path], size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    with ThreadPoolExecutor() as pool:  # Pillow decodes without the interpreter's lock
        try:
            return list(pool.map(partial(photographs.read, size=size), paths))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
