"""Grind photographs as optpresso, phones and people lay them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.datasets import grind
from bench.datasets.data_folder import look
from bench.datasets.dataset import Dataset
from bench.errors import DataError

SIZE = (24, 32)
T0 = 1_606_140_000
SECONDS = range(10, 58, 4)

Rename = Callable[[int, int, int], str]
"""The path of a photograph: from its pull time, its shot's number and its number in the shot."""


def lay(folder: Path, name: Rename, seconds: range = SECONDS, suffix: str = "png") -> Path:
    """Two photographs of each pull time, each of its own pixels."""
    for shot, each in enumerate(seconds):
        for number in range(2):
            path = folder / f"{name(each, shot, number)}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            draw = np.random.default_rng(2 * shot + number)
            Image.fromarray(draw.integers(0, 256, (48, 64, 3), np.uint8)).save(path)
    return folder


def taken(shot: int, number: int) -> int:
    return T0 + 3600 * shot + 20 * number


def plain(seconds: int, shot: int, number: int) -> str:
    return f"{seconds}/{taken(shot, number)}-linea_mini"


LAYOUTS: Mapping[str, Rename] = {
    "plain": plain,
    "in grind": lambda *each: f"grind/{plain(*each)}",
    "in another folder": lambda *each: f"coffee/{plain(*each)}",
    "two folders deep": lambda *each: f"my/coffee/{plain(*each)}",
    "partitioned": lambda s, shot, n: (
        f"{('train', 'validation', 'test')[(shot + n) % 3]}/{plain(s, shot, n)}"
    ),
    "partitioned in a folder": lambda s, shot, n: (
        f"coffee/{('train', 'test')[n]}/{plain(s, shot, n)}"
    ),
    "first capture": lambda s, shot, n: f"{taken(shot, n)}-linea-mini-{s}.0",
    "by hand": lambda s, shot, n: f"{s}/IMG_{2000 + 2 * shot + n}",
    "by hand and date": lambda s, shot, n: f"{s}/20201123-{2 * shot + n}",
    "decimal comma": lambda s, shot, n: f"{s},0/{taken(shot, n)}-linea_mini",
    "with a unit": lambda s, shot, n: f"{s}{(' s', 's', ' Sec')[shot % 3]}/{taken(shot, n)}-rok",
    "flipped": lambda s, shot, n: f"{s}/{taken(shot, 0)}-linea_mini{'-flip-0' * n}",
}


def load(folder: Path) -> Dataset:
    brought = look(folder)
    if brought.refusal is not None:
        raise DataError(brought.refusal)
    return grind.load(brought, folder / "cache", SIZE)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_shots_are_found_in_every_layout_and_none_is_on_both_sides(
    layout: str, tmp_path: Path
) -> None:
    data = load(lay(tmp_path, LAYOUTS[layout]))
    assert (data.kind, data.source) == ("real", "files")
    assert data.note.startswith("24 photographs of 12 shots from ")
    both = np.concatenate([data.train.y, data.test.y])
    assert sorted(both.tolist()) == sorted([*SECONDS] * 2)
    assert not {*data.train.y.tolist()} & {*data.test.y.tolist()}


def test_folders_that_do_not_name_their_pull_time_are_told_so(tmp_path: Path) -> None:
    put = lay(tmp_path, lambda s, shot, n: f"pull_{s}/{taken(shot, n)}-rok")
    with pytest.raises(DataError, match=r"12 folders .* none is named by its pull time") as caught:
        load(put)
    assert "rename them, as in 27 or 27.5" in str(caught.value)


def test_partitions_are_put_together_because_they_were_made_by_picture(tmp_path: Path) -> None:
    note = load(lay(tmp_path, LAYOUTS["partitioned"])).note
    assert note.endswith("; test/, train/, validation/ put together and split anew by shot")


def test_pictures_without_a_date_are_told_and_are_one_shot_for_each_folder(tmp_path: Path) -> None:
    lay(tmp_path, LAYOUTS["by hand"])
    note = load(tmp_path).note
    assert "; 24 named by hand; 24 without a date, those of a folder being one shot" in note


def test_a_phone_s_pictures_are_told_apart_by_the_date_in_them(tmp_path: Path) -> None:
    for number, seconds in enumerate([30] * 2 + [*SECONDS]):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2020:11:{number + 1:02} 08:30:00"
        path = tmp_path / str(seconds) / f"IMG_{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.effect_noise((64, 48), 10.0 * number + 5).convert("RGB").save(path, exif=exif)
    note = load(tmp_path).note
    assert note.startswith("14 photographs of 14 shots from ")
    assert "without a date" not in note


def test_what_systems_leave_is_passed_over(tmp_path: Path) -> None:
    before = load(lay(tmp_path, plain)).sha256()
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "ehthumbs.db", ".picasa.ini"):
        (tmp_path / "10" / name).write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / "__MACOSX" / "10").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "10" / f"{T0}-x.png").write_bytes(b"\0\5\x16\7")
    assert load(tmp_path).sha256() == before


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "gif", "bmp", "TIF", "JPEG"])
def test_every_format_that_pillow_reads_is_read(suffix: str, tmp_path: Path) -> None:
    assert load(lay(tmp_path, plain, suffix=suffix)).note.startswith("24 photographs of 12 shots")


def test_all_broken_pictures_are_counted_and_the_first_five_told(tmp_path: Path) -> None:
    lay(tmp_path, plain)
    broken = sorted(tmp_path.rglob("*.png"))[:7]
    for path in broken:
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path}: 7 of 24 pictures cannot be used: ")
    assert line.count("is no whole picture") == 5
    assert line.endswith("; and 2 more")


def test_all_misplaced_pictures_are_counted_and_the_first_five_told(tmp_path: Path) -> None:
    lay(tmp_path, lambda _, shot, n: f"{taken(shot, n)}-linea_mini")
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path}: 24 files and folders stand in the way: ")
    assert line.count("lies outside a folder of its pull time") == 5
    assert line.endswith("; and 19 more")


def test_a_number_at_the_end_of_a_name_is_no_pull_time_unless_it_is_written_as_one(
    tmp_path: Path,
) -> None:
    lay(tmp_path, plain)
    (tmp_path / "10" / f"{taken(0, 0)}-linea_mini.png").rename(tmp_path / f"{T0}-linea_mini-2.png")
    with pytest.raises(DataError, match="lies outside a folder of its pull time"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "range_"), [(range(30, 31), "30 s alone"), (range(28, 33), "28 to 32 s")]
)
def test_pull_times_too_alike_to_learn_from_are_refused(
    seconds: range, range_: str, tmp_path: Path
) -> None:
    for day in range(12):
        each = seconds[day % len(seconds)]
        for number in range(2):  # each day's are other pictures
            path = tmp_path / str(each) / f"{T0 + 86_400 * day}-gaggia-{number}.png"
            path.parent.mkdir(exist_ok=True)
            noise = Image.effect_noise((64, 48), 5.0 * day + number + 5)
            noise.convert("RGB").save(path)
    with pytest.raises(DataError, match="no floor could be met") as caught:
        load(tmp_path)
    assert f"has pull times of {range_}: always saying their mean is off by" in str(caught.value)


def test_two_folders_of_photographs_are_not_mixed(tmp_path: Path) -> None:
    lay(tmp_path / "silvia", plain)
    lay(tmp_path / "gaggia", plain)
    with pytest.raises(DataError, match=r"2 folders in .* hold grind photographs") as caught:
        load(tmp_path)
    assert f"{tmp_path}/gaggia, {tmp_path}/silvia" in str(caught.value)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=20)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(NAMES, st.sampled_from(["png", "JPG", "webp"]), st.binary(max_size=3))
def test_a_picture_by_any_name_in_a_folder_of_its_pull_time_is_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, name: str, suffix: str, odd: bytes
) -> None:
    folder = lay(tmp_path_factory.mktemp("named"), plain)
    odd_name = odd.replace(b"/", b"").replace(b"\0", b"").decode("utf-8", "surrogateescape")
    path = folder / "22" / f"x{odd_name}{name}.{suffix}"
    Image.effect_noise((64, 48), 9).convert("RGB").save(folder / "new.png")
    (folder / "new.png").rename(path)
    data = load(folder)
    assert data.note.startswith("25 photographs of 13 shots")
    assert data.note.isprintable()
