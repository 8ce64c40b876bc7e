"""From a picture to the pixels a network takes: one way, for training, testing and predicting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".png", ".jpg", ".jpeg")

MOST_PIXELS = 50_000_000
"""A cheap microscope's frame has 0.3 million; a file of a few kB can claim a thousand million."""


def read(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The photograph at `path`, upright and resized to `size`: `(height, width, 3) uint8` RGB.

    Raises:
        DataError: the file cannot be read, is no whole PNG or JPEG picture, has more than
            MOST_PIXELS or more than 8 bits a channel in a mode that cannot be shown as RGB.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            _must_be_ordinary(picture, path)
            return squash(ImageOps.exif_transpose(picture).convert("RGB"), size)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(_too_large(path)) from error
    except Exception as error:  # a damaged picture fails anywhere in Pillow, with any exception
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(
                f"{path} cannot be read: {error.strerror}; make it readable, or take it away"
            ) from error
        raise DataError(
            f"{path} is no whole PNG or JPEG picture; copy it again, or take it away"
        ) from error


def squash(picture: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes an RGB picture to `size` = (height, width): `(height, width, 3) uint8`.

    The aspect ratio is not kept: 640x480 is squashed to 255x255, as in the 2020 post that this
    network comes from; nothing is cut off, and a round particle becomes an upright ellipse.
    The filter is Pillow's bilinear one, whose support grows with the reduction, so that every
    source pixel counts and fine particles do not turn into moiré.
    """
    height, width = size
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)


def _must_be_ordinary(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise DataError(_too_large(path, f" ({width}x{height})"))
    if picture.mode.startswith(("I", "F")):  # Pillow would clip these to white
        raise DataError(
            f"{path} is a grey picture of more than 8 bits (mode {picture.mode}); "
            "save it with 8 bits a channel, or take it away"
        )


def _too_large(path: Path, found: str = "") -> str:
    return (
        f"{path} claims more pixels than any microscope's frame{found}; at most "
        f"{MOST_PIXELS // 10**6} million are read: scale it down, or take it away"
    )
