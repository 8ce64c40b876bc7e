"""A split's images as picture files, for a workload that reads them while it trains."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.dataset import Dataset
from bench.errors import DataError
from bench.workloads.workload import Input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Linux's file system in memory, on every distribution.
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where the training images lie.

    paths: one for each image, in the order of the arrays.
    folder: that they are in, or the deepest one that holds them all.
    file_system: of that folder (`ext4`, `nfs4`, `tmpfs`), as the kernel names it.
    size: of all files, in bytes.
    """

    paths: tuple[Path, ...]
    folder: Path
    file_system: str
    size: int


def find(dataset: Dataset, where: Input, cache_dir: Path, made: Callable[[Path], None]) -> Pictures:
    """The training images as files: the person's own for `data-dir`, else written anew.

    cache_dir: on the disk that is meant by `disk`.
    made: told of each folder that was made here, and that has to go with the run.

    Raises:
        DataError: there are no photographs in a data directory, or the files cannot be written.
    """
    if where == "data-dir":
        if not dataset.paths:
            raise DataError(
                "--input data-dir times the reading of grind photographs, and there are none: "
                f"{dataset.note}; name their folder with --data-dir"
            )
        return _found(dataset.paths)
    place = MEMORY if where == "memory" else cache_dir
    try:
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="grindstone-pictures-", dir=place))
        made(folder)
        return _found(_written(dataset, folder))
    except OSError as error:
        way_out = "--input disk" if where == "memory" else "another disk with --cache-dir"
        raise DataError(
            f"the {dataset.name} images cannot be written as files in {place}: {error.strerror}; "
            f"make room there, or choose {way_out}"
        ) from error


def _written(dataset: Dataset, folder: Path) -> tuple[Path, ...]:
    paths = tuple(folder / f"{number:05}.png" for number in range(len(dataset.train)))
    with ThreadPoolExecutor() as pool:  # Pillow encodes without the interpreter's lock
        list(pool.map(_write, dataset.train.x, paths))
    return paths


def _write(pixels: NDArray[np.uint8], path: Path) -> None:
    """Writes a PNG down to the disk: only what lies there can be dropped from the page cache."""
    from PIL import Image

    with path.open("wb") as file:
        Image.fromarray(pixels).save(file, format="PNG")
        file.flush()
        os.fsync(file.fileno())


def _found(paths: tuple[Path, ...]) -> Pictures:
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    size = sum(path.stat().st_size for path in paths)
    return Pictures(paths, folder, _file_system(folder), size)


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder is on: that of the deepest mount above it."""
    import psutil

    real = folder.resolve()
    above = [p for p in psutil.disk_partitions(all=True) if real.is_relative_to(p.mountpoint)]
    return max(above, key=lambda p: len(p.mountpoint)).fstype if above else "unknown"
