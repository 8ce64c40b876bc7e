"""Four IDX files: as published, as torchvision, Keras, Kaggle and people keep them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bench.datasets import idx
from bench.datasets.layouts.classified import SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import DataError, shown

# `train-images-idx3-ubyte.gz`, `t10k-labels.idx1-ubyte`, `emnist-letters-test-images-idx3-ubyte`,
# `qmnist-train-labels-idx2-int.gz`, `train-images-idx3-ubyte (1).gz`, `….gz.1`, and TensorFlow
# Datasets' downloads, which have a checksum behind the name.
_NAME = re.compile(
    r"(?P<set>.*?)(?P<split>train(?:ing)?|t10k|test(?:ing)?)[-_. ]*(?P<part>image|label)s?"
    r"(?:[-_. ]*idx[123]?)?(?:[-_. ]*(?:ubyte|int))?(?:[\w-]{43})?(?: ?\(\d+\)| - copy)?"
    r"(?:\.(?:gz|idx|bin|dat))?"
    r"(?:\.\d+)?"
)

_UNFINISHED = re.compile(r"(?P<name>.+)\.(part|partial|crdownload|download|aria2|tmp)")

_Role = tuple[str, str]
ROLES: dict[_Role, str] = {
    ("train", "image"): "train-images-idx3-ubyte.gz",
    ("train", "label"): "train-labels-idx1-ubyte.gz",
    ("test", "image"): "t10k-images-idx3-ubyte.gz",
    ("test", "label"): "t10k-labels-idx1-ubyte.gz",
}


def find(root: Folder) -> list[Classified]:
    """The sets of IDX files, told by their names; one that lacks a file is found, too."""
    sets: defaultdict[tuple[Path, str], dict[_Role, Path]] = defaultdict(dict)
    for folder in root.walk():
        # Kaggle's archive has each file in a folder of its own name.
        home = folder.path.parent if _named(folder.name) and folder is not root else folder.path
        for name in sorted(folder.files, key=lambda name: (name.lower().endswith(".gz"), name)):
            named = _named(name)
            if named:
                sets[home, named[0]].setdefault(named[1], folder.path / name)
    return [_found(root, home, name, files) for (home, name), files in sorted(sets.items())]


def _named(name: str) -> tuple[str, _Role] | None:
    """The set that a file is of by its name, and its role there."""
    match = _NAME.fullmatch(name.lower())
    if match is None:
        return None
    split = "train" if match["split"].startswith("train") else "test"
    return match["set"].strip("-_. "), (split, match["part"])


def _found(root: Folder, home: Path, name: str, files: Mapping[_Role, Path]) -> Classified:
    missing = [usual for role, usual in ROLES.items() if role not in files]
    before = f"{name}-" if name else ""
    problem = (
        f"{shown(home)} lacks {', '.join(before + each for each in missing)} of the four files"
        f"{_broken_off(root, home)}"
    )
    inside = [str(path.relative_to(root.path.parent)) for path in files.values()]
    return Classified(
        home,
        "IDX files",
        "\n".join(inside).lower(),
        partial(read, dict(files)),
        problem if missing else None,
        tuple(files.values()),
    )


def _broken_off(root: Folder, home: Path) -> str:
    """What a download left instead of a file."""
    there = [name for each in root.walk() if each.path == home for name in each.files]
    left = [name for name in there if _UNFINISHED.fullmatch(name.lower())]
    return f"; {shown(left[0])} is a download that was broken off: fetch it again" if left else ""


def read(files: Mapping[_Role, Path]) -> tuple[Half, Half]:
    """Both splits.

    Raises:
        DataError: a file is damaged, or they do not belong together.
    """
    train, test = (_half(files[part, "image"], files[part, "label"]) for part in ("train", "test"))
    return train, test


def _half(images: Path, labels: Path) -> Half:
    x = idx.parse(idx.read(images), 3, shown(images))
    y = idx.parse_labels(idx.read(labels), shown(labels))
    if x.shape[1:] != (SIDE, SIDE):
        height, width = x.shape[1:]
        raise DataError(
            f"{shown(images)} holds images of {height}x{width} pixels in place of {SIDE}x{SIDE}"
        )
    if len(x) != len(y):
        raise DataError(f"{shown(labels)} holds {len(y)} labels for {len(x)} images")
    return Half(x, np.ascontiguousarray(y))
