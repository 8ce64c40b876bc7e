"""The cache: arrays and files that are made once and replaced whole, never in part.

A writer fills a temporary file beside the target, syncs it and renames it over the target, so a
reader sees the old file or the new one, and of two processes that make the same file the later
one wins with the same content.  A cached file that cannot be read is treated as absent.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench.errors import CacheError, shown, why

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHAT_TO_DO = "choose another folder with --cache-dir"

_ENOUGH = 60e6  # bytes, as drawn digits take

ABANDONED_AFTER = 24 * 3600
"""Seconds after which a partial file belongs to a writer that was killed."""


def directory(override: Path | None = None) -> Path:
    """The folder that data sets are kept in; it need not exist yet.

    override: what the person asked for with `--cache-dir`; None means the user's cache folder
        (`$XDG_CACHE_HOME/grindstone` or `~/.cache/grindstone` on Linux).

    Returns an absolute path, since a worker may run in another working directory.
    """
    if override is not None:
        return override.expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("grindstone").absolute()


def warning(folder: Path) -> str | None:
    """What there is to say, before anything is made, of a cache that will keep nothing; or None."""
    told = why_unwritable(folder)
    if told is None and (free := _room_at(folder / "data")) is not None and free < _ENOUGH:
        told = f"the cache {shown(folder)} has {free / 1e6:.0f} MB left"
    return told and f"{told}: what is drawn or downloaded is not kept ({WHAT_TO_DO})"


def why_unwritable(folder: Path) -> str | None:
    """Why nothing can be kept in a folder of the cache, known before anything is made; or None."""
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not os.path.isdir(there):  # noqa: PTH112 - Path's raises where it may not look
        return f"the cache cannot be in {shown(folder)}: {shown(there)} is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"the cache {shown(folder)} cannot be written"
    return None


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file of the cache to write, as `whole` has it.

    Raises:
        CacheError: the folder cannot be made, or the file cannot be written (no permission, a
            read-only file system, no space).
    """
    try:
        with whole(path) as file:
            yield file
    except OSError as error:  # what was written of it is gone, and counts as free
        free = _room_at(path)
        found = _cannot("write", path, error)
        found += f" ({free / 1e6:.0f} MB free there)" if free is not None else ""
        raise CacheError(f"{found}; {_mend(error)}") from error


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` once the block has ended without error.

    If the block raises, `path` stays as it was and nothing of the new file is left.  An OSError
    in it is taken for the file's: do nothing there that can fail for another reason.

    Raises:
        OSError: the folder cannot be made, or the file cannot be written.
    """
    # A name of its own rather than `tempfile`, whose files only their owner may read: a cache
    # folder may be shared between users.
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        _discard(partial)


def store_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Writes the named arrays to `path`, an uncompressed .npz file, whole or not at all.

    Raises:
        CacheError: the file cannot be written.
        ValueError: an array holds Python objects, which would need pickle.
    """
    import numpy as np

    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def keep_arrays(path: Path, **arrays: NDArray[Any]) -> str:
    """Stores arrays that can be made again; what to add to their note where it cannot be."""
    try:
        store_arrays(path, **arrays)
    except CacheError as error:
        return unkept(path.parent, error)
    return ""


def keep_files(folder: Path, names: Iterable[str], place: Path) -> str:
    """Copies files into the cache, all or none; what to add to their note where it cannot be."""
    kept: list[Path] = []
    try:
        for name in names:
            with replacing(place / name) as file:
                file.write((folder / name).read_bytes())
            kept.append(place / name)
    except CacheError as error:
        for path in kept:
            _discard(path)
        return unkept(place, error)
    return ""


def unkept(folder: Path, error: CacheError) -> str:
    """What is said of data that will have to be made again."""
    return f"; {why_unwritable(folder) or error}, so nothing is kept"


def kept_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """What `keep_arrays` put into `path`; None where it is absent, damaged or may not be read."""
    try:
        return load_arrays(path)
    except CacheError:
        return None


_MEMBER = b"PK\x03\x04"  # what each array in a zip archive begins with


def load_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays that `store_arrays` put into `path`; None where it is absent or damaged.

    Every byte is checked against the archive's checksums before NumPy sees it.

    Raises:
        CacheError: the file is there and may not be read.
    """
    import numpy as np

    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CacheError(f"{_cannot('read', path, error)}; {_mend(error)}") from error
    with file:
        # A damaged archive fails anywhere in zipfile, zlib, ast or numpy, with any exception that
        # those know; all of them mean the same here.
        try:
            with zipfile.ZipFile(file) as archive:
                # No checksum covers the directory: one that has lost an array is shorter than what
                # lies before it.
                file.seek(0)
                whole = file.read().count(_MEMBER) == len(archive.namelist())
                if not whole or archive.testzip() is not None:
                    return None
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except Exception:
            return None


def _cannot(verb: str, path: Path, error: OSError) -> str:
    return f"cannot {verb} the cache file {path}: {why(error)}"


def _room_at(path: Path) -> int | None:
    """Free bytes where a file is, or will be; None where nobody says."""
    there = next(each for each in path.absolute().parents if os.path.isdir(each))  # noqa: PTH112
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return None


def _mend(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"free some space or {WHAT_TO_DO}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"make it yours or {WHAT_TO_DO}"
    return WHAT_TO_DO


def _sweep(folder: Path) -> None:
    for partial in folder.glob(f".*.{'[0-9a-f]' * 32}.part"):
        with suppress(OSError):  # another process swept it first
            if time.time() - partial.stat().st_mtime > ABANDONED_AFTER:
                partial.unlink()


def _discard(partial: Path) -> None:
    with suppress(OSError):  # it was renamed or never made, or its folder may not be written
        partial.unlink()
