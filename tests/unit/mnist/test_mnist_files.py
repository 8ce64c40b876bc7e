"""MNIST from files that a person brings."""

from __future__ import annotations

import gzip
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.datasets import mnist
from bench.datasets.data_folder import look
from bench.errors import DataError
from tests.support.mnist_files import (
    NAMES,
    REAL,
    must_be_drawn,
    must_be_mnist,
    needs_mnist,
    replace,
    unpacked,
)


@needs_mnist
@pytest.mark.parametrize("inner", ["", "mnist", "MNIST/raw"])
def test_files_in_the_data_directory_or_in_its_mnist_folder_are_used(
    inner: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / inner
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).symlink_to(REAL / name)
    dataset = mnist.load(look(tmp_path / "data"), tmp_path / "cache", mirrors=[])
    must_be_mnist(dataset)
    assert (dataset.source, dataset.note) == ("files", f"MNIST from {folder} (IDX files)")
    assert not (tmp_path / "cache").exists()


@needs_mnist
@pytest.mark.parametrize("rename", [str, lambda name: name.replace("-idx", ".idx")])
def test_unpacked_files_are_used_under_both_of_their_names(
    rename: Callable[[str], str], tmp_path: Path
) -> None:
    for name in NAMES:
        (tmp_path / rename(name.removesuffix(".gz"))).write_bytes(unpacked(name))
    must_be_mnist(mnist.load(look(tmp_path), tmp_path / "cache", mirrors=[]))


@needs_mnist
def test_a_whole_set_of_files_is_preferred_to_part_of_one(brought: Path) -> None:
    shutil.copytree(brought, brought / "mnist")
    (brought / NAMES[0]).unlink()
    assert mnist.load(look(brought), brought / "cache", mirrors=[]).note.startswith(
        f"MNIST from {brought}/mnist "
    )


def labels(values: bytes) -> bytes:
    return struct.pack(">2I", 0x801, len(values)) + values


def a_label_too_few(folder: Path) -> None:
    replace(folder, NAMES[1], labels(unpacked(NAMES[1])[8:-1]))


def another_label_file(folder: Path) -> None:
    replace(folder, NAMES[1], unpacked(NAMES[3]))


def train_and_test_swapped(folder: Path) -> None:
    for train, test in ((NAMES[0], NAMES[2]), (NAMES[1], NAMES[3])):
        replace(folder, train, unpacked(test))


def images_and_labels_swapped(folder: Path) -> None:
    replace(folder, NAMES[2], unpacked(NAMES[3]))
    replace(folder, NAMES[3], unpacked(NAMES[2]))


def a_label_of_ten(folder: Path) -> None:
    replace(folder, NAMES[3], labels(unpacked(NAMES[3])[8:-1] + b"\x0a"))


def another_image_size(folder: Path) -> None:
    content = unpacked(NAMES[2])
    replace(folder, NAMES[2], content[:8] + struct.pack(">2I", 14, 56) + content[16:])


def another_format(folder: Path) -> None:
    replace(folder, NAMES[2], b"PK\x03\x04" + bytes(100))


def cut_short(folder: Path) -> None:
    replace(folder, NAMES[2], unpacked(NAMES[2])[:-1])


def cut_short_gzip(folder: Path) -> None:
    replace(folder, NAMES[2], (REAL / NAMES[2]).read_bytes()[:-100])


def a_damaged_gzip(folder: Path) -> None:
    content = bytearray((REAL / NAMES[2]).read_bytes())
    content[-6] ^= 0x10
    replace(folder, NAMES[2], bytes(content))


def bytes_behind_the_end(folder: Path) -> None:
    replace(folder, NAMES[3], unpacked(NAMES[3]) + b"abc")


def an_empty_file(folder: Path) -> None:
    replace(folder, NAMES[0], b"")


def a_single_other_pixel(folder: Path) -> None:
    content = bytearray(unpacked(NAMES[2]))
    content[5000] ^= 1
    replace(folder, NAMES[2], gzip.compress(bytes(content), 1))


def two_files_missing(folder: Path) -> None:
    (folder / NAMES[1]).unlink()
    (folder / NAMES[2]).unlink()


@needs_mnist
@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (a_label_too_few, "train-labels-idx1-ubyte.gz holds 59999 labels for 60000 images"),
        (another_label_file, "train-labels-idx1-ubyte.gz holds 10000 labels for 60000 images"),
        (train_and_test_swapped, "holds 10000 + 10000 images in place of 60000 + 10000"),
        (images_and_labels_swapped, "holds labels, so are the image and the label file swapped?"),
        (a_label_of_ten, "holds labels from 0 to 10, where digits run from 0 to 9"),
        (another_image_size, "holds images of 14x56 pixels in place of 28x28"),
        (another_format, "t10k-images-idx3-ubyte.gz is a ZIP archive: unpack it"),
        (cut_short, "t10k-images-idx3-ubyte.gz is cut short: 7840015 of 7840016 bytes"),
        (cut_short_gzip, "t10k-images-idx3-ubyte.gz is cut short: its gzip stream does not end"),
        (a_damaged_gzip, "t10k-images-idx3-ubyte.gz is damaged: CRC check failed"),
        (bytes_behind_the_end, "t10k-labels-idx1-ubyte.gz holds 3 bytes behind its last entry"),
        (an_empty_file, "train-images-idx3-ubyte.gz is cut short: 0 bytes"),
        (a_single_other_pixel, "holds other images or labels than the published ones"),
        (two_files_missing, f"lacks {NAMES[1]}, {NAMES[2]} of the four files"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_in_brought_files_is_one_line_that_says_what_to_do(
    spoil: Callable[[Path], None], sentence: str, brought: Path
) -> None:
    spoil(brought)
    with pytest.raises(DataError, match=re.escape(sentence)) as caught:
        mnist.load(look(brought), brought / "cache", mirrors=[])
    line = str(caught.value)
    assert str(brought) in line
    assert line.endswith("or leave --data-dir out to have them downloaded")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path, "cannot be read: No such file or directory"),
        (Path.touch, "is a file: name its folder, {parent}"),
        (Path.mkdir, "is empty"),
    ],
    ids=["missing", "a file", "empty"],
)
def test_a_data_directory_that_holds_nothing_is_refused(
    make: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    make(folder)
    said = sentence.format(parent=tmp_path)
    assert str(look(folder).refusal).startswith(f"{folder} {said}; expected pictures by class")


def test_a_data_directory_of_photographs_is_passed_over_and_the_note_says_so(
    photographs: Path, cache_dir: Path
) -> None:
    dataset = mnist.load(look(photographs), cache_dir, mirrors=[])
    must_be_drawn(dataset)
    assert dataset.note.endswith(f", and no MNIST files in {photographs}")
