"""A data set cut to a schedule and laid out as files that every worker of a run can read."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.dataset import Dataset, Split
from bench.errors import DataError
from bench.workloads.workload import Input, Schedule, Workload

if TYPE_CHECKING:
    from bench.datasets.pictures import Pictures


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a workload trains on.

    dataset: the arrays, cut to the schedule.
    files: the same on disk, as `.npy`, by split and by `x` and `y`.
    sha256: the arrays' fingerprint.
    pictures: the training images as files, where the workload reads them so.
    """

    dataset: Dataset
    files: dict[str, dict[str, str]]
    sha256: str
    pictures: Pictures | None = None


class Store:
    """Prepares each (data set, size, schedule) once, under a temporary folder of the run."""

    def __init__(
        self,
        folder: Path,
        data_dir: Path | None,
        cache_dir: Path | None,
        *,
        synthetic: bool = False,
    ) -> None:
        self._folder = folder
        self._data_dir = data_dir
        self._cache_dir = cache_dir
        self._synthetic = synthetic
        self._loaded: dict[tuple[object, ...], Dataset] = {}
        self._prepared: dict[tuple[object, ...], Prepared] = {}
        self._made: list[Path] = []

    def prepare(self, workload: Workload, schedule: Schedule) -> Prepared:
        """The workload's data set, cut to `schedule`.

        Raises:
            DataError: the data set is damaged or cannot be laid out.
            CacheError: the cache cannot be written.
        """
        key = (workload.dataset, workload.image, schedule.train, schedule.test, workload.input)
        if key not in self._prepared:
            dataset = self._load(workload).head(schedule.train, schedule.test)
            folder = self._folder / f"{workload.dataset}-{len(self._prepared)}"
            files = _lay_out(dataset, folder)
            pictures = self._pictures(dataset, workload.input) if workload.input else None
            if pictures:
                files["train"]["paths"] = _listed(pictures, folder)
            self._prepared[key] = Prepared(dataset, files, dataset.sha256(), pictures)
        return self._prepared[key]

    def close(self) -> None:
        """Removes the picture files that were written for this run."""
        for folder in self._made:
            shutil.rmtree(folder, ignore_errors=True)

    def _pictures(self, dataset: Dataset, where: Input) -> Pictures:
        from bench.datasets import cache, pictures

        return pictures.find(dataset, where, cache.directory(self._cache_dir), self._made.append)

    def _load(self, workload: Workload) -> Dataset:
        key = (workload.dataset, workload.image)
        if key not in self._loaded:
            self._loaded[key] = self._load_anew(workload)
        return self._loaded[key]

    def _load_anew(self, workload: Workload) -> Dataset:
        from bench.datasets import cache, grind, mnist

        place = cache.directory(self._cache_dir)
        size = workload.image[:2]
        if workload.dataset == "mnist":
            return mnist.drawn(place) if self._synthetic else mnist.load(self._data_dir, place)
        if self._synthetic:
            return grind.drawn(place, size)
        return grind.load(self._data_dir, place, size)


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
    """The path of a file with the paths of the pictures, one a line."""
    path = folder / "train-paths.txt"
    path.write_text("".join(f"{picture}\n" for picture in pictures.paths), encoding="utf-8")
    return str(path)
