"""What a kernel module says of itself: the section .modinfo of its ELF file.

Only the headers and that section are read.  NVIDIA's module has 60 MB and more, and looking for
words in all of it takes Python seconds.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
from pathlib import Path
from typing import BinaryIO

MODINFO = ("/usr/sbin/modinfo", "/sbin/modinfo", "/usr/bin/modinfo")
MOST = 1 << 20  # more than a .modinfo, or the names of all sections, ever has


def fields(path: Path) -> dict[str, str]:
    """A module's fields, such as `version` and `license` (compare `modinfo FILE`).

    {} where it cannot be read.  A compressed module is left to kmod's own program.
    """
    if path.suffix != ".ko":
        return _asked(path)
    try:
        with path.open("rb") as file:
            return _read(file)
    except (OSError, struct.error, OverflowError):
        return {}


def _read(file: BinaryIO) -> dict[str, str]:
    header = file.read(64)
    if header[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return {}
    (start,) = struct.unpack_from("<Q", header, 40)
    size, count, of_names = struct.unpack_from("<HHH", header, 58)
    file.seek(start)
    table = file.read(size * count)
    names = _section(file, table, size * of_names)
    for place in range(0, size * count, size):
        (name,) = struct.unpack_from("<I", table, place)
        if names[name:].startswith(b".modinfo\0"):
            told = _section(file, table, place).decode(errors="replace").split("\0")
            return dict(
                each.split("=", 1) for each in reversed(told) if "=" in each
            )  # the first counts
    return {}


def _section(file: BinaryIO, table: bytes, place: int) -> bytes:
    """The content of the section whose header is at that place of the table."""
    offset, size = struct.unpack_from("<QQ", table, place + 24)
    file.seek(offset)
    return file.read(min(size, MOST))


def _asked(path: Path) -> dict[str, str]:
    """The same by kmod's program."""
    program = next((each for each in MODINFO if os.access(each, os.X_OK)), "")
    if not program:
        return {}
    done = subprocess.run(
        [program, str(path)], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    said = done.stdout.decode(errors="replace")
    return dict(reversed(re.findall(r"^(\w+):[ \t]*(.*)$", said, re.MULTILINE)))
