"""Images as files that are read on the clock: where they lie, what is waited for, what is told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.datasets import particles, prepared
from bench.datasets.data_folder import look
from bench.datasets.dataset import Drawing, Split
from bench.datasets.prepared import Store
from bench.errors import DataError
from bench.record.timing import EpochTiming, Timings
from bench.worker import files
from bench.workloads import EVERY, ON_REQUEST, WORKLOADS
from bench.workloads.workload import INPUTS, Schedule

SCHEDULE = Schedule(epochs=3, train=5, test=2)


@pytest.fixture
def _few_particles(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(size: tuple[int, int]) -> Drawing:
        drawn = np.random.default_rng(1).integers(0, 256, (7, *size, 3), dtype=np.uint8)
        y = np.arange(7, dtype=np.float32)
        return Drawing(Split(drawn, y), Split(drawn[:3], y[:3]), 10.8)

    monkeypatch.setattr(particles, "draw", draw)


def _store(folder: Path, data_dir: Path | None = None) -> Store:
    return Store(folder / "laid", look(data_dir) if data_dir else None, folder / "cache")


def test_each_place_is_a_workload_of_its_own_with_the_floors_of_the_one_without() -> None:
    added = [workload for workload in EVERY.values() if workload.input]
    assert [workload.input for workload in added] == list(INPUTS)
    assert {workload.learns_like for workload in added} == {"post"}
    assert {workload.build for workload in added} == {WORKLOADS["post"].build}
    assert not {workload.name for workload in added} & (set(WORKLOADS) | set(ON_REQUEST))


@pytest.mark.usefixtures("_few_particles")
@pytest.mark.parametrize("where", ["memory", "disk"])
def test_drawn_images_are_written_as_files_pixel_for_pixel_and_go_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    memory = tmp_path / "memory"
    monkeypatch.setattr(prepared, "MEMORY", memory)
    store = _store(tmp_path)
    made = store.prepare(EVERY[f"post_files_{where}"], SCHEDULE)
    assert made.pictures is not None
    assert made.pictures.folder.parent == (memory if where == "memory" else tmp_path / "cache")
    listed = files.read_list(made.files["train"]["paths"])
    assert listed == [(bytes(path), 1) for path in made.pictures.paths]
    for path, pixels in zip(made.pictures.paths, made.dataset.train.x, strict=True):
        with Image.open(path) as picture:
            assert (np.asarray(picture) == pixels).all()
    assert made.pictures.size == sum(path.stat().st_size for path in made.pictures.paths)
    assert store.prepare(WORKLOADS["post"], SCHEDULE).pictures is None
    store.close()
    assert not made.pictures.folder.exists()


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Twelve shots as a person brings them, two of each."""
    draw = np.random.default_rng(5)
    for shot in range(12):
        folder = tmp_path / "mine" / f"{20 + shot}"
        folder.mkdir(parents=True)
        for number in range(2):
            pixels = draw.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{1606089600 + number}-silvia.png")
    return tmp_path / "mine"


def test_a_persons_photographs_are_read_where_they_lie_each_with_its_own_pull_time(
    tmp_path: Path, photographs: Path
) -> None:
    before = sorted(photographs.rglob("*"))
    store = _store(tmp_path, photographs)
    made = store.prepare(EVERY["post_files_data_dir"], SCHEDULE)
    assert made.pictures is not None
    assert len(made.pictures.paths) == len(made.dataset.train) == SCHEDULE.train
    seconds = [float(path.parent.name) for path in made.pictures.paths]
    assert seconds == made.dataset.train.y.tolist()
    assert made.pictures.folder.is_relative_to(photographs)
    store.close()
    assert sorted(photographs.rglob("*")) == before


def test_photographs_by_any_name_and_turned_in_any_way_reach_the_worker(
    tmp_path: Path, photographs: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for shot in photographs.iterdir():
        for number, path in enumerate(sorted(shot.iterdir())):
            picture = Image.open(path)
            name = f"{path.stem}\nline\udcff{number}.jpg"
            picture.save(photographs / "new.jpg", exif=exif)
            (photographs / "new.jpg").rename(shot / name)
            path.unlink()
    made = _store(tmp_path, photographs).prepare(EVERY["post_files_data_dir"], SCHEDULE)
    assert made.pictures is not None
    listed = files.read_list(made.files["train"]["paths"])
    assert listed == [(bytes(path), 6) for path in made.pictures.paths]
    assert all(b"\nline\xff" in path for path, _ in listed)


@pytest.mark.usefixtures("_few_particles")
def test_without_photographs_their_folder_cannot_be_timed(tmp_path: Path) -> None:
    with pytest.raises(DataError) as failed:
        _store(tmp_path).prepare(EVERY["post_files_data_dir"], SCHEDULE)
    assert str(failed.value) == (
        "--input data-dir times the reading of grind photographs, and there are none: synthetic "
        "coffee particles: no --data-dir; name their folder with --data-dir"
    )


@pytest.mark.usefixtures("_few_particles")
def test_a_memory_too_small_for_the_files_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_disk: Callable[[int], Path]
) -> None:
    small = tiny_disk(64)
    monkeypatch.setattr(prepared, "MEMORY", small)
    store = _store(tmp_path)
    with pytest.raises(DataError, match=r"cannot be written as files in .*--input disk$"):
        store.prepare(EVERY["post_files_memory"], SCHEDULE)
    store.close()
    assert list(small.iterdir()) == []


def test_a_file_system_is_that_of_the_deepest_mount(
    tmp_path: Path, tiny_disk: Callable[[int], Path]
) -> None:
    disk = tiny_disk(64)
    (disk / "within").mkdir()
    assert prepared._file_system(disk / "within") == "tmpfs"
    assert prepared._file_system(tmp_path) != "unknown"


# ---- what is waited for


class _Clock:
    """Time that passes only while something is fetched or trained."""

    def __init__(self, fetching: list[float], training: float) -> None:
        self.now = 0.0
        self._fetching = fetching
        self._training = training

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for seconds in self._fetching:
            self.now += seconds
            yield "images", "targets"

    def train_on_batch(self, *_: str, return_dict: bool) -> dict[str, float]:
        assert return_dict
        self.now += self._training
        return {"loss": 0.25}

    def synchronise(self) -> None:
        self.now += 1.0  # the device is still busy for so long


def test_waiting_is_the_time_until_the_next_batch_is_handed_over_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = _Clock([3.0, 0.0, 0.5], training=7.0)
    monkeypatch.setattr("time.perf_counter", lambda: clock.now)
    model: Any = clock
    loss, waited = files._epoch(model, clock, model)
    assert (loss, waited) == (0.25, 3.5)
    assert clock.now == 3.5 + 3 * 8.0


def test_dropped_files_are_read_from_the_disk_again(tmp_path: Path) -> None:
    if shutil.which("fincore") is None:
        pytest.skip("fincore of util-linux tells what is in the page cache, and is not here")
    path = tmp_path / "picture.png"
    prepared._write(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8), path)
    if prepared._file_system(tmp_path) in ("tmpfs", "ramfs"):
        pytest.skip("there is no disk below the temporary folder")
    path.read_bytes()
    assert _cached(path) > 0
    files.drop([bytes(path)])
    assert _cached(path) == 0


def _cached(path: Path) -> int:
    command = ["fincore", "--bytes", "--noheadings", "--output", "RES", str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


# ---- what is told


def _timings(*epochs: tuple[float, float | None]) -> Timings:
    return Timings(
        tuple(
            EpochTiming(i, 0.0, seconds, 96, 0.5, waited)
            for i, (seconds, waited) in enumerate(epochs, 1)
        )
    )


def test_the_share_is_the_median_over_the_steady_epochs() -> None:
    assert _timings((9, 8.0), (2, 0.5), (2, 0.1), (2, 1.9)).waiting == 0.25
    assert _timings((9, None), (2, None), (2, None)).waiting is None
