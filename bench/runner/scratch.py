"""A run's temporary folder, and those that dead runs have left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "grindstone-"
_LOCK = "lock"
_YOUNG = 60.0  # s; a folder may be made, and not locked yet


class Scratch:
    """A folder that goes with the run.  A lock in it says that the run lives, whoever looks."""

    def __init__(self) -> None:
        sweep()
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(OSError):  # a file system without locks: nobody sweeps there
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def clean(self) -> None:
        """Removes it."""
        self._folder.cleanup()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def sweep() -> None:
    """Removes the folders of this user's runs that were killed: they may hold gigabytes."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        seen = os.fstat(lock)
        if seen.st_uid == os.geteuid() and time.time() - seen.st_mtime >= _YOUNG:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while the run lives
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
