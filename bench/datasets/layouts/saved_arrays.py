"""Images and labels as arrays, in the shapes and types that people save them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets.layouts.classified import SIDE, Half
from bench.errors import DataError, shown


def half(path: Path, x: NDArray[Any], y: NDArray[Any]) -> Half:
    """A split of them.

    Raises:
        DataError: they are something else.
    """
    images, labels = _images(path, x), _labels(path, y)
    if labels.shape != (len(images),):
        raise DataError(f"{shown(path)} holds labels of shape {y.shape} for {len(images)} images")
    return Half(images, labels)


def _images(path: Path, x: NDArray[Any]) -> NDArray[np.uint8]:
    """Images of 28x28, with a channel at either end or none, or in rows of 784."""
    if x.ndim == 4 and 1 in (x.shape[1], x.shape[3]):
        x = x[:, 0] if x.shape[1] == 1 else x[..., 0]
    if x.ndim == 2 and x.shape[1] == SIDE * SIDE:
        x = x.reshape(-1, SIDE, SIDE)
    if x.ndim != 3 or x.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{shown(path)} holds images of {x.dtype} in an array of shape {x.shape}, in place of "
            f"{SIDE}x{SIDE} pixels each"
        )
    _check_finite(path, "images", x)
    shades = _shades(x)
    if shades is None:
        numbers = f", from {x.min():g} to {x.max():g}" if x.size and x.dtype.kind in "iuf" else ""
        raise DataError(
            f"{shown(path)} holds images of {x.dtype}{numbers}, in place of whole numbers from 0 "
            "to 255 or the same divided by 255: save them as they were before they were scaled"
        )
    return shades


def _shades(x: NDArray[Any]) -> NDArray[np.uint8] | None:
    """The 256 shades, of whatever numbers they were saved as, whole or scaled to 1."""
    if x.dtype == np.uint8 or not x.size:
        return x.astype(np.uint8)
    if x.dtype.kind not in "iuf":
        return None
    scaled = x * 255 if x.dtype.kind == "f" and x.max() <= 1 else x
    shades = np.rint(scaled)
    whole = bool(np.all((shades >= 0) & (shades <= 255) & (abs(scaled - shades) < 1e-3)))
    return shades.astype(np.uint8) if whole else None


def _labels(path: Path, y: NDArray[Any]) -> NDArray[np.int64]:
    """A number each, also in a column, or one of several columns marked."""
    if y.dtype.kind not in "iufb":
        raise DataError(f"{shown(path)} holds labels of {y.dtype} in place of numbers")
    _check_finite(path, "labels", y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and y.size and np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1):
        y = y.argmax(axis=1)
    if not np.array_equal(y, np.rint(y)):
        raise DataError(f"{shown(path)} holds labels that are no whole numbers")
    return y.astype(np.int64)


def _check_finite(path: Path, what: str, array: NDArray[Any]) -> None:
    """Refuses numbers that are none: NaN, as a broken import leaves them, or infinite."""
    if array.dtype.kind == "f" and (count := array.size - np.count_nonzero(np.isfinite(array))):
        raise DataError(
            f"{shown(path)}: {count:,} of {array.size:,} numbers of its {what} are NaN or infinite"
        )
