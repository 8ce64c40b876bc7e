"""NPZ archives: Keras' `mnist.npz`, and KMNIST's four with one array each."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets import idx, signatures
from bench.datasets.layouts.found import SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import DataError, shown, why

KERAS = ("x_train", "y_train", "x_test", "y_test")
# What others call the same, whatever the case of their letters.
_SPELLINGS = (
    KERAS,
    ("train_x", "train_y", "test_x", "test_y"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("training_images", "training_labels", "test_images", "test_labels"),
    ("images_train", "labels_train", "images_test", "labels_test"),
)

# `kmnist-train-imgs.npz`, `k49-test-labels.npz`.
_QUARTER = re.compile(r"(?P<set>.*?)-?(?P<split>train|test)-(?P<part>imgs|images|labels)\.npz")
_QUARTERS = [("train", "x"), ("train", "y"), ("test", "x"), ("test", "y")]


def find(root: Folder) -> list[Classified]:
    """The archives with all four arrays, and sets of four with one each."""
    found: list[Classified] = []
    quarters: defaultdict[tuple[Path, str], dict[tuple[str, str], Path]] = defaultdict(dict)
    for folder in root.walk():
        for name in folder.files:
            path, quarter = folder.path / name, _QUARTER.fullmatch(name.lower())
            if quarter:
                part = "y" if quarter["part"] == "labels" else "x"
                quarters[folder.path, quarter["set"]][quarter["split"], part] = path
            elif name.lower().endswith(".npz"):
                found += _whole(root.path, path)
    return found + [_of_four(root.path, *key, paths) for key, paths in sorted(quarters.items())]


def _whole(root: Path, path: Path) -> list[Classified]:
    """The archive at `path`, if it holds Keras' arrays or is named as if it did."""
    names, problem = str(path.relative_to(root.parent)).lower(), None
    try:
        arrays = _names(path)
        if _four_of(arrays) is None:
            problem = (
                f"{shown(path)} holds {', '.join(sorted(arrays)[:6])} in place of "
                f"{', '.join(KERAS)}"
            )
    except DataError as error:
        arrays, problem = frozenset(), str(error)
    if problem and "mnist" not in path.name.lower():
        return []
    return [Classified(path, "an NPZ file", names, partial(_read, path), problem)]


def _of_four(
    root: Path, folder: Path, name: str, paths: Mapping[tuple[str, str], Path]
) -> Classified:
    missing = [
        f"{name}-{split}-{'imgs' if part == 'x' else 'labels'}.npz"
        for split, part in _QUARTERS
        if (split, part) not in paths
    ]
    names = "\n".join(str(path.relative_to(root.parent)) for path in paths.values()).lower()
    problem = f"{shown(folder)} lacks {', '.join(missing)} of the four files" if missing else None
    return Classified(folder, "NPZ files", names, partial(_read_four, dict(paths)), problem)


def _read(path: Path) -> tuple[Half, Half]:
    x_train, y_train, x_test, y_test = _arrays(path, _four_of(_names(path)) or KERAS)
    return _half(path, x_train, y_train), _half(path, x_test, y_test)


def _read_four(paths: Mapping[tuple[str, str], Path]) -> tuple[Half, Half]:
    parts = [
        _arrays(paths[quarter], sorted(_names(paths[quarter]))[:1])[0] for quarter in _QUARTERS
    ]
    where = paths["train", "x"]
    return _half(where, parts[0], parts[1]), _half(where, parts[2], parts[3])


def _four_of(arrays: Iterable[str]) -> list[str] | None:
    """The names that an archive has for Keras' four arrays, in their order; None without."""
    there = {name.lower(): name for name in arrays}
    wanted = next((each for each in _SPELLINGS if there.keys() >= set(each)), None)
    return [there[name] for name in wanted] if wanted else None


def _names(path: Path) -> frozenset[str]:
    """The arrays in an archive, without reading them."""
    try:
        if not path.is_file():  # a pipe would never end
            raise DataError(f"{shown(path)} is no file: take it away")
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > idx.MOST:
                raise DataError(
                    f"{shown(path)} holds {size:,} bytes; at most {idx.MOST:,} are read"
                )
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except zipfile.BadZipFile as error:
        raise DataError(_damaged(path)) from error
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read: {why(error)}") from error


def _arrays(path: Path, wanted: tuple[str, ...] | list[str]) -> list[NDArray[Any]]:
    _names(path)  # which refuses one that is too large
    try:
        with np.load(path, allow_pickle=False) as archive:
            return [archive[name] for name in wanted]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise DataError(_damaged(path)) from error
        raise DataError(
            f"{shown(path)} holds Python objects, which could run any program and are never "
            "opened: save arrays of numbers"
        ) from error
    except (KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(_damaged(path)) from error


def _half(path: Path, x: NDArray[Any], y: NDArray[Any]) -> Half:
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    if x.ndim == 2 and x.shape[1] == SIDE * SIDE:
        x = x.reshape(-1, SIDE, SIDE)
    x = _shades(x)
    if x.ndim != 3 or x.shape[1:] != (SIDE, SIDE) or x.dtype != np.uint8:
        raise DataError(
            f"{shown(path)} holds images of {x.dtype} and shape {x.shape[1:]} in place of uint8 "
            f"and {SIDE}x{SIDE}"
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (len(x),):
        raise DataError(f"{shown(path)} holds labels of shape {y.shape} for {len(x)} images")
    if y.dtype.kind not in "iu" and not np.array_equal(y, np.rint(_numbers(path, y))):
        raise DataError(f"{shown(path)} holds labels that are no whole numbers")
    return Half(x, y.astype(np.int64))


def _shades(x: NDArray[Any]) -> NDArray[Any]:
    """The 256 shades of images saved as floats, whole or scaled to 1; others as they are."""
    if x.dtype.kind != "f" or not x.size:
        return x
    scaled = x * 255 if x.max() <= 1 else x
    shades = np.rint(scaled)
    whole = bool(np.all((shades >= 0) & (shades <= 255) & (abs(scaled - shades) < 1e-3)))
    return shades.astype(np.uint8) if whole else x


def _numbers(path: Path, y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind != "f":
        raise DataError(f"{shown(path)} holds labels of {y.dtype} in place of numbers")
    return y


def _damaged(path: Path) -> str:
    with idx.reading(path) as file:
        signature = signatures.read(file.read(signatures.ENOUGH), path.name)
    if signature is None or "ZIP" in signature.what:
        return f"{shown(path)} is no whole NPZ file: it is cut short or damaged"
    return f"{shown(path)} is {signature.what}: {signature.mend}"
