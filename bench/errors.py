"""What can go wrong, by name.  Each message says what was found, what was expected, what to do."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path


class GrindstoneError(Exception):
    """The base of all errors that are a person's to mend; its text is one line for that person."""


class DataError(GrindstoneError):
    """A data set is missing, damaged or not what its name says."""


class CacheError(GrindstoneError):
    """The cache cannot be written or read: no permission, no space."""


class WorkerError(GrindstoneError):
    """A worker did not finish its training: it died, ran out of memory or hung."""


class UnableError(GrindstoneError):
    """A mode cannot train what a file of one's own has: nothing failed, and nothing was trained."""


class RecordError(GrindstoneError):
    """A record cannot be written or read."""


def shown(name: object) -> str:
    """A file's name as one line of plain text, whatever bytes are in it."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(name))


def listed(problems: Sequence[str], most: int = 5) -> str:
    """Some things that are wrong, in one line: the first few, and how many more."""
    more = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {more} more" if more > 0 else "")


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is no UTF-8, as Python keeps it
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def unforeseen(error: BaseException) -> str:
    """An error that nobody has foreseen, in a line: what it says, and where it came up."""
    if isinstance(error, MemoryError):
        return "this machine has no memory left for it: close other programs, then run it again"
    said = " ".join(str(error).split())
    told = f"{type(error).__name__}: {said}" if said else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return told
    return f"{told} (at {Path(*Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno})"
