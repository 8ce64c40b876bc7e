"""Folders of pictures named by their class, below a folder for each split.

`training/7/123.png` and `testing/7/4.png`, as `mnist_png` has them; the names are the pictures'
places in the published files.  Kaggle's archives repeat a folder in itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bench.datasets import pictures
from bench.datasets.layouts.found import SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import DataError, listed, shown

_SPLITS = {
    "train": ("train", "training", "trainingset", "training_set", "train_images"),
    "test": ("test", "testing", "testset", "test_set", "testsample", "test_images"),
}
_DIGITS = frozenset("0123456789")


def find(root: Folder) -> list[Classified]:
    """The folders with both splits, and those with one alone."""
    found: list[Classified] = []
    taken: set[Path] = set()
    for folder in root.walk():
        whole = halves(folder, SIDE)
        if whole and folder.path not in taken:
            found.append(_found(root.path, folder, whole))
            taken |= found[-1].folders
    alone = [each for each in root.walk() if each.path not in taken and _are_digits(_classes(each))]
    return found + [_alone(root.path, folder) for folder in alone]


def halves(folder: Folder, side: int) -> dict[str, dict[str, Folder]]:
    """The class folders in a folder's splits, by split and class; pictures have so many pixels."""
    found = {split: _half_in(folder, names, side) for split, names in _SPLITS.items()}
    return {split: classes for split, classes in found.items() if classes}


def _half_in(folder: Folder, names: tuple[str, ...], side: int) -> dict[str, Folder]:
    """The class folders of a split, by class."""
    half = folder.inner(*names)
    while half is not None:
        classes = _classes(half, side)
        if classes:
            return classes
        half = half.inner(*names)  # `trainingSet/trainingSet`
    return {}


def _classes(folder: Folder, side: int = SIDE) -> dict[str, Folder]:
    """The folders in one that hold pictures as small as digits, if it has several."""
    inside = {each.name: each for each in folder.folders if pictures.names_in(each)}
    small = len(inside) > 1 and _is_small(next(iter(inside.values())), side)
    return inside if small else {}


def _are_digits(classes: Mapping[str, Folder]) -> bool:
    return bool(classes) and classes.keys() <= _DIGITS


def _is_small(folder: Folder, side: int) -> bool:
    """Whether the first picture, which is not decoded, has this height and width."""
    try:
        with pictures.opened(folder.path / pictures.names_in(folder)[0]) as picture:
            return bool(picture.size == (side, side))
    except Exception:  # a damaged picture fails with anything; the photographs' reader tells of it
        return False


def _found(root: Path, folder: Folder, halves: Mapping[str, Mapping[str, Folder]]) -> Classified:
    problem = None
    for split, other in (("train", "test"), ("test", "train")):
        if split not in halves:
            problem = f"{shown(folder.path)} holds pictures by class in its {other} half alone"
    where = str(folder.path.relative_to(root.parent)).lower()
    folders = frozenset(each.path for half in halves.values() for each in half.values())
    return Classified(
        folder.path,
        "pictures in folders of their class",
        where,
        partial(_read, {split: dict(half) for split, half in halves.items()}),
        problem,
        folders=folders | {each.parent for each in folders},
    )


def _alone(root: Path, folder: Folder) -> Classified:
    classes = frozenset(each.path for each in _classes(folder).values())
    problem = (
        f"{shown(folder.path)} holds digits as pictures, {len(classes)} folders of {SIDE}x{SIDE} "
        f"pixels, and one split alone: name the folder that holds training/ and testing/"
    )
    where = str(folder.path.relative_to(root.parent)).lower()
    return Classified(
        folder.path, "pictures in folders of their class", where, _never, problem, folders=classes
    )


def _never() -> tuple[Half, Half]:
    raise DataError("there is one split alone")


def _read(halves: Mapping[str, Mapping[str, Folder]]) -> tuple[Half, Half]:
    classes = sorted(halves["train"])
    strange = sorted(set(halves["test"]) - set(classes))
    if strange:
        raise DataError(f"there is no picture of {', '.join(map(shown, strange))} to train on")
    numbers = {name: int(name) if name.isdecimal() else at for at, name in enumerate(classes)}
    train, test = (_half(halves[split], numbers) for split in ("train", "test"))
    return train, test


def _half(classes: Mapping[str, Folder], numbers: Mapping[str, int]) -> Half:
    labelled = [
        (folder.path / name, numbers[label])
        for label, folder in classes.items()
        for name in pictures.names_in(folder)
    ]
    labelled.sort(key=lambda each: _place(each[0]))
    arrays, problems = pictures.read_all([path for path, _ in labelled], pictures.grey)
    problems += [
        f"{shown(path)} has {x.shape[1]}x{x.shape[0]} pixels in place of {SIDE}x{SIDE}"
        for (path, _), x in zip(labelled, arrays, strict=True)
        if x is not None and x.shape != (SIDE, SIDE)
    ]
    if problems:
        raise DataError(f"{len(problems)} of {len(labelled)} pictures: {listed(problems)}")
    x = np.stack([each for each in arrays if each is not None])
    names = tuple(f"{path.parent.name}/{path.name}" for path, _ in labelled)
    return Half(x, np.array([label for _, label in labelled], np.int64), names)


def _place(path: Path) -> tuple[int, str, str]:
    """Where a picture stands in its split: by the number in its name, then by name."""
    digits = "".join(c for c in path.stem if c in _DIGITS)
    return (int(digits[:18] or -1), path.name, path.parent.name)
