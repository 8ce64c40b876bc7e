"""The one way from a picture file to pixels, for training, testing and predicting.

The worker reads files with TensorFlow on the clock (bench.worker.files).  What it decodes
as this does is what `indirect` says nothing against; tests/training/test_decoders.py holds both
against each other, for every format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bench.datasets import signatures
from bench.datasets.listing import Folder
from bench.errors import DataError, listed, shown, why

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")
"""Those that Pillow reads safely and microscopes, phones and people write."""

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".mpo", ".gif", ".bmp", ".webp", ".tif", ".tiff"),
    ".avif",
)

TO_CONVERT = (
    *(".heic", ".heif", ".jxl", ".jp2", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf"),
    ".psd",
)
"""Suffixes of pictures that are not read, and are called by their name."""

MOST_PIXELS = 50_000_000
"""A cheap microscope's frame has 0.3 million; a file of a few kB can claim a thousand million."""

_ORIENTATION = 0x0112  # in EXIF: 1 is upright


def names_in(folder: Folder) -> list[str]:
    """The names of the pictures right in a folder."""
    return [name for name in folder.files if is_picture(name)]


def is_picture(name: str) -> bool:
    """Whether a file is named as a picture, one that is read or not."""
    return name.lower().endswith((*SUFFIXES, *TO_CONVERT))


def first_size(folder: Folder) -> tuple[int, int] | None:
    """Width and height of the first picture in a folder, not decoded; None of a damaged one."""
    try:
        with opened(folder.path / names_in(folder)[0]) as picture:
            width, height = picture.size
            return width, height
    except Exception:  # it fails with anything; who decodes it tells of it
        return None


def opened(path: Path) -> Image.Image:
    """The picture at `path`, not yet decoded, if this Pillow reads its format."""
    if not path.is_file():  # a pipe would never end
        raise DataError(f"{shown(path)} is no file, or a link to none: remove it")
    Image.init()  # registers what is built in: some have no WebP or AVIF
    return Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN])


def read(path: Path) -> Image.Image:
    """The picture at `path`, upright and RGB; of several in one file the first.

    Sixteen bits become the higher eight, a palette its colours, grey three equal channels, and
    transparency is dropped.

    Raises:
        DataError: the file cannot be read, is no whole picture of FORMATS, has more than
            MOST_PIXELS or numbers that are no colours.
    """
    try:
        with opened(path) as picture:
            _must_be_ordinary(picture, path)
            return _rgb(ImageOps.exif_transpose(picture))
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(_too_large(path)) from error
    except Exception as error:  # a damaged picture fails anywhere in Pillow, with any exception
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(
                f"{shown(path)} cannot be read: {why(error)}; make it readable, or remove it"
            ) from error
        raise DataError(_no_picture(path)) from error


def grey(path: Path) -> NDArray[np.uint8]:
    """The picture at `path` as `(height, width) uint8`.

    Raises:
        DataError: as `read`.
    """
    return np.asarray(read(path).convert("L"), dtype=np.uint8)


def read_all(
    paths: Sequence[Path], decode: Callable[[Path], NDArray[np.uint8]]
) -> tuple[list[NDArray[np.uint8] | None], list[str]]:
    """All pictures, None for each that cannot be read, and why those cannot."""

    def one(path: Path) -> NDArray[np.uint8] | str:
        try:
            return decode(path)
        except DataError as error:
            return str(error)

    with ThreadPoolExecutor() as pool:  # Pillow decodes without the interpreter's lock
        try:
            made = list(pool.map(one, paths))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    arrays = [None if isinstance(each, str) else each for each in made]
    return arrays, [each for each in made if isinstance(each, str)]


def stacked(
    labelled: Sequence[tuple[Path, int]], decode: Callable[[Path], NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures of one size and their classes, in this order.

    Raises:
        DataError: some cannot be decoded.
    """
    arrays, problems = read_all([path for path, _ in labelled], decode)
    if problems:
        raise DataError(f"{len(problems)} of {len(labelled)} pictures: {listed(problems)}")
    labels = np.array([label for _, label in labelled], np.int64)
    return np.stack([each for each in arrays if each is not None]), labels


def must_be(pixels: NDArray[np.uint8], path: Path, side: int) -> NDArray[np.uint8]:
    """The same pixels, `(height, width, …)`.

    Raises:
        DataError: they are not so many a side.
    """
    height, width = pixels.shape[:2]
    if (height, width) != (side, side):
        raise DataError(f"{shown(path)} has {width}x{height} pixels in place of {side}x{side}")
    return pixels


def orientation(path: Path) -> int:
    """How a picture is stored, as EXIF numbers it: 1 is upright, 6 wants a turn clockwise."""
    try:
        with opened(path) as picture:
            stored = int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above; it has been read before
        return 1
    return stored if 1 <= stored <= 8 else 1


def indirect(path: Path) -> str | None:
    """Why TensorFlow would not read a picture as it is read here; None where it does."""
    with opened(path) as picture:
        kind, mode = str(picture.format), picture.mode
    if kind in ("PNG", "JPEG", "MPO", "GIF") or (kind == "BMP" and mode in ("RGB", "L")):
        return None
    return f"a {kind} picture" + (" with a palette" if kind == "BMP" else "")


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        high = (np.asarray(picture) >> 8).astype(np.uint8)
        picture = Image.fromarray(high)
    return picture.convert("RGB")


def _must_be_ordinary(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise DataError(_too_large(path, f" ({width}x{height})"))
    if picture.mode in ("I", "F"):  # Pillow would clip these to white
        raise DataError(
            f"{shown(path)} is a grey picture of 32 bits (mode {picture.mode}); "
            "save it with 8 or 16 bits a channel, or remove it"
        )


def _too_large(path: Path, found: str = "") -> str:
    return (
        f"{shown(path)} claims more pixels than any microscope's frame{found}; at most "
        f"{MOST_PIXELS // 10**6} million are read: scale it down, or remove it"
    )


def _no_picture(path: Path) -> str:
    """What is at `path` in a picture's place, and what to do about it."""
    with path.open("rb") as file:
        head = file.read(signatures.ENOUGH)
    signature = signatures.read(head, shown(path.name))
    damaged = head.startswith(_READ) or (head.startswith(b"RIFF") and "WEBP" in Image.OPEN)
    if signature is None or damaged:
        found = "is empty" if not head else "is no whole picture"
        return f"{shown(path)} {found}; copy it again, or remove it"
    return f"{shown(path)} is {signature.what}: {signature.fix}"


# What the formats begin with that every Pillow reads: one of these that fails is damaged.
_READ = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")
