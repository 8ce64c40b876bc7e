"""Folders of pictures named by their class, below a folder for each split.

`training/7/123.png` and `testing/7/4.png`, as `mnist_png` has them; the names are the pictures'
places in the published files.  Kaggle's archives repeat a folder in itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.datasets import pictures
from bench.datasets.layouts.classified import SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import DataError, shown

# Of several that are there the first one that holds pictures by class.
SPLITS = {
    "train": (
        *("train", "training", "trainingset", "training_set", "train_images", "mnist_train"),
        "notmnist_large",
    ),
    "test": (
        *("test", "testing", "testset", "test_set", "testsample", "test_images", "mnist_test"),
        *("notmnist_small", "valid", "validation", "val"),
    ),
}
_OF_SPLITS = frozenset(name for names in SPLITS.values() for name in names)
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


T = TypeVar("T")


def find(root: Folder) -> list[Classified]:
    """The folders with both splits, and those with one alone."""
    found: list[Classified] = []
    taken: set[Path] = set()
    for folder in root.walk():
        whole = halves(folder, SIDE)
        if whole and folder.path not in taken:
            found.append(_found(root.path, folder, whole))
            taken |= found[-1].folders
    alone = [each for each in root.walk() if each.path not in taken and classes_in(each)]
    return found + [_alone(root.path, folder) for folder in alone]


def halves(folder: Folder, side: int) -> dict[str, dict[str, Folder]]:
    """The class folders in a folder's splits, by split and class; pictures have so many pixels."""
    return in_splits(folder, partial(classes_in, side=side))


def in_splits(folder: Folder, take: Callable[[Folder], T | None]) -> dict[str, T]:
    """What is taken of a folder's splits, by split: of several the first that gives anything."""
    found: dict[str, T] = {}
    for split, names in SPLITS.items():
        for name in names:
            half = folder.inner(name)
            while half is not None and split not in found:
                if taken := take(half):
                    found[split] = taken
                half = half.inner(name)  # `trainingSet/trainingSet`
    return found


def classes_in(folder: Folder, side: int = SIDE) -> dict[str, Folder]:
    """The folders in one that hold pictures as small as digits, if it has several."""
    inside = {each.name: each for each in folder.folders if pictures.names_in(each)}
    if all(name.lower() in _OF_SPLITS for name in inside):
        return {}
    small = len(inside) > 1 and are_small(next(iter(inside.values())), side)
    return inside if small else {}


def are_small(folder: Folder, side: int = SIDE) -> bool:
    """Whether the first picture has this height and width."""
    return pictures.first_size(folder) == (side, side)


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
    classes = frozenset(each.path for each in classes_in(folder).values())
    problem = (
        f"{shown(folder.path)} holds pictures by class, {len(classes)} folders of "
        f"{SIDE}x{SIDE} pixels, and one split alone: name the folder that holds training/ and "
        "testing/"
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
    numbers = _numbered(classes)
    train, test = (_half(halves[split], numbers) for split in ("train", "test"))
    return train, test


def _numbered(classes: Sequence[str]) -> Mapping[str, int]:
    """The class that each folder's name means: `7`, `digit_7`, `seven`; else its place."""
    if {name.lower() for name in classes} <= {*_WORDS}:
        return {name: _WORDS.index(name.lower()) for name in classes}
    numbers = [re.findall(r"\d+", name) for name in classes]
    if all(len(each) == 1 for each in numbers):
        named = [int(each[0][:18]) for each in numbers]
        if len({*named}) == len(named):
            return dict(zip(classes, named, strict=True))
    return {name: place for place, name in enumerate(classes)}


def _half(classes: Mapping[str, Folder], numbers: Mapping[str, int]) -> Half:
    labelled = [
        (folder.path / name, numbers[label])
        for label, folder in classes.items()
        for name in pictures.names_in(folder)
    ]
    return read_half(sorted(labelled, key=lambda each: _place(each[0])))


def read_half(labelled: Sequence[tuple[Path, int]]) -> Half:
    """A split of pictures, each with its class, in this order.

    Raises:
        DataError: some cannot be read, or have another size.
    """
    names = tuple(f"{path.parent.name}/{path.name}" for path, _ in labelled)
    return Half(*pictures.stacked(labelled, _pixels), names)


def _pixels(path: Path) -> NDArray[np.uint8]:
    return pictures.must_be(pictures.grey(path), path, SIDE)


def _place(path: Path) -> tuple[int, str, str]:
    """Where a picture stands in its split: by the number in its name, then by name."""
    digits = "".join(c for c in path.stem if c in "0123456789")
    return (int(digits[:18] or -1), path.name, path.parent.name)
