"""Arrays, tables and pictures whose names tell little: read where that is enough, else told how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.datasets import mnist_like
from bench.datasets.data_folder import look
from tests.support import digit_sets
from tests.support.data_folders import MADE, must_be, refusal
from tests.support.digit_sets import put


def test_one_table_of_both_splits_is_read_where_its_rows_are_those_of_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = (
        np.concatenate(each) for each in ((MADE.x_train, MADE.x_test), (MADE.y_train, MADE.y_test))
    )
    put(tmp_path, {"mnist_784.csv": digit_sets.table(x, y, last=True)})
    assert "holds 300 rows in one table, and nothing tells which are to test on" in refusal(
        tmp_path
    )
    monkeypatch.setattr("bench.datasets.layouts.tables._OF_MNIST", (260, 40))
    must_be(mnist_like.load(look(tmp_path), "own"), MADE)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"arr_0": MADE.x_train, "arr_1": MADE.y_train}, "holds arr_0, arr_1 in place of x_train"),
        (
            {f"arr_{n}": MADE.x_train[:9] for n in range(4)},
            "do not tell images and labels apart: save it with the names x_train",
        ),
        ({"kernel": np.zeros(3)}, "holds kernel in place of x_train, y_train, x_test and y_test:"),
    ],
)
def test_an_archive_whose_arrays_nothing_names_is_told_how_to_name_them(
    arrays: dict[str, NDArray[Any]], told: str, tmp_path: Path
) -> None:
    put(tmp_path, {"mnist.npz": digit_sets.saved(**arrays)})
    assert told in refusal(tmp_path)


def test_images_that_were_scaled_otherwise_are_told_by_their_numbers(tmp_path: Path) -> None:
    scaled = digit_sets.npz_named(["x_train", "y_train", "x_test", "y_test"], scale=1 / 100)
    put(tmp_path, scaled(MADE))
    line = refusal(tmp_path, "own")
    assert (
        "holds images of float32, from 0 to 2.55, in place of whole numbers from 0 to 255" in line
    )
    assert "save them as they were before they were scaled" in line


def test_other_data_beside_a_set_is_no_obstacle_as_in_keras_s_cache(tmp_path: Path) -> None:
    text = np.arange(9)
    other = digit_sets.saved(x_train=text, y_train=text, x_test=text, y_test=text)
    put(tmp_path, {"boston.npz": other, "mnist.npz": digit_sets.npz(MADE)["mnist.npz"]})
    must_be(mnist_like.load(look(tmp_path), "own"), MADE)
    assert "mnist.npz (an NPZ file) holds 260 + 40 images" in refusal(tmp_path)


def test_a_download_that_was_broken_off_is_called_so(tmp_path: Path) -> None:
    files = dict(digit_sets.LAYOUTS["published"](MADE))
    images = files.pop("train-images-idx3-ubyte.gz")
    put(tmp_path / "a", {**files, "train-images-idx3-ubyte.gz.part": images[:99]})
    line = refusal(tmp_path / "a")
    assert (
        "lacks train-images-idx3-ubyte.gz of the four files; train-images-idx3-ubyte.gz.p" in line
    )
    assert "is a download that was broken off: fetch it again" in line
    put(tmp_path / "b", {"Unconfirmed 7.crdownload": images[:99]})
    assert "holds downloads that were broken off (Unconfirmed 7.crdownload)" in refusal(
        tmp_path / "b"
    )


def test_tables_as_spreadsheets_write_them_are_read_or_called_what_they_are(tmp_path: Path) -> None:
    tables = digit_sets.LAYOUTS["Kaggle's tables"](MADE)
    quoted = {
        name: b"\r\n".join(b'"' + row.replace(b",", b'","') + b'"' for row in data.splitlines())
        for name, data in tables.items()
    }
    put(tmp_path / "a", {name: b"\xef\xbb\xbf" + data for name, data in quoted.items()})
    must_be(mnist_like.load(look(tmp_path / "a"), "own"), MADE)
    put(tmp_path / "b", {name: data.decode().encode("utf-16") for name, data in tables.items()})
    assert "is a text in UTF-16: save it in UTF-8" in refusal(tmp_path / "b")


def test_a_half_that_is_not_there_is_named(tmp_path: Path) -> None:
    put(
        tmp_path / "a",
        {"mnist_train.npz": digit_sets.npz_of_each_split("x", "y")(MADE)["own_train.npz"]},
    )
    assert "holds mnist_train.npz and no test half: bring both" in refusal(tmp_path / "a")
    four = digit_sets.files_of_each_array(lambda name: f"mnist_{name}", "npz")(MADE)
    put(tmp_path / "b", {name: data for name, data in four.items() if "y_test" not in name})
    assert "mnist_y_train.npz and lacks the test labels" in refusal(tmp_path / "b")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.array([1, "a", None] * 100, object), "holds Python objects, which could run any"),
        (np.linspace(0, 9, 260), "holds labels that are no whole numbers"),
        (np.full(260, np.nan), "digits.npz: 260 of 260 numbers of its labels are NaN or infinite"),
        (np.array(["7"] * 260), "holds labels of <U1 in place of numbers"),
        (np.tile([[1, 2]], (260, 1)), "holds labels of shape (260, 2) for 260"),
    ],
    ids=["objects", "fractions", "nan", "words", "pairs"],
)
def test_labels_that_are_none_are_called_what_they_are(
    labels: NDArray[Any], told: str, tmp_path: Path
) -> None:
    path, x, y = tmp_path / "digits.npz", MADE.x_train, MADE.y_test
    np.savez(path, x_train=x, y_train=labels, x_test=MADE.x_test, y_test=y)
    assert told in refusal(tmp_path, "own")


def test_images_that_hold_nan_are_counted(tmp_path: Path) -> None:
    x = MADE.x_train / np.float32(255)
    x[0, 0, :3] = np.nan, np.inf, -np.inf
    path, y, x_test, y_test = tmp_path / "digits.npz", MADE.y_train, MADE.x_test, MADE.y_test
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    told = f"digits.npz: 3 of {x.size:,} numbers of its images are NaN or infinite"
    assert told in refusal(tmp_path, "own")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["train/{}.png", "test/{}.png"], "train holds 20 pictures of 28x28 pixels, and neither "),
        (["{}.png"], "holds 20 pictures of 28x28 pixels, and neither folders nor names tell"),
        (["train/{}_4.png", "test/{}_5.png"], "neither folders nor names tell their classes; exp"),
        (["train/{}-num4.png"], "holds pictures with their class in their names, and no folder of"),
    ],
)
def test_pictures_whose_class_nothing_tells_are_told_how_to_tell_it(
    names: list[str], told: str, tmp_path: Path
) -> None:
    picture = digit_sets.png(MADE.x_train[0])
    put(tmp_path, {name.format(place): picture for name in names for place in range(20)})
    line = refusal(tmp_path)
    assert told in line
    assert (
        "expected a folder for each class, as training/7/12.png and testing/7/3.png, or the" in line
    )
    assert line.endswith("move or rename them") or "move or rename them; " in line


def test_pictures_too_small_for_photographs_are_not_told_to_name_a_pull_time(
    tmp_path: Path,
) -> None:
    picture = digit_sets.png(np.zeros((32, 32, 3), np.uint8))
    put(tmp_path / "cifar", {f"train/{place}_frog.png": picture for place in range(9)})
    line = refusal(tmp_path / "cifar")
    assert "holds pictures of 32x32 pixels (cifar/train): neither" in line
    assert "lie in folders of their classes below train/ and test/" in line
    assert "pull time in seconds" not in line.rpartition(": ")[2]
