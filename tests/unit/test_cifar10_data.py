"""CIFAR-10's data: every layout gives the published pictures, others are refused, none is run."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets import cifar10, shapes
from bench.datasets.data_folder import look
from bench.datasets.dataset import Dataset
from bench.datasets.layouts.cifar_files import CLASSES
from bench.datasets.prepared import Store
from bench.errors import DataError
from bench.workloads import EVERY
from bench.workloads.workload import Schedule
from tests.support.cifar_batches import Records, batches, python_batch

MADE = batches()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR-10 is the small set here; nothing is drawn in its full number, or downloaded."""
    published = {
        name: hashlib.sha256(records.tobytes()).hexdigest() for name, records in MADE.items()
    }
    monkeypatch.setattr(cifar10, "TRAIN", 100)
    monkeypatch.setattr(cifar10, "TEST", 20)
    monkeypatch.setattr(cifar10, "PUBLISHED", published)
    monkeypatch.setenv(cifar10.MIRROR_VARIABLE, "")


def binary(folder: Path, made: dict[str, Records] = MADE) -> None:
    folder.mkdir(parents=True)
    for name, records in made.items():
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("airplane\n", encoding="ascii")


def python(folder: Path, made: dict[str, Records] = MADE) -> None:
    folder.mkdir(parents=True)
    for name, records in made.items():
        (folder / name).write_bytes(python_batch(records))


def archived(folder: Path, inner: Callable[[Path], None]) -> None:
    inner(folder / "cifar-10-batches")
    with tarfile.open(folder / "cifar-10-any.tar.gz", "w:gz") as archive:
        archive.add(folder / "cifar-10-batches", "cifar-10-batches")
    for path in (folder / "cifar-10-batches").iterdir():
        path.unlink()


def pictured(folder: Path) -> None:
    number = 0
    for name, records in MADE.items():
        for label, *pixels in records.tolist():
            place = folder / ("test" if "test" in name else "train") / CLASSES[label]
            place.mkdir(parents=True, exist_ok=True)
            picture = np.array(pixels, np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)
            Image.fromarray(picture).save(place / f"{number:04}.png")
            number += 1


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "binary": binary,
    "python": python,
    "binary archive": lambda folder: archived(folder, binary),
    "python archive": lambda folder: archived(folder, python),
    "pictures": pictured,
}


def loaded(folder: Path) -> Dataset:
    return cifar10.load(look(folder), folder / "cache")


def labelled(dataset: Dataset) -> list[tuple[bytes, int]]:
    """The test pictures with their labels, whatever their order."""
    return sorted(
        (x.tobytes(), int(y)) for x, y in zip(dataset.test.x, dataset.test.y, strict=True)
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("inner", ["", "deep/er"])
def test_every_layout_holds_the_same_pictures_with_the_same_labels(
    tmp_path: Path, layout: str, inner: str
) -> None:
    LAYOUTS[layout](tmp_path / "mine" / inner)
    dataset = loaded(tmp_path / "mine")
    assert (dataset.name, dataset.kind, dataset.source) == ("cifar10", "real", "files")
    assert dataset.train.x.shape == (100, 32, 32, 3)
    assert dataset.train.y.dtype == np.int64
    rows = MADE["test_batch"]
    pictures = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    expected = sorted((x.tobytes(), int(y)) for x, y in zip(pictures, rows[:, 0], strict=True))
    assert labelled(dataset) == expected
    assert ("not compared" in dataset.note) is (layout == "pictures")
    assert dataset.baselines["most_frequent_class_accuracy"] == 0.1


def test_a_folder_is_told_by_what_it_holds(tmp_path: Path) -> None:
    binary(tmp_path / "mine")
    found = look(tmp_path / "mine")
    assert found.refusal is None
    assert [found.holds(name) for name in ("cifar10", "mnist", "grind")] == [True, False, False]
    assert found.summary == "CIFAR-10"


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as refused:
        loaded(folder)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_a_batch_that_is_missing_is_named(tmp_path: Path) -> None:
    binary(tmp_path / "mine")
    (tmp_path / "mine" / "data_batch_3.bin").unlink()
    assert "lacks data_batch_3.bin of CIFAR-10's six batches" in refusal(tmp_path / "mine")


def test_one_pixel_that_differs_is_another_set(tmp_path: Path) -> None:
    made = {name: records.copy() for name, records in MADE.items()}
    made["data_batch_2"][7, 99] ^= 1
    python(tmp_path / "mine", made)
    assert "not CIFAR-10 as published: data_batch_2" in refusal(tmp_path / "mine")


def test_fewer_pictures_are_told_with_how_many_there_should_be(tmp_path: Path) -> None:
    binary(tmp_path / "mine", batches(each=10))
    assert "50 + 10 images in place of CIFAR-10's 100 + 20" in refusal(tmp_path / "mine")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (MADE["test_batch"].tobytes()[:-1], "no records of 3,073"),
        (b"", "no records"),
        (b"\x0a" + bytes(3072), "a label 10"),
        (python_batch(MADE["test_batch"])[:-300], "cut short or damaged"),
        (pickle.dumps({"data": [1], "labels": [2]}, 2), "without CIFAR-10's data"),
        (pickle.dumps(os.system, 2), "no plain data: a pickle could run any program"),
    ],
)
def test_a_batch_that_is_none_is_called_what_it_is(tmp_path: Path, data: bytes, told: str) -> None:
    binary(tmp_path / "mine")
    (tmp_path / "mine" / "test_batch.bin").write_bytes(data)
    assert told in refusal(tmp_path / "mine")


def test_a_hostile_archive_writes_nothing_and_reads_no_link(tmp_path: Path) -> None:
    home = tmp_path / "mine"
    home.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(MADE["test_batch"].tobytes())
    with tarfile.open(home / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name, records in MADE.items():
            member = tarfile.TarInfo(f"../../{name}.bin")
            member.size = records.nbytes
            if name == "test_batch":
                member.type, member.linkname, member.size = tarfile.SYMTYPE, str(secret), 0
            archive.addfile(member, io.BytesIO(records.tobytes()))
    before = sorted(tmp_path.rglob("*"))
    assert "lacks test_batch" in refusal(home)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("end", [10, 100_000])
def test_an_archive_that_is_cut_short_is_told_so(tmp_path: Path, end: int) -> None:
    archived(tmp_path / "mine", binary)
    path = tmp_path / "mine" / "cifar-10-any.tar.gz"
    path.write_bytes(path.read_bytes()[:end])
    assert "cannot be read: it is damaged" in refusal(tmp_path / "mine")


# ---- without a folder


def test_a_download_of_before_is_used_and_a_damaged_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "cache" / "cifar10"
    archived(kept, binary)
    (kept / "cifar-10-any.tar.gz").rename(kept / "cifar-10-binary.tar.gz")
    assert cifar10.load(None, tmp_path / "cache").source == "cache"
    (kept / "cifar-10-binary.tar.gz").write_bytes(b"damaged")
    monkeypatch.setattr(shapes.draw, "__defaults__", (200, 50, 1))
    drawn = cifar10.load(None, tmp_path / "cache")
    assert (drawn.source, len(drawn.train)) == ("synthetic", 200)
    assert "no download (switched off)" in drawn.note
    assert "it is damaged" in drawn.note


def test_the_store_draws_the_same_shapes_once_and_cuts_them_to_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes.draw, "__defaults__", (200, 50, 1))
    store = Store(tmp_path / "laid", None, tmp_path / "cache", synthetic=True)
    prepared = store.prepare(EVERY["cifar_classic"], Schedule(epochs=3, train=30, test=20))
    assert np.load(prepared.files["train"]["x"]).shape == (30, 32, 32, 3)
    assert prepared.dataset.kind == "synthetic"
    (path,) = (tmp_path / "cache" / "cifar10").iterdir()
    again = cifar10.drawn(tmp_path / "cache")
    assert (again.train.x[:30] == prepared.dataset.train.x).all()
    assert again.baselines == prepared.dataset.baselines
    path.write_bytes(b"damaged")
    assert cifar10.drawn(tmp_path / "cache").sha256() == again.sha256()
