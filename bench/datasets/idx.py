"""IDX, the format of MNIST's files: a magic number, the shape, then the bytes.

Source: «THE IDX FILE FORMAT» on yann.lecun.com/exdb/mnist.  Two zero bytes, a type (0x08 for
unsigned bytes), the number of dimensions, each dimension as a big-endian 32-bit integer, the data
in C order.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
KINDS = {1: "labels", 3: "images"}


def read(path: Path) -> bytes:
    """The bytes of a file, unpacked if they are gzip's, whatever its name ends in.

    Raises:
        DataError: the file cannot be read, or the gzip stream is cut short or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except EOFError as error:
        raise DataError(f"{path} is cut short: its gzip stream does not end") from error
    except (gzip.BadGzipFile, zlib.error, struct.error) as error:
        raise DataError(f"{path} is damaged: {error}") from error


def parse(data: bytes, dimensions: int, name: str) -> NDArray[np.uint8]:
    """The array that IDX bytes hold, read-only: images have 3 dimensions, labels 1.

    name: how a message calls the file.

    Raises:
        DataError: another magic number, no entries, fewer bytes than the header promises, or more.
    """
    magic = bytes((0, 0, 8, dimensions))
    header = 4 + 4 * dimensions
    if len(data) >= 4 and data[:4] != magic:
        raise DataError(
            f"{name} begins with {data[:4].hex()}, where {_kind(dimensions)} begin with "
            f"{magic.hex()}{_what_it_is_instead(data, dimensions)}"
        )
    if len(data) < header:
        raise DataError(
            f"{name} is cut short: {len(data)} bytes, and the header alone has {header}"
        )
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if 0 in shape:
        raise DataError(f"{name} says in its header that it holds nothing: {_times(shape)}")
    expected = header + math.prod(shape)
    if len(data) < expected:
        raise DataError(f"{name} is cut short: {len(data)} of {expected} bytes")
    if len(data) > expected:
        raise DataError(f"{name} holds {len(data) - expected} bytes behind its last entry")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _kind(dimensions: int) -> str:
    return KINDS.get(dimensions, f"{dimensions} dimensions")


def _what_it_is_instead(data: bytes, dimensions: int) -> str:
    if data[:3] == b"\0\0\x08" and data[3] in KINDS and data[3] != dimensions:
        return f": it holds {KINDS[data[3]]}, so are the image and the label file swapped?"
    return ": it is no IDX file of bytes"
