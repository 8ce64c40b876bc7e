"""One picture is one picture: what the worker decodes on the clock is what the arrays hold.

Every format and mode that people bring is written here, read by `bench.datasets.pictures` and by
the pipeline of `bench.worker.files`, and both have to show the same.  What TensorFlow reads
otherwise, or not at all, `pictures.indirect` has to name.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets import photographs, pictures
from tests.training.in_worker import answer

SIZE = (60, 80)

Write = Callable[[Path], None]


def drawn() -> Image.Image:
    """Soft colours, unlike in every corner."""
    few = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(few).resize((160, 120), Image.Resampling.BICUBIC)


def saved(kind: str, mode: str = "RGB", **options: object) -> Write:
    return lambda path: drawn().convert(mode).save(path, kind, **options)


def turned(orientation: int, kind: str = "JPEG") -> Write:
    def write(path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        drawn().save(path, kind, exif=exif)

    return write


def transparent(path: Path) -> None:
    made = drawn()
    made.putalpha(made.convert("L"))
    made.save(path, "PNG")


def grey_of_16_bits(path: Path) -> None:
    grey = np.asarray(drawn().convert("L")).astype(np.uint16) * 257 - 100 * (np.uint16(1))
    Image.fromarray(grey).save(path, "PNG")


def colours_of_16_bits(path: Path) -> None:
    """Pillow writes none."""
    pixels = np.asarray(drawn()).astype(">u2") * 257

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def of_two(kind: str) -> Write:
    """A film, or a picture with another behind it: the first counts."""

    def write(path: Path) -> None:
        first = drawn().quantize(64) if kind == "GIF" else drawn()
        other = first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        first.save(path, kind, save_all=True, append_images=[other])

    return write


# What both read alike.
ALIKE: Mapping[str, Write] = {
    "plain.png": saved("PNG"),
    "grey.png": saved("PNG", "L"),
    "grey-alpha.png": saved("PNG", "LA"),
    "palette.png": saved("PNG", "P"),
    "palette-transparent.png": saved("PNG", "P", transparency=3),
    "one-bit.png": saved("PNG", "1"),
    "alpha.png": transparent,
    "grey-16.png": grey_of_16_bits,
    "colours-16.png": colours_of_16_bits,
    "animated.png": of_two("PNG"),
    "plain.jpg": saved("JPEG"),
    "progressive.jpg": saved("JPEG", progressive=True),
    "full-chroma.jpg": saved("JPEG", subsampling=0),
    "grey.jpg": saved("JPEG", "L"),
    "cmyk.jpg": saved("JPEG", "CMYK", quality=95),
    "mpo.jpg": of_two("MPO"),
    "plain.gif": lambda path: drawn().quantize(64).save(path, "GIF"),
    "animated.gif": of_two("GIF"),
    "plain.bmp": saved("BMP"),
    "png-named.jpg": saved("PNG"),
    "jpeg-named.png": saved("JPEG"),
    **{f"turned-{number}.jpg": turned(number) for number in range(1, 9)},
    "turned-6.png": turned(6, "PNG"),
}

# What Pillow reads and TensorFlow does not, or not as it is.
OTHERWISE: Mapping[str, Write] = {
    "palette.bmp": saved("BMP", "P"),
    "plain.webp": saved("WEBP", lossless=True),
    "plain.tiff": saved("TIFF"),
    "plain.avif": saved("AVIF"),
    "webp-named.jpg": saved("WEBP", lossless=True),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name, write in {**ALIKE, **OTHERWISE}.items():
        write(folder / name)
    return folder


@pytest.fixture(scope="module")
def by_tensorflow(
    worker_python: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[float]]:
    """What the worker's pipeline makes of the pictures, by their names."""
    listed = [(name, pictures.orientation(folder / name)) for name in ALIKE]
    home = tmp_path_factory.mktemp("home")
    read: dict[str, list[float]] = answer(
        worker_python, _READ, str(folder), json.dumps(listed), json.dumps(SIZE), home=home
    )
    return read


@pytest.mark.parametrize("name", ALIKE)
def test_a_picture_is_the_same_in_arrays_and_on_the_clock(
    name: str, folder: Path, by_tensorflow: Mapping[str, list[float]]
) -> None:
    assert pictures.indirect(folder / name) is None
    here = photographs.read(folder / name, SIZE).astype(float)
    there = np.array(by_tensorflow[name]).reshape(here.shape)
    # Pillow rounds to whole levels after each of two passes of its resizing, TensorFlow never.
    assert np.abs(here - there).max() < 2
    assert np.abs(here - there).mean() < 0.6


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_picture_that_tensorflow_reads_otherwise_is_named(name: str, folder: Path) -> None:
    assert pictures.indirect(folder / name) is not None
    assert photographs.read(folder / name, SIZE).shape == (*SIZE, 3)


def test_a_turned_picture_is_upright_whatever_its_camera_wrote(folder: Path) -> None:
    for number in range(2, 9):
        read = pictures.read(folder / f"turned-{number}.jpg")
        assert read.size == ((120, 160) if number >= 5 else (160, 120))


_READ = """
import json, os, sys
from dataclasses import replace

import numpy as np
import tensorflow as tf

from bench.worker import files
from bench.worker.task import Arrays, Task
from bench.workloads import WORKLOADS

folder, listed, size = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
pictures = [(os.fsencode(f"{folder}/{name}"), how) for name, how in listed]
data = Arrays(np.zeros(len(pictures)), np.arange(len(pictures)))
workload = replace(WORKLOADS["post"], image=(*size, 3))
task = Task(workload, data, 1, 1, lambda: None, print)
read = {}
for images, targets in files.pipeline(tf, task, pictures):
    for image, target in zip(images.numpy(), targets.numpy()):
        read[listed[target][0]] = image.round(3).ravel().tolist()
print(json.dumps(read))
"""
