"""Sets like MNIST, in its place: its networks are trained on them, and the record names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import known_sets
from bench.datasets.dataset import Dataset, Split
from bench.errors import DataError, shown

if TYPE_CHECKING:
    from bench.datasets.data_folder import DataFolder
    from bench.datasets.layouts.classified import Classified, Half

FEWEST = 256
"""Images to train on: fewer are no full batch of every network."""

_SEED = 20201123


def load(data_folder: DataFolder, name: str) -> Dataset:
    """The set that a person calls `name`: x `(n, 28, 28, 1) uint8`, y `(n,) int64` from 0 on.

    Raises:
        DataError: it is not there, is damaged, or is another set.
    """
    faults: list[str] = []
    read_first = next(readable(data_folder, name, faults), None)
    if read_first is None:
        raise DataError(faults[0])
    found, train, test = read_first
    name = _named(found, name, train, test)
    classes = np.unique(train.y)
    strange = np.setdiff1d(test.y, classes)
    if len(train.x) < FEWEST or len(classes) < 2 or len(strange) or not len(test.x):
        why = (
            f"labels to test on that are never trained on ({strange[0]})"
            if len(strange)
            else f"{len(train.x)} + {len(test.x)} images of {len(classes)} classes"
        )
        raise DataError(
            f"{shown(found.where)} holds {why}; expected at least {FEWEST} images of 2 classes or "
            "more: bring a whole set"
        )
    splits = [Split(half.x[..., None], np.searchsorted(classes, half.y)) for half in (train, test)]
    return Dataset(
        name,
        "files",
        f"{known_sets.title(name)}, {len(classes)} classes, from {shown(found.where)} "
        f"({found.layout}); it has no floors{_shared(train, test)}",
        mixed(splits[0]),
        mixed(splits[1]),
        splits[1].commonest,
        classes=len(classes),
    )


def _shared(train: Half, test: Half) -> str:
    """How many images of the test split are to be learned by heart, where there are any.

    The sets are published as they are, so that this is told and not mended.
    """
    known = {each.tobytes() for each in train.x}
    count = sum(each.tobytes() in known for each in test.x)
    return f"; {count:,} of {len(test.x):,} test images are training images, too" if count else ""


def fitting(data_folder: DataFolder, name: str) -> list[Classified]:
    """The sets in a folder that a name can mean: those of that name before those without any.

    Raises:
        DataError: there is none, or none that is whole.
    """
    known = {each: known_sets.by_words(each.names) for each in data_folder.classified}
    if name == "mnist":
        found = [each for each, other in known.items() if other is None]
    else:
        found = [each for each, other in known.items() if other and known_sets.belong(name, other)]
        parts = dict.fromkeys(str(known[each]) for each in found)
        if len(parts) > 1:
            raise DataError(
                f"{shown(data_folder.folder)} holds {', '.join(parts)}: "
                "name one of them with --dataset"
            )
        found = found or [each for each, other in known.items() if other is None]
    if not found:
        problem = next((each.problem for each in known if each.problem), None)
        told = _only_others(data_folder, name, [str(each) for each in known.values()])
        raise DataError(f"{told}; and {problem}" if problem else told)
    if found[0].problem is not None:  # the whole ones come first
        raise DataError(found[0].problem)
    whole = [each for each in found if each.problem is None]
    return sorted(whole, key=lambda each: "mnist" not in each.names)


def readable(
    data_folder: DataFolder, name: str, faults: list[str]
) -> Iterator[tuple[Classified, Half, Half]]:
    """Those of them that are what they seem: beside them lies other data, as in Keras' cache.

    faults: gets what is wrong with each of the others.

    Raises:
        DataError: there is none, or none that is whole.
    """
    for found in fitting(data_folder, name):
        try:
            train, test = read(found)
        except DataError as error:
            faults.append(str(error))
        else:
            yield found, train, test


def read(found: Classified) -> tuple[Half, Half]:
    """Both splits of a set.

    Raises:
        DataError: it is damaged.
    """
    try:
        return found.read()
    except MemoryError as error:
        raise DataError(
            f"{shown(found.where)} does not fit into memory; bring fewer images"
        ) from error


def by_content(found: Classified, train: Half, test: Half) -> str | None:
    """The set that images and labels are known as, whatever their files are called."""
    size = len(train.x), len(test.x), len(np.unique(train.y))
    return known_sets.by_files(found.files) or known_sets.by_size(*size)


def mixed(split: Split) -> Split:
    """A split in an order in which its first part stands for all of it."""
    changes = np.count_nonzero(np.diff(split.y.astype(np.int64)))
    if changes > len(split) / 4:  # of ten classes in random order nine tenths differ from the next
        return split
    order = np.random.default_rng(_SEED).permutation(len(split))
    return Split(split.x[order], split.y[order])


def _named(found: Classified, name: str, train: Half, test: Half) -> str:
    """What the set is called in table and record: a part of EMNIST by its own name."""
    from bench.datasets import mnist

    if mnist.is_mnist(train, test):
        raise DataError(f"{shown(found.where)} holds MNIST itself: leave --dataset {name} out")
    known = known_sets.by_words(found.names)
    if known in (None, "emnist"):
        known = by_content(found, train, test) or known
    if known is not None and not known_sets.belong(name, known):
        raise DataError(
            f"{shown(found.where)} holds {known_sets.title(known)}, not {known_sets.title(name)}: "
            f"--dataset {known} trains on it"
        )
    return name if known is None or name != "emnist" else known


def _only_others(data_folder: DataFolder, name: str, there: list[str]) -> str:
    if not there:
        return (
            f"{shown(data_folder.folder)} holds no pictures by class for --dataset {name}; it "
            "holds grind photographs: leave --dataset out, or name another folder with --data-dir"
        )
    titles = ", ".join(dict.fromkeys(map(known_sets.title, there)))
    wanted = "MNIST" if name == "mnist" else known_sets.title(name)
    return (
        f"{shown(data_folder.folder)} holds {titles}, not {wanted}: --dataset {there[0]} trains on "
        "it, without MNIST's floors; or name another folder with --data-dir"
    )
