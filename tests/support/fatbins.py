"""The GPU code inside a library, by the headers of its fat binaries: which GPUs could load it.

A fat binary holds one kernel's module as SASS for some architectures, and as PTX.  The format is
that of `struct entry` in fake_cuda/loadable.c.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = (0xBA55ED50).to_bytes(4, "little")
HEADER = struct.Struct("<IHHQ")
ENTRY = struct.Struct("<HHIQIIHHIIIQQQ")
PTX, SASS, LZ4 = 1, 2, 0x2000
HEAD = 400  # bytes of PTX, of which `.target` is among the first

Capability = tuple[int, int]


@dataclass(frozen=True)
class Image:
    """A module for an architecture.  ptx: the version of its PTX, none of SASS.

    only: whether it is for that architecture alone, as sm_90a is.
    """

    capability: Capability
    ptx: Capability | None = None
    only: bool = False

    def loads_on(self, gpu: Capability) -> bool:
        """Whether a GPU of that compute capability runs it, or its driver compiles it."""
        if self.only:
            return self.capability == gpu
        if self.ptx:
            return self.capability <= gpu
        return self.capability[0] == gpu[0] and self.capability <= gpu


Fatbin = tuple[Image, ...]


def needed(fatbin: Fatbin, gpu: Capability) -> Capability | None:
    """The PTX that the GPU's driver has to compile, none where there is SASS for it.

    Raises:
        LookupError: there is nothing for it.
    """
    fitting = [image for image in fatbin if image.loads_on(gpu)]
    if not fitting:
        raise LookupError(f"nothing for {gpu}")
    if any(image.ptx is None for image in fitting):
        return None
    return max(fitting, key=lambda image: image.capability).ptx


def scan(path: Path) -> Counter[Fatbin]:
    """How many fat binaries of each kind a library holds."""
    with _mapped(path) as data:
        return Counter(
            tuple(_image(data, *entry) for entry in _entries(data, start, end))
            for start, end in _fatbins(data)
        )


def ptx(path: Path, every: int) -> list[str]:
    """The PTX of every so-manieth fat binary."""
    with _mapped(path) as data:
        found = []
        for start, end in list(_fatbins(data))[::every]:
            for at, kind, packed, flags in _entries(data, start, end):
                if kind[0] == PTX:
                    text = data[at : at + packed]
                    found.append((unpack(text) if flags & LZ4 else text).rstrip(b"\0").decode())
        return found


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _fatbins(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the entries of each begin and end."""
    at = data.find(MAGIC)
    while at >= 0:
        after = at + len(MAGIC)
        if at + HEADER.size <= len(data):
            _, version, size, length = HEADER.unpack_from(data, at)
            if version == 1 and size == HEADER.size and at + size + length <= len(data):
                after = at + size + length
                yield at + size, after
        at = data.find(MAGIC, after)


def _entries(
    data: mmap.mmap, at: int, end: int
) -> Iterator[tuple[int, tuple[int, int, int, int], int, int]]:
    """Each entry: where it is, its kind with architecture and PTX, its packed size, and flags."""
    while at + ENTRY.size <= end:
        kind, _, header, size, packed, _, minor, major, number, *_, flags, _, _ = ENTRY.unpack_from(
            data, at
        )
        yield at + header, (kind, number, major, minor), packed or size, flags
        at += header + size


def _image(
    data: mmap.mmap, at: int, kind: tuple[int, int, int, int], packed: int, flags: int
) -> Image:
    what, number, major, minor = kind
    capability = divmod(number, 10)
    if what == SASS:
        return Image(capability)
    text = data[at : at + packed]
    head = unpack(text, HEAD) if flags & LZ4 else text[:HEAD]
    target = re.search(rb"\.target sm_\d+([af]?)", head)
    return Image(capability, (major, minor), bool(target and target.group(1) == b"a"))


def unpack(packed: bytes, limit: int = 1 << 30) -> bytes:
    """A block of LZ4, up to the limit."""
    out, at = bytearray(), 0

    def length(short: int) -> int:
        nonlocal at
        total, byte = short, 255
        while byte == 255 and (short == 15):
            byte = packed[at]
            at += 1
            total += byte
        return total

    while at < len(packed) and len(out) < limit:
        token = packed[at]
        at += 1
        literals = length(token >> 4)
        out += packed[at : at + literals]
        at += literals
        if at + 2 > len(packed):
            break
        back = int.from_bytes(packed[at : at + 2], "little")
        at += 2
        for _ in range(length(token & 15) + 4):
            out.append(out[-back])
    return bytes(out[:limit])
