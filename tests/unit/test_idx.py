import gzip
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from bench.datasets import idx
from bench.errors import DataError

LABELS = np.array([5, 0, 4, 1, 9], np.uint8)
LABEL_BYTES = bytes.fromhex("00000801 00000005 05 00 04 01 09")

any_array = st.integers(1, 3).flatmap(
    lambda dimensions: arrays.arrays(
        np.uint8, arrays.array_shapes(min_dims=dimensions, max_dims=dimensions, max_side=6)
    )
)


def packed(array: NDArray[np.uint8]) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def test_the_labels_that_the_formats_author_shows_are_read() -> None:
    np.testing.assert_array_equal(idx.parse(LABEL_BYTES, 1, "labels"), LABELS, strict=True)


@given(any_array)
def test_every_array_comes_back(array: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(idx.parse(packed(array), array.ndim, "it"), array, strict=True)


@given(any_array, st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_anywhere_says_so(array: NDArray[np.uint8], kept: float) -> None:
    data = packed(array)
    with pytest.raises(DataError, match="it is cut short: "):
        idx.parse(data[: int(kept * len(data))], array.ndim, "it")


@given(any_array, st.binary(min_size=1, max_size=9))
def test_bytes_behind_the_end_are_counted(array: NDArray[np.uint8], surplus: bytes) -> None:
    with pytest.raises(DataError, match=f"it holds {len(surplus)} bytes behind its last entry"):
        idx.parse(packed(array) + surplus, array.ndim, "it")


@given(st.binary() | st.binary().map(lambda rest: b"\0\0\x08\x03" + rest))
def test_any_other_bytes_are_an_array_or_a_data_error(data: bytes) -> None:
    with suppress(DataError):
        assert idx.parse(data, 3, "it").ndim == 3


@pytest.mark.parametrize("shape", [(0, 28, 28), (2, 0, 0), (0, 2**32 - 1, 2**32 - 1)])
def test_a_header_of_nothing_says_so(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=f"holds nothing: {shape[0]} x {shape[1]} x {shape[2]}"):
        idx.parse(b"\0\0\x08\x03" + struct.pack(">3I", *shape), 3, "it")


def test_a_header_of_everything_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(DataError, match="cut short: 16 of 79228162458924105385300197391 bytes"):
        idx.parse(b"\0\0\x08\x03" + b"\xff" * 12, 3, "it")


def test_labels_in_the_place_of_images_are_named() -> None:
    with pytest.raises(DataError, match="it holds labels, so are the image and the label file swa"):
        idx.parse(LABEL_BYTES, 3, "it")
    with pytest.raises(DataError, match="it holds images, so are the image and the label file swa"):
        idx.parse(packed(np.zeros((2, 28, 28), np.uint8)), 1, "it")


def test_another_format_is_named_by_its_first_bytes() -> None:
    with pytest.raises(DataError, match="begins with cafebabe, where images begin with 00000803"):
        idx.parse(b"\xca\xfe\xba\xbe", 3, "it")
    with pytest.raises(DataError, match="it is a PNG picture"):
        idx.parse(b"\x89PNG\r\n\x1a\n", 3, "it")


@pytest.mark.parametrize("name", ["labels", "labels.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_is_unpacked_by_what_it_holds_not_by_its_name(
    tmp_path: Path, name: str, pack: type[bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(LABEL_BYTES))
    assert idx.read(tmp_path / name) == LABEL_BYTES


@given(st.data())
def test_a_gzip_cut_short_anywhere_says_so(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = gzip.compress(LABEL_BYTES)
    path = tmp_path_factory.getbasetemp() / "cut.gz"
    path.write_bytes(whole[: data.draw(st.integers(2, len(whole) - 1))])
    with pytest.raises(DataError, match=r"cut\.gz is cut short"):
        idx.read(path)


def test_a_gzip_whose_checksum_does_not_fit_says_so(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(LABEL_BYTES))
    content[-8] ^= 1
    (tmp_path / "it.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"it\.gz is damaged: CRC check failed"):
        idx.read(tmp_path / "it.gz")


@given(st.data())
def test_a_gzip_with_a_damaged_byte_is_a_data_error_or_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(gzip.compress(LABEL_BYTES))
    content[data.draw(st.integers(2, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.gz"
    path.write_bytes(content)
    with suppress(DataError):
        assert idx.read(path) == LABEL_BYTES


def test_a_folder_in_a_files_place_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        idx.read(tmp_path)


def test_a_gzip_that_unpacks_to_far_more_than_its_header_promises_is_not_unpacked(
    tmp_path: Path,
) -> None:
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(LABEL_BYTES)
        for _ in range(64):
            file.write(bytes(1 << 20))
    data = idx.read(bomb)
    assert len(data) < 100_000
    with pytest.raises(DataError, match="holds 65536 bytes or more behind its last entry"):
        idx.parse(data, 1, "it")


def test_a_file_with_a_hole_of_terabytes_is_read_as_far_as_its_header_says(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.write_bytes(LABEL_BYTES)
    with path.open("r+b") as file:
        file.truncate(1 << 42)
    assert len(idx.read(path)) < 100_000
    path.write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    with pytest.raises(DataError, match=r"says in its header that it holds .* at most 1"):
        idx.read(path)


def test_the_labels_of_qmnist_are_the_first_of_eight_numbers() -> None:
    rows = np.arange(24).reshape(3, 8).astype(">i4")
    data = b"\0\0\x0c\x02" + struct.pack(">2I", 3, 8) + rows.tobytes()
    assert idx.parse_labels(data, "it").tolist() == [0, 8, 16]
    with pytest.raises(DataError, match="it is cut short"):
        idx.parse_labels(data[:-1], "it")
    assert idx.parse_labels(LABEL_BYTES, "it").tolist() == LABELS.tolist()


def test_a_pipe_in_a_files_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="cannot be read: it is no file"):
        idx.read(tmp_path / "pipe")
