"""The folder where tests keep what takes long to make, from one run to the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLD_S = 24 * 3600


def cache_folder() -> Path:
    """Where roots and downloads are kept from one run to the next."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "grindstone-tests"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keeps the other processes of the tests from making the same at the same time."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_stale(pattern: str) -> None:
    """Removes what tests of older sources have made, unless another checkout still uses it."""
    for old in cache_folder().glob(pattern):
        if time.time() - old.stat().st_mtime > OLD_S:
            shutil.rmtree(old)
