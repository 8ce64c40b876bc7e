"""A folder as it is listed once: what is in it, a few folders deep, without what systems leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError, shown, why

# Deep enough for `archive/mnist_png/training/7`, and for the caches of libraries.
_DEPTH = 8

# A file a picture; optpresso's whole collection had 14,500.
_MOST = 1_000_000

_LEFT_BY_SYSTEMS = frozenset(
    (
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini"),
        *("__macosx", "icon\r", "@eadir", "$recycle.bin", "lost+found"),
        "system volume information",
    )
)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder and what is in it, in order of names.

    files: names of all that is no folder.
    unread: why it could not be listed, or None.
    """

    path: Path
    folders: tuple[Folder, ...] = ()
    files: tuple[str, ...] = ()
    unread: str | None = None

    @property
    def name(self) -> str:
        """Its own, without the way to it."""
        return self.path.name

    def walk(self) -> Iterator[Folder]:
        """This folder, then those in it."""
        yield self
        for folder in self.folders:
            yield from folder.walk()

    def inner(self, *names: str) -> Folder | None:
        """The first folder in this one with one of these names, in whatever case."""
        return next((each for each in self.folders if each.name.lower() in names), None)


def read(path: Path) -> Folder:
    """Lists a folder that a person named.

    Raises:
        DataError: it cannot be listed, or holds more than anybody's pictures.
    """
    if os.path.isfile(path):  # noqa: PTH113 - Path's raises where it may not look
        raise DataError(f"{shown(path)} is a file: name its folder, {shown(path.parent)}")
    left = [_MOST]
    folder = _read(path, _DEPTH, left)
    if folder.unread is not None:
        raise DataError(f"{shown(path)} cannot be read: {folder.unread}")
    if left[0] < 0:
        raise DataError(f"{shown(path)} holds more than {_MOST:,} files: name the folder itself")
    return folder


def _read(path: Path, depth: int, left: list[int]) -> Folder:
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower() in _LEFT_BY_SYSTEMS:
                    continue
                left[0] -= 1
                if left[0] < 0:
                    break
                (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        return Folder(path, unread=why(error))
    inside = [_read(path / name, depth - 1, left) for name in sorted(folders)] if depth else []
    return Folder(path, tuple(inside), tuple(sorted(files)))
