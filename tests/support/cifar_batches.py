"""CIFAR-10's files in small: the same bytes as the published ones have, with few pictures."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from bench.datasets.layouts.cifar_files import BATCHES, RECORD

Records = NDArray[np.uint8]


def batches(each: int = 20) -> dict[str, Records]:
    """Random records, two or more of every class in a batch."""
    draw = np.random.default_rng(3)
    made = {}
    for name in BATCHES:
        labels = draw.permutation(np.arange(each, dtype=np.uint8) % 10)
        pixels = draw.integers(0, 256, (each, RECORD - 1), dtype=np.uint8)
        made[name] = np.column_stack([labels, pixels])
    return made


def python_batch(records: Records) -> bytes:
    """The pickle that Python 2 and NumPy 1 wrote of a batch, operation by operation."""
    labels, pixels = records[:, 0], records[:, 1:]
    shape = b"(K\x01" + _number(len(pixels)) + _number(pixels.shape[1]) + b"\x86q\x0c"
    kind = (
        b"cnumpy\ndtype\nq\rU\x02u1q\x0eK\x00K\x01\x87Rq\x0f"
        b"(K\x03U\x01|q\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x11b"
    )
    names = b"".join(_text(f"{number}.png".encode()) for number in range(len(labels)))
    return (
        b"\x80\x02}q\x01(" + _text(b"batch_label") + b"q\x02" + _text(b"training batch 1 of 5")
        + b"q\x03" + _text(b"labels") + b"q\x04]q\x05(" + b"".join(map(_number, labels.tolist()))
        + b"e" + _text(b"data") + b"q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07"
        b"cnumpy\nndarray\nq\x08K\x00\x85q\t" + _text(b"b") + b"q\n\x87Rq\x0b" + shape + kind
        + b"\x89T" + struct.pack("<I", pixels.size) + pixels.tobytes() + b"q\x12tq\x13b"
        + _text(b"filenames") + b"q\x14]q\x15(" + names + b"eu."
    )  # fmt: skip


def _number(value: int) -> bytes:
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def _text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value
