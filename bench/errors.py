"""What can go wrong, by name.  Each message says what was found, what was expected, what to do."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from pathlib import Path


class GrindstoneError(Exception):
    """The base of all errors that a person can fix; its text is one line for that person."""


class DataError(GrindstoneError):
    """A data set is missing, damaged or not what its name says."""


class CacheError(GrindstoneError):
    """The cache cannot be written or read: no permission, no space."""


class WorkerError(GrindstoneError):
    """A worker did not finish its training: it died, ran out of memory or hung."""


class UnableError(GrindstoneError):
    """What is trained does not support a mode or a change: nothing failed, nothing was trained."""


class RecordError(GrindstoneError):
    """A record cannot be written or read."""


def shown(name: object) -> str:
    """A file's name as one line of plain text, whatever bytes are in it."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(name))


def lines(text: object) -> str:
    """The same of a text of several lines, which stay lines."""
    return "\n".join(map(shown, str(text).split("\n")))


def listed(problems: Sequence[str], most: int = 5) -> str:
    """Some things that are wrong, in one line: the first few, and how many more."""
    more = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {more} more" if more > 0 else "")


def some(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`: the first few, and how many more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, what: str) -> str:
    """`1 row`, `5 rows`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is no UTF-8, as Python keeps it
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def why(error: OSError) -> str:
    """What the system says of it; some such errors have a text alone, or nothing."""
    said = " ".join(str(error.strerror or error).split())
    return shown(said or "the system does not say why")


def in_words(error: BaseException) -> str:
    """Any error in a line: what it says, and of what kind it is where that is not said."""
    if isinstance(error, MemoryError):
        return "this machine has no memory left for it: close other programs, then run it again"
    if isinstance(error, OSError) and error.strerror:
        path = error.filename if isinstance(error.filename, (str, os.PathLike)) else None
        return f"{shown(path)}: {why(error)}" if path else why(error)
    said, kind = " ".join(str(error).split()), type(error).__name__
    return shown(f"{kind}: {said}" if said else f"an error without a text ({kind})")


def unforeseen(error: BaseException) -> str:
    """An error that nobody has foreseen, in a line: what it says, and where it came up."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, MemoryError) or not frames:
        return in_words(error)
    where = Path(*Path(frames[-1].filename).parts[-2:])
    return f"{in_words(error)} (at {shown(where)}:{frames[-1].lineno})"
