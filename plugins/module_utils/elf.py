"""Where a shared library looks for the libraries that it opens: read out of its ELF file.

Only the headers and two tables are read: a library of a gigabyte takes no longer than a small one.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

# Of elf(5), for 64 bits.
PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_STRTAB, DT_RPATH, DT_RUNPATH = 0, 5, 15, 29


class Segment(NamedTuple):
    """A program header: `size` bytes at `offset` of the file belong at `address`."""

    kind: int
    offset: int
    address: int
    size: int


class SearchPath(NamedTuple):
    """What a library says about where its libraries are.

    first: it comes before LD_LIBRARY_PATH (DT_RPATH), not after it (DT_RUNPATH).
    folders: separated by colons; $ORIGIN is the library's own folder.
    """

    first: bool
    folders: str


def search_path(path: Path) -> SearchPath:
    """The library's own search path, of no folders where it has none.

    Raises:
        ValueError: it is no 64-bit little-endian ELF file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            return _search_path(file)
        except (struct.error, StopIteration) as error:
            raise ValueError(f"{path} is damaged: it is no whole ELF file") from error


def _search_path(file: BinaryIO) -> SearchPath:
    segments = _segments(file)
    dynamic = next(segment for segment in segments if segment.kind == PT_DYNAMIC)
    file.seek(dynamic.offset)
    table = file.read(dynamic.size)
    values = {}
    for tag, value in struct.iter_unpack("<QQ", table[: len(table) // 16 * 16]):
        if tag == DT_NULL:
            break
        values[tag] = value
    # glibc leaves a DT_RPATH unread beside a DT_RUNPATH.
    tag = DT_RUNPATH if DT_RUNPATH in values else DT_RPATH
    if tag not in values:
        return SearchPath(False, "")
    strings = values[DT_STRTAB]
    home = next(
        segment
        for segment in segments
        if segment.kind == PT_LOAD and segment.address <= strings < segment.address + segment.size
    )
    start = home.offset + strings - home.address
    return SearchPath(tag == DT_RPATH, _text(file, start + values[tag]))


def _segments(file: BinaryIO) -> list[Segment]:
    header = file.read(64)
    if header[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{file.name} is no 64-bit little-endian ELF file")
    (start,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    file.seek(start)
    table = file.read(size * count)
    segments = []
    for index in range(count):
        kind, offset, address, length = struct.unpack_from("<I4xQQ8xQ", table, index * size)
        segments.append(Segment(kind, offset, address, length))
    return segments


def _text(file: BinaryIO, offset: int) -> str:
    """The text that starts at `offset` and ends before a zero byte."""
    file.seek(offset)
    text = b""
    while b"\0" not in text:
        piece = file.read(4096)
        if not piece:
            raise StopIteration
        text += piece
    return text.split(b"\0", 1)[0].decode()
