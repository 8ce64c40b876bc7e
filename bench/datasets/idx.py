"""IDX, the format of MNIST's files: a magic number, the shape, then the bytes.

Source: «THE IDX FILE FORMAT» on yann.lecun.com/exdb/mnist.  Two zero bytes, a type (0x08 for
unsigned bytes), the number of dimensions, each dimension as a big-endian 32-bit integer, the data
in C order.  QMNIST's labels are 32-bit integers (0x0c), eight for each image, the class first.
"""

from __future__ import annotations

import gzip
import math
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from bench.datasets import signatures
from bench.errors import DataError, shown, why

GZIP_MAGIC = b"\x1f\x8b"
KINDS = {1: "labels", 3: "images"}

MOST = 1 << 30
"""Bytes of data; the largest set of this kind, EMNIST by class, has 547 MB."""

_BEHIND = 1 << 16  # how far it is looked behind the last entry
_INTEGERS = b"\0\0\x0c\x02"
_WIDTHS = {0x08: 1, 0x0C: 4}  # bytes of an entry, by type


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """A file's bytes as a stream, unpacked if they are gzip's, whatever its name ends in.

    Raises:
        DataError: the file cannot be read, or the gzip stream is cut short or damaged.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
            reason = "Is a directory" if path.is_dir() else "it is no file"
            raise DataError(f"{shown(path)} cannot be read: {reason}")
        with path.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
            if not packed:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
    except EOFError as error:
        raise DataError(f"{shown(path)} is cut short: its gzip stream does not end") from error
    except (gzip.BadGzipFile, zlib.error, struct.error) as error:
        raise DataError(f"{shown(path)} is damaged: {error}") from error
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read: {why(error)}") from error


def read(path: Path) -> bytes:
    """The bytes of an IDX file, as many as its header promises and a few behind them.

    So neither a gzip file that unpacks to a thousand times its size nor a file with a hole of
    terabytes is read to its end.

    Raises:
        DataError: the file cannot be read, promises more than MOST, or its gzip stream is cut short
            or damaged.
    """
    with reading(path) as file:
        head = file.read(4)
        if (
            len(head) < 4
            or head[:2] != b"\0\0"
            or head[2] not in _WIDTHS
            or head[3] not in (1, 2, 3)
        ):
            return head + file.read(signatures.ENOUGH)
        head += file.read(4 * head[3])
        promised = _promised(head)
        if promised > MOST:
            raise DataError(
                f"{shown(path)} says in its header that it holds {promised:,} bytes; "
                f"at most {MOST:,} are read"
            )
        return head + file.read(promised + _BEHIND)


def parse(data: bytes, dimensions: int, name: str) -> NDArray[np.uint8]:
    """The array that IDX bytes hold, read-only: images have 3 dimensions, labels 1.

    name: how a message calls the file.

    Raises:
        DataError: another magic number, no entries, fewer bytes than the header promises, or more.
    """
    magic = bytes((0, 0, 8, dimensions))
    if len(data) >= 4 and data[:4] != magic:
        raise DataError(_not_idx(data, dimensions, magic, name))
    return np.frombuffer(data, np.uint8, offset=_checked(data, dimensions, name)).reshape(
        _shape(data, dimensions)
    )


def parse_labels(data: bytes, name: str) -> NDArray[np.int64]:
    """The classes that IDX bytes hold: `(n,) int64`, as MNIST has them or as QMNIST has.

    Raises:
        DataError: as `parse`.
    """
    if not data.startswith(_INTEGERS):
        return parse(data, 1, name).astype(np.int64)
    rows = np.frombuffer(data, ">i4", offset=_checked(data, 2, name))
    return rows.reshape(_shape(data, 2))[:, 0].astype(np.int64)


def pack(array: NDArray[np.uint8]) -> bytes:
    """The IDX bytes of an array."""
    return (
        bytes((0, 0, 8, array.ndim))
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def _shape(data: bytes, dimensions: int) -> tuple[int, ...]:
    return struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])


def _promised(head: bytes) -> int:
    """The bytes behind a header: 0 of one that is cut short."""
    dimensions = head[3]
    if len(head) < 4 + 4 * dimensions:
        return 0
    return _WIDTHS[head[2]] * math.prod(_shape(head, dimensions))


def _checked(data: bytes, dimensions: int, name: str) -> int:
    """The length of the header, once all that it promises is there and nothing else."""
    header = 4 + 4 * dimensions
    if len(data) < header:
        raise DataError(
            f"{name} is cut short: {len(data)} bytes, and the header alone has {header}"
        )
    shape = _shape(data, dimensions)
    if 0 in shape:
        raise DataError(
            f"{name} says in its header that it holds nothing: {' x '.join(map(str, shape))}"
        )
    expected = header + _promised(data)
    if len(data) < expected:
        raise DataError(f"{name} is cut short: {len(data)} of {expected} bytes")
    surplus = len(data) - expected
    if surplus:
        many = f"{surplus} bytes" if surplus < _BEHIND else f"{_BEHIND} bytes or more"
        raise DataError(f"{name} holds {many} behind its last entry")
    return header


def _not_idx(data: bytes, dimensions: int, magic: bytes, name: str) -> str:
    kind = KINDS.get(dimensions, f"{dimensions} dimensions")
    signature = signatures.read(data[: signatures.ENOUGH], name)
    if signature is not None:
        return f"{name} is {signature.what}: {signature.fix}"
    found = f"{name} begins with {data[:4].hex()}, where {kind} begin with {magic.hex()}"
    if data[:3] == b"\0\0\x08" and data[3] in KINDS and data[3] != dimensions:
        return f"{found}: it holds {KINDS[data[3]]}, so are the image and the label file swapped?"
    return f"{found}: it is no IDX file of bytes"
