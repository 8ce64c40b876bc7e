"""Pictures by class, as every family of layouts finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 28
"""Of a picture, in pixels, in MNIST and all that are made like it."""

MOST_CLASSES = 62
"""EMNIST's, the most of any set of this kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """One split as it is on the disk.

    x: `(n, 28, 28) uint8`, ink bright on a dark ground.
    y: `(n,) int64`, the labels as they are.
    names: of the pictures, where each is a file.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.int64]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classified:
    """Pictures by class, in one layout.

    where: the folder or file that a message names.
    layout: what it is, in words.
    names: of files and folders, in small letters, which may tell which set it is.
    read: reads both splits, or raises a DataError.
    problem: why they cannot be read, known without reading them, or None.
    files: whole files whose checksums may be known.
    folders: those that belong to it.
    """

    where: Path
    layout: str
    names: str
    read: Callable[[], tuple[Half, Half]]
    problem: str | None = None
    files: tuple[Path, ...] = ()
    folders: frozenset[Path] = frozenset()
