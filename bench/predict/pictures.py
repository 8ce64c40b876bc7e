"""One picture at a time, made as the training images of its data set were."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import photographs, pictures
from bench.errors import DataError, shown
from bench.workloads.workload import DataName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Read = Callable[[Path], NDArray[np.uint8]]


def reader(dataset: DataName, image: tuple[int, int, int]) -> Read:
    """What reads a file as `(height, width, channels) uint8`, or raises a DataError.

    Photographs of coffee are resized, as they were; digits and CIFAR-10's pictures never were, so
    that one of another size is refused.
    """
    height, width, channels = image
    if dataset == "grind":
        return partial(photographs.read, size=(height, width))
    read = _grey if channels == 1 else _coloured
    return partial(_of_size, read=read, size=(height, width))


def _grey(path: Path) -> NDArray[np.uint8]:
    return pictures.grey(path)[..., None]


def _coloured(path: Path) -> NDArray[np.uint8]:
    return np.asarray(pictures.read(path), dtype=np.uint8)


def _of_size(path: Path, read: Read, size: tuple[int, int]) -> NDArray[np.uint8]:
    made = read(path)
    if made.shape[:2] != size:
        height, width = made.shape[:2]
        raise DataError(
            f"{shown(path)} has {width}x{height} pixels in place of {size[1]}x{size[0]}, and "
            "training images were never resized: scale it yourself"
        )
    return made
