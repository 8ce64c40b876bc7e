"""Paths as a person names them, from the folder where they stand."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from bench.errors import GrindstoneError


def from_here(option: str, named: str | Path) -> Path:
    """A path as a shell would have it: `~` stands for a home, though `--option=~/x` keeps it.

    Raises:
        GrindstoneError: there is no such user.
    """
    path = Path(named)
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise GrindstoneError(
            f"{option} {path}: there is no user {path.parts[0]}; name a folder"
        ) from error


def absolute(option: str, path: str | Path) -> Path:
    """The same from anywhere: workers run in a folder of their own.  Links stay links."""
    return Path(os.path.abspath(from_here(option, path)))  # noqa: PTH100 - resolve() follows links


def folder(option: str, path: str | Path) -> Path:
    """A folder that can be written, or made; nothing is made yet.

    Raises:
        GrindstoneError: it cannot be.
    """
    named = from_here(option, path)
    there = named
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise GrindstoneError(f"{option} {named}: {there} is no folder; name another one")
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        raise GrindstoneError(
            f"{option} {named}: {there} cannot be written; name a folder of your own"
        )
    return named


def page(named: str | Path | None) -> Path | None:
    """The file that a page goes to, in a folder that can be written, or made.

    Raises:
        GrindstoneError: it cannot be.
    """
    if named is None:
        return None
    file = from_here("--html", named)
    if file.is_dir():
        raise GrindstoneError(f"--html {file} is a folder; name a file in it")
    if file.exists() and not file.is_file():  # it would be replaced: root would lose /dev/null
        raise GrindstoneError(f"--html {file} is no ordinary file; name another one")
    if file.exists() and file.stat().st_size and not _is_page(file):
        raise GrindstoneError(f"--html {file} is there already, and no page; name another file")
    folder("--html", file.parent)
    return file


def _is_page(file: Path) -> bool:
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(15).lower() == b"<!doctype html>"
    return False


def interpreter(named: str | Path) -> Path:
    """The interpreter from anywhere; a name alone is looked for on PATH, as a shell does.

    Raises:
        GrindstoneError: it is a folder, as environments are.
    """
    python = from_here("--worker-python", named)
    if python.parent == Path() and not python.is_file():
        python = Path(shutil.which(python) or python)
    if python.is_dir():
        raise GrindstoneError(f"--worker-python {python} is a folder; name its bin/python")
    return absolute("--worker-python", python)


def against(word: str | None) -> str | None:
    """What a run is compared with: a record's path, `last` or `best`."""
    return word if word in (None, "last", "best") else str(from_here("--against", word))
