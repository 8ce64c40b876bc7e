"""Folders of pictures named by their class, below a folder for each split.

`training/7/123.png` and `testing/7/4.png`, as `mnist_png` has them; the names are the pictures'
places in the published files.  Kaggle's archives repeat a folder in itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bench.datasets import pictures
from bench.datasets.layouts.classified import SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import DataError, listed, shown

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
    found = {split: _half_in(folder, names, side) for split, names in SPLITS.items()}
    return {split: classes for split, classes in found.items() if classes}


def _half_in(folder: Folder, names: tuple[str, ...], side: int) -> dict[str, Folder]:
    """The class folders of a split, by class."""
    for name in names:
        half = folder.inner(name)
        while half is not None:
            found = classes_in(half, side)
            if found:
                return found
            half = half.inner(name)  # `trainingSet/trainingSet`
    return {}


def classes_in(folder: Folder, side: int = SIDE) -> dict[str, Folder]:
    """The folders in one that hold pictures as small as digits, if it has several."""
    inside = {each.name: each for each in folder.folders if pictures.names_in(each)}
    if all(name.lower() in _OF_SPLITS for name in inside):
        return {}
    small = len(inside) > 1 and are_small(next(iter(inside.values())), side)
    return inside if small else {}


def are_small(folder: Folder, side: int = SIDE) -> bool:
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
    digits = "".join(c for c in path.stem if c in "0123456789")
    return (int(digits[:18] or -1), path.name, path.parent.name)
