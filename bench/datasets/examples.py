"""Pictures with what they show, for a network to be judged on, in every layout of `--data-dir`.

Of photographs of coffee all are taken: a network tells by their fingerprints which it was trained
on.  Sets of digits and things come in two halves, of which the one to test on is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.datasets import fingerprints, grind, mnist_like
from bench.datasets.cifar10 import split_of
from bench.datasets.dataset import Dataset
from bench.errors import DataError, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.datasets.data_folder import DataFolder
    from bench.workloads.workload import DataName


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Images with their truths.

    x: `(n, height, width, channels) uint8`; y: seconds, or numbers of classes.
    shots: the same number for all that show one shot; None where there are none.
    note: where they are from; kind: as `Dataset` has it.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.generic]
    names: Sequence[str]
    note: str
    kind: Literal["real", "synthetic"] = "real"
    shots: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def known_to(self, trained_on: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of them were trained on, or show a shot of which another photograph was.

        trained_on: the fingerprints of training images.
        """
        seen: NDArray[np.bool_] = np.isin(fingerprints.of(self.x), trained_on)
        if self.shots is not None:
            seen = np.isin(self.shots, self.shots[seen])
        return seen


def of_folder(
    found: DataFolder, dataset: DataName, name: str, size: tuple[int, int], classes: int
) -> Examples:
    """Those in a folder.

    name: of the data that the network was trained on: MNIST's networks may be on others.
    classes: how many the network tells apart.

    Raises:
        DataError: there are none, they are damaged, or of other classes.
    """
    if dataset == "grind":
        return _photographs(found, size)
    if dataset == "cifar10":
        return _cifar(found)
    return _by_class(found, name, classes)


def of_dataset(dataset: Dataset) -> Examples:
    """Those to test on of a data set that was drawn or downloaded."""
    test = dataset.test
    return Examples(test.x, test.y, _numbered(len(test)), dataset.note, dataset.kind)


def _photographs(found: DataFolder, size: tuple[int, int]) -> Examples:
    if found.shots is None:
        raise DataError(
            f"{shown(found.folder)} holds {found.summary} and no grind photographs: name a folder "
            "with some (docs/data.md shows every layout)"
        )
    photographs, pixels, shots = grind.read_shots(found.shots, size)
    folder = found.shots.folder
    return Examples(
        np.stack([pixels[each.path] for each in photographs]),
        np.array([each.seconds for each in photographs], np.float32),
        [shown(each.path.relative_to(folder)) for each in photographs],
        f"{len(photographs)} photographs of {len(set(shots.values()))} shots in {shown(folder)}",
        shots=np.array([shots[each.path] for each in photographs], np.int64),
    )


def _cifar(found: DataFolder) -> Examples:
    there = found.cifar10
    if there is None or there.problem is not None:
        told = there.problem if there else f"{shown(found.folder)} holds {found.summary}"
        raise DataError(f"{told}: name a folder with CIFAR-10's batches or folders")
    tests = [each for name, each in there.read().items() if name.startswith("test")]
    split = split_of(np.concatenate(tests))
    note = f"{len(split):,} test images of {shown(there.where)} ({there.layout})"
    return Examples(split.x, split.y, _numbered(len(split)), note)


def _by_class(found: DataFolder, name: str, classes: int) -> Examples:
    there = mnist_like.fitting(found, name)[0]
    train, test = mnist_like.read(there)
    labels = np.arange(classes) if name == "mnist" else np.unique(train.y)
    if len(labels) != classes or not np.isin(test.y, labels).all():
        raise DataError(
            f"{shown(there.where)} holds {len(np.unique(np.concatenate([train.y, test.y])))} "
            f"classes that are not the {classes} of the network"
        )
    return Examples(
        test.x[..., None],
        np.searchsorted(labels, test.y),
        test.names or _numbered(len(test.x)),
        f"{len(test.x):,} test images of {shown(there.where)} ({there.layout})",
    )


def _numbered(count: int) -> Sequence[str]:
    return [f"test image {number}" for number in range(count)]
