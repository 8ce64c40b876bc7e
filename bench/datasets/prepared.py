"""A data set cut to a schedule and laid out as files that every worker of a run can read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.dataset import Dataset, Split
from bench.errors import DataError, listed, shown, why
from bench.workloads.workload import DataName, Input, Schedule, Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.datasets.data_folder import DataFolder


# Linux's file system in memory, on every distribution.
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where the training images lie.

    paths: one for each image, in the order of the arrays.
    stored: how each is stored, as EXIF numbers it: 1 is upright.
    folder: that they are in, or the deepest one that holds them all.
    file_system: of that folder (`ext4`, `nfs4`, `tmpfs`), as the kernel names it.
    size: of all files, in bytes.
    """

    paths: tuple[Path, ...]
    stored: tuple[int, ...]
    folder: Path
    file_system: str
    size: int


def find_pictures(
    dataset: Dataset, where: Input, cache_dir: Path, made: Callable[[Path], None]
) -> Pictures:
    """The training images as files: the person's own for `data-dir`, else written anew.

    cache_dir: on the disk that is meant by `disk`.
    made: told of each folder that was made here, and that has to go with the run.

    Raises:
        DataError: there are no photographs in a data directory, or the files cannot be written.
    """
    if where == "data-dir":
        return _persons_own(dataset)
    place = MEMORY if where == "memory" else cache_dir
    try:
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="grindstone-pictures-", dir=place))
        made(folder)
        return _found(_written(dataset, folder))
    except OSError as error:
        way_out = "--input disk" if where == "memory" else "another disk with --cache-dir"
        raise DataError(
            f"the {dataset.name} images cannot be written as files in {place}: {why(error)}; "
            f"make room there, or choose {way_out}"
        ) from error


def _persons_own(dataset: Dataset) -> Pictures:
    """The photographs where they lie, if TensorFlow reads them as they were read here."""
    from bench.datasets import pictures

    if not dataset.paths:
        raise DataError(
            "--input data-dir times the reading of grind photographs, and there are none: "
            f"{dataset.note}; name their folder with --data-dir"
        )
    otherwise = [
        f"{shown(path)} is {why}" for path in dataset.paths if (why := pictures.indirect(path))
    ]
    if otherwise:
        raise DataError(
            f"--input data-dir reads with TensorFlow, which does not read {len(otherwise)} of "
            f"{len(dataset.paths)} photographs as Pillow does: {listed(otherwise)}; convert them "
            "to PNG or JPEG, or choose --input disk"
        )
    return _found(dataset.paths, tuple(map(pictures.orientation, dataset.paths)))


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


def _found(paths: tuple[Path, ...], stored: tuple[int, ...] = ()) -> Pictures:
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    size = sum(path.stat().st_size for path in paths)
    return Pictures(paths, stored or (1,) * len(paths), folder, _file_system(folder), size)


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder is on: that of the deepest mount above it."""
    import psutil

    real = folder.resolve()
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:  # no /proc here
        return "unknown"
    above = [p for p in mounts if real.is_relative_to(p.mountpoint)]
    return max(above, key=lambda p: len(p.mountpoint)).fstype if above else "unknown"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a workload trains on.

    dataset: the arrays, cut to the schedule.
    files: the same on disk, as `.npy`, by split and by `x` and `y`.
    pictures: the training images as files, where the workload reads them so.
    """

    dataset: Dataset
    files: dict[str, dict[str, str]]
    sha256: str
    pictures: Pictures | None = None


class Store:
    """Prepares each (data set, size, schedule) once, under a temporary folder of the run.

    data_folder: what is in the folder that a person named.
    name: of the pictures by class that MNIST's networks are trained on.
    """

    def __init__(
        self,
        folder: Path,
        data_folder: DataFolder | None,
        cache_dir: Path | None,
        *,
        synthetic: bool = False,
        name: str = "mnist",
    ) -> None:
        self._folder = folder
        self._named = data_folder
        self._cache_dir = cache_dir
        self._synthetic = synthetic
        self._name = name
        self._loaded: dict[tuple[object, ...], Dataset] = {}
        self._prepared: dict[tuple[object, ...], Prepared] = {}
        self._made: list[Path] = []

    def prepare(self, workload: Workload, schedule: Schedule) -> Prepared:
        """The workload's data set, cut to `schedule`.

        Raises:
            DataError: the data set is damaged or cannot be laid out.
        """
        sizes = (schedule.train, schedule.test, schedule.held_out, schedule.fold)
        key = (workload.dataset, workload.image, *sizes, workload.input)
        if key not in self._prepared:
            dataset = self._load(workload)
            if schedule.fold:
                from bench.datasets.grind import folded

                dataset = folded(dataset, schedule.fold)
            if schedule.held_out:
                dataset = dataset.holding_out(schedule.train, schedule.held_out)
            dataset = dataset.head(schedule.train, schedule.test)
            folder = self._folder / f"{workload.dataset}-{len(self._prepared)}"
            files = _lay_out(dataset, folder)
            pictures = self._pictures(dataset, workload.input) if workload.input else None
            if pictures:
                files["train"]["paths"] = _listed(pictures, folder)
            self._prepared[key] = Prepared(dataset, files, dataset.sha256(), pictures)
        return self._prepared[key]

    def check(self, workloads: Iterable[Workload]) -> None:
        """Reads what a person brought, for those that are trained, before anything is.

        Raises:
            DataError: it cannot be used, or none of them is trained on it.
        """
        wanted = {(each.dataset, each.image, each.input): each for each in workloads}.values()
        for workload in wanted:
            own = self._named is not None and self._named.holds(workload.dataset)
            if workload.input == "data-dir" and not own:  # without drawing any first
                raise DataError(
                    "--input data-dir times the reading of grind photographs, and there are none: "
                    "name their folder with --data-dir"
                )
            if workload.input == "data-dir":
                _persons_own(self._load(workload))
            elif own or (workload.dataset == "mnist" and self._name != "mnist"):
                self._load(workload)
        if self._named is not None and not any(self._named.holds(w.dataset) for w in wanted):
            raise DataError(
                f"{shown(self._named.folder)} holds {self._named.summary}, and nothing that is "
                "chosen here trains on it: choose other workloads with -k, or leave --data-dir out"
            )

    def close(self) -> None:
        """Removes the picture files that were written for this run."""
        for folder in self._made:
            shutil.rmtree(folder, ignore_errors=True)

    def _pictures(self, dataset: Dataset, where: Input) -> Pictures:
        from bench.datasets import cache

        return find_pictures(dataset, where, cache.directory(self._cache_dir), self._made.append)

    def _load(self, workload: Workload) -> Dataset:
        key = (workload.dataset, workload.image)
        if key not in self._loaded:
            self._loaded[key] = self._load_anew(workload)
        return self._loaded[key]

    def _load_anew(self, workload: Workload) -> Dataset:
        from bench.datasets import cache, cifar10, circles, grind, mnist, mnist_like

        named, place, size = self._named, cache.directory(self._cache_dir), workload.image[:2]
        if workload.dataset == "mnist" and self._name != "mnist" and named:
            return mnist_like.load(named, self._name)
        drawn: dict[DataName, Callable[[], Dataset]] = {
            "mnist": lambda: mnist.drawn(place),
            "grind": lambda: grind.drawn(place, size),
            "circles": circles.load,
            "cifar10": lambda: cifar10.drawn(place),
        }
        found: dict[DataName, Callable[[], Dataset]] = {
            "mnist": lambda: mnist.load(named, place),
            "grind": lambda: grind.load(named, place, size),
            "cifar10": lambda: cifar10.load(named, place),
        }
        sources = drawn if self._synthetic else {**drawn, **found}
        return sources[workload.dataset]()


def _lay_out(dataset: Dataset, folder: Path) -> dict[str, dict[str, str]]:
    import numpy as np

    def lay(name: str, split: Split) -> dict[str, str]:
        paths = {}
        for part, array in (("x", split.x), ("y", split.y)):
            path = folder / f"{name}-{part}.npy"
            np.save(path, array)
            paths[part] = str(path)
        return paths

    try:
        folder.mkdir(parents=True)
        return {"train": lay("train", dataset.train), "test": lay("test", dataset.test)}
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = error.strerror or "not all of them could be written"  # NumPy loses the errno
        raise DataError(
            f"the {dataset.name} arrays cannot be laid out in {folder}: {reason}; "
            "make room there, or name another place with TMPDIR"
        ) from error


def _listed(pictures: Pictures, folder: Path) -> str:
    """The path of a file with how each picture is stored, and where, between NUL bytes."""
    path = folder / "train-paths"
    each = zip(pictures.stored, pictures.paths, strict=True)
    path.write_bytes(b"".join(b"%d\0%b\0" % (how, os.fsencode(name)) for how, name in each))
    return str(path)
