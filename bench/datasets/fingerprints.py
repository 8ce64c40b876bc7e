"""Fingerprints of images, by which one is known again: was it trained on?

They are of the pixels as a network takes them, so that a copy, renamed or stored otherwise, is
known, too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError, shown

_BYTES = 8  # of a million images two are taken for one in one case of 40 million
_LARGEST = 1 << 27  # of a file, in bytes: of sixteen million images


def of(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """One for each of `(n, height, width, channels)`."""
    each = (hashlib.blake2b(image.tobytes(), digest_size=_BYTES).digest() for image in images)
    return np.frombuffer(b"".join(each), "<u8").astype(np.uint64)


def read(path: Path) -> NDArray[np.uint64]:
    """Those in a file that `numpy.save` wrote.

    Raises:
        DataError: it is not there, cannot be read, or is none.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        made = np.load(path, allow_pickle=False)
        if not isinstance(made, np.ndarray) or made.dtype != np.uint64 or made.ndim != 1:
            raise ValueError("it holds something else")
    except (OSError, ValueError, EOFError) as error:
        told = (error.strerror if isinstance(error, OSError) else None) or "it is damaged"
        raise DataError(
            f"{shown(path)}, which tells the images that were trained on, cannot be read: {told}"
        ) from error
    return made
