"""Grind photographs from a folder, real PNG and JPEG files, whole and broken."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets import grind, photographs
from bench.datasets.data_folder import look
from bench.datasets.dataset import Dataset
from bench.errors import DataError

SIZE = (24, 32)
"""Height and width, unequal, so that a mix-up shows."""

T0 = 1_606_089_600


def picture(path: Path, seed: int, *, width: int = 64, height: int = 48) -> Path:
    """A file of `seed`'s random pixels, in the format that its suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def photographed(folder: Path, seconds: range = range(20, 32)) -> Path:
    """One shot for each of `seconds`, two photographs a minute apart, on two machines."""
    for shot in seconds:
        machine = "silvia" if shot % 2 else "la-pavoni"
        for again in range(2):
            taken = T0 + 86_400 * shot + 60 * again
            picture(folder / str(shot) / f"{taken}-{machine}.png", 2 * shot + again)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """12 shots in whole folders of seconds."""
    return photographed(tmp_path / "data")


def load(folder: Path, tmp_path: Path) -> Dataset:
    brought = look(folder)
    if brought.refusal:
        raise DataError(brought.refusal)
    return grind.load(brought, tmp_path / "cache", SIZE)


def refusal(folder: Path, tmp_path: Path) -> str:
    """The line that `load` refuses with, having left nothing behind."""
    with pytest.raises(DataError) as caught:
        load(folder, tmp_path)
    assert not (tmp_path / "cache").exists()
    line = str(caught.value)
    assert "\n" not in line
    assert ";" in line or ":" in line, "it must say what to do"
    return line


# ---- whole folders


@pytest.mark.parametrize("inner", ["", "grind"])
def test_photographs_lie_in_the_data_directory_or_in_its_grind(tmp_path: Path, inner: str) -> None:
    photographed(tmp_path / "data" / inner)
    data = load(tmp_path / "data", tmp_path)
    assert data.source == "files"
    assert not data.synthetic
    assert data.note == f"24 photographs of 12 shots from {tmp_path / 'data' / inner}"
    assert len(data.train) + len(data.test) == 24
    assert data.train.x.shape[1:] == (*SIZE, 3)
    assert data.train.x.dtype == np.uint8
    assert data.train.y.dtype == np.float32


def test_a_folder_is_read_the_same_every_time_and_in_whatever_order_the_disk_lists_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(folder, tmp_path).sha256()
    listing = os.scandir

    @contextmanager
    def backwards(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with listing(path) as entries:
            yield sorted(entries, key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr(os, "scandir", backwards)
    assert load(folder, tmp_path).sha256() == first


def test_the_images_of_a_shot_stand_together_and_the_shots_in_random_order(
    folder: Path, tmp_path: Path
) -> None:
    y = load(folder, tmp_path).train.y
    assert (y[0::2] == y[1::2]).all()
    assert len(set(y[0::2].tolist())) == len(y) // 2
    assert not (np.diff(y) >= 0).all()


def test_the_pixels_of_an_image_belong_to_its_label(folder: Path, tmp_path: Path) -> None:
    data = load(folder, tmp_path)
    shown = data.train.x[0].tobytes()
    inside = (folder / f"{data.train.y[0]:.0f}").iterdir()
    assert shown in [photographs.read(path, SIZE).tobytes() for path in inside]


def test_png_and_jpeg_in_either_case_and_fractions_of_seconds_are_read(
    folder: Path, tmp_path: Path
) -> None:
    picture(folder / "27.5" / f"{T0}-silvia.jpg", 100)
    picture(folder / "27.5" / f"{T0 + 9}-silvia.JPEG", 101)
    picture(folder / "027.50" / f"{T0 + 18}.5-silvia.PNG", 102)
    data = load(folder, tmp_path)
    assert data.note.startswith("27 photographs of 13 shots")
    both = np.concatenate([data.train.y, data.test.y])
    assert (both == 27.5).sum() == 3


def test_hidden_files_and_files_beside_the_folders_are_passed_over(
    folder: Path, tmp_path: Path
) -> None:
    before = load(folder, tmp_path).sha256()
    (folder / "README.txt").write_text("mine")
    (folder / "20" / ".DS_Store").write_text("not mine")
    (folder / ".20").mkdir()
    (folder / "99").mkdir()
    assert load(folder, tmp_path).sha256() == before


def test_predicting_the_mean_is_scored_with_the_training_labels_mean(
    folder: Path, tmp_path: Path
) -> None:
    data = load(folder, tmp_path)
    mean = data.train.y.mean(dtype=float)
    expected = np.mean((data.test.y.astype(float) - mean) ** 2)
    assert data.baselines["mean_predictor_mse"] == pytest.approx(expected)
    spread = 0.1019 * data.test.y.astype(float) - 0.1649
    assert data.baselines["best_possible_mse"] == pytest.approx(np.mean(spread**2))


def test_copies_of_a_picture_are_kept_on_one_side_and_reported(
    folder: Path, tmp_path: Path
) -> None:
    for shot in range(40, 60):
        picture(folder / str(shot) / f"{T0}-silvia.png", 7)
    data = load(folder, tmp_path)
    assert "19 are copies" in data.note
    sides = [{one.tobytes() for one in side.x} for side in (data.train, data.test)]
    assert not sides[0] & sides[1]


@pytest.mark.parametrize("turn", [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180])
def test_a_mirrored_copy_in_another_shot_leaks_no_more_than_a_copy(
    folder: Path, tmp_path: Path, turn: Image.Transpose
) -> None:
    for shot in range(40, 60):
        path = picture(folder / str(shot) / f"{T0}-silvia.png", 7)
        if shot % 2:
            Image.open(path).transpose(turn).save(path)
    data = load(folder, tmp_path)
    assert "19 are copies, also turned or mirrored, kept on one side" in data.note
    sides = [
        {min(one.tobytes(), one[::-1, ::-1].tobytes(), one[:, ::-1].tobytes()) for one in side.x}
        for side in (data.train, data.test)
    ]
    assert not sides[0] & sides[1]


def test_a_squashed_aspect_is_told(folder: Path, tmp_path: Path) -> None:
    assert "are squashed to" not in load(folder, tmp_path).note
    note = grind.load(look(folder), tmp_path / "cache", (32, 32)).note
    assert "64x48 are squashed to 32x32, where a circle is 0.75 times as wide as high" in note


# ---- faults


def bomb(path: Path, width: int, height: int) -> None:
    """A PNG of a few bytes that claims `width` x `height` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("hello"), "no whole picture"),
        (cut, "no whole picture"),
        (lambda path: path.write_text("<!DOCTYPE html><title>404</title>"), "a web page («404»)"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
            "git lfs pull",
        ),
        (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic"), "a HEIC picture: convert it"),
        (lambda path: bomb(path, 9000, 9000), "(9000x9000); at most 50 million"),
        (lambda path: bomb(path, 60_000, 60_000), "at most 50 million"),
        (lambda path: bomb(path, 10, 10), "no whole picture"),
        (lambda path: Image.new("F", (64, 48)).save(path, "TIFF"), "32 bits"),
        (replace_by_folder, "is no file"),
        (replace_by_dangling_link, "is no file"),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "page",
        "pointer",
        "heic",
        "large",
        "bomb",
        "hollow",
        "32-bit",
        "folder",
        "dangling",
    ],
)
def test_a_damaged_picture_is_refused_by_name(
    folder: Path, tmp_path: Path, damage: Callable[[Path], object], found: str
) -> None:
    path = next((folder / "25").iterdir())
    damage(path)
    line = refusal(folder, tmp_path)
    assert str(path) in line
    assert found in line


@pytest.mark.filterwarnings("error")
def test_a_picture_that_pillow_warns_of_is_refused_likewise(tmp_path: Path) -> None:
    bomb(tmp_path / "a.png", 10_000, 10_000)
    with pytest.raises(DataError, match="at most 50 million"):
        photographs.read(tmp_path / "a.png", SIZE)


@pytest.mark.parametrize(
    "name", ["0", "0.0", "-20", "nan", "inf", "1e3", "601", "twenty", "1_0", "1606089600"]
)
def test_a_folder_that_names_no_pull_time_is_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    picture(folder / name / f"{T0}-silvia.png", 0)
    line = refusal(folder, tmp_path)
    assert str(folder / name) in line
    assert "expected seconds" in line


@pytest.mark.parametrize(
    "name", [f"{T0}-silvia", f"{T0}123-silvia.png", "2020-11-23-silvia.txt", "notes.txt"]
)
def test_a_file_that_is_no_picture_or_has_milliseconds_is_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / "25" / name).write_bytes(b"")
    line = refusal(folder, tmp_path)
    assert str(folder / "25" / name) in line
    assert line.endswith("remove it")


def test_a_picture_outside_the_folders_of_seconds_is_refused(folder: Path, tmp_path: Path) -> None:
    astray = picture(folder / f"{T0}-silvia.png", 0)
    assert f"{astray} lies outside" in refusal(folder, tmp_path)


def test_too_few_shots_are_refused_with_their_number(tmp_path: Path) -> None:
    folder = photographed(tmp_path / "data", range(20, 29))
    line = refusal(folder, tmp_path)
    assert f"{folder}: 9 different shots are too few" in line
    assert "at least 10" in line


@pytest.mark.parametrize("inside", [None, "25"])
def test_a_grind_folder_without_photographs_is_refused(tmp_path: Path, inside: str | None) -> None:
    folder = tmp_path / "data" / "grind"
    (folder / (inside or "")).mkdir(parents=True)
    assert f"{folder} holds no grind photographs" in refusal(tmp_path / "data", tmp_path)


@pytest.mark.parametrize("what", ["picture", "folder"])
def test_what_may_not_be_read_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Denied by hand, since the tests may run as root, whom nothing denies."""
    denied = folder / "25" if what == "folder" else min((folder / "25").iterdir())
    listing, opening = os.scandir, Image.open

    def deny(path: object) -> None:
        if path == denied:
            raise PermissionError(13, "Permission denied", str(path))

    def scandir(path: Path) -> object:
        deny(path)
        return listing(path)

    def open_picture(path: Path, formats: list[str]) -> object:
        deny(path)
        return opening(path, formats=formats)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Image, "open", open_picture)
    assert f"{denied} cannot be read: Permission denied" in refusal(folder, tmp_path)
