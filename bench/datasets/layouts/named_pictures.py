"""Pictures of 28x28 pixels in one folder for each split, with their class in their names.

`train/00012-7.png` and `test/3-num5.png`, as scripts write them that take MNIST apart.  Which
number in a name is the class, all names of a folder tell together: it has few values, the place
many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.datasets import pictures
from bench.datasets.layouts import class_folders
from bench.datasets.layouts.class_folders import are_small, classes_in
from bench.datasets.layouts.classified import MOST_CLASSES, SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import shown

_SAID = re.compile(r"(?<![a-z])(?:label|class|digit|num|number|y)[-_ =]?(\d+)", re.IGNORECASE)
# A class has so many pictures at least; where it has fewer, a place may be taken for it.
_OF_A_CLASS = 4

_EXPECTED = (
    "expected a folder for each class, as training/7/12.png and testing/7/3.png, or the class in "
    "each name, as train/12-7.png and test/3-7.png"
)


def find(root: Folder) -> list[Classified]:
    """The folders with both splits, and single folders of such pictures, which are none."""
    found: list[Classified] = []
    taken: set[Path] = set()
    for folder in root.walk():
        there = class_folders.in_splits(folder, lambda half: half if _holds_them(half) else None)
        if there and folder.path not in taken:
            found.append(_found(root, folder, there))
            taken |= found[-1].folders | {folder.path}
    taken |= {each.path for place in root.walk() for each in classes_in(place).values()}
    alone = [each for each in root.walk() if each.path not in taken and _holds_them(each)]
    return found + [_found(root, each, {"": each}) for each in alone]


def _holds_them(folder: Folder) -> bool:
    return len(pictures.names_in(folder)) > 1 and are_small(folder)


def _found(root: Folder, folder: Folder, halves: Mapping[str, Folder]) -> Classified:
    named = {split: pictures.names_in(half) for split, half in halves.items()}
    labels = {split: labels_in(names) for split, names in named.items()}
    problem = None
    for split, half in halves.items():
        if labels[split] is None and problem is None:
            told = f"{shown(half.path)} holds {len(named[split])} pictures of {SIDE}x{SIDE} pixels"
            problem = f"{told}, and neither folders nor names tell their classes; {_EXPECTED}"
    lacking = [split for split in class_folders.SPLITS if split not in halves]
    if lacking and problem is None:
        problem = (
            f"{shown(folder.path)} holds pictures with their class in their names, and no folder "
            f"of a {lacking[0]} split; {_EXPECTED}"
        )
    return Classified(
        folder.path,
        "pictures with their class in their names",
        str(folder.path.relative_to(root.path.parent)).lower(),
        partial(_read, dict(halves)),
        f"{problem}: move or rename them" if problem else None,
        folders=frozenset(half.path for half in halves.values()),
    )


def labels_in(names: Sequence[str]) -> list[int] | None:
    """The class that each name tells; None where they do not tell one."""
    stems = [Path(name).stem for name in names]
    said = [_SAID.search(stem) for stem in stems]
    if all(said):
        return [int(each[1][:9]) for each in said if each]
    numbers = [re.findall(r"\d+", stem) for stem in stems]
    if len({*map(len, numbers)}) != 1:
        return None
    columns = [
        column
        for column in zip(*numbers, strict=True)
        if 2 <= len({*column}) <= min(MOST_CLASSES, len(names) // _OF_A_CLASS)
    ]
    return [int(each[:9]) for each in columns[0]] if len(columns) == 1 else None


def _read(halves: Mapping[str, Folder]) -> tuple[Half, Half]:
    train, test = (_half(halves[split]) for split in ("train", "test"))
    return train, test


def _half(folder: Folder) -> Half:
    names = pictures.names_in(folder)
    labelled = sorted(zip(names, labels_in(names) or [], strict=True), key=_place)
    return class_folders.read_half([(folder.path / name, label) for name, label in labelled])


def _place(labelled: tuple[str, int]) -> tuple[list[int], str]:
    """Where a picture stands in its split: by the numbers in its name, but for its class."""
    name, label = labelled
    numbers = [int(each[:18]) for each in re.findall(r"\d+", Path(name).stem)]
    numbers.remove(label)
    return sorted(numbers), name
