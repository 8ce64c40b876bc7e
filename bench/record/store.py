"""Writes the record of a run as it grows.

While the run goes on, `<time>-<host>-<process>.jsonl` holds it: the head in the first line, then a
line for each training, on the disk before the next one begins.  A run that is killed leaves that,
and `read` takes it.  When the run ends, `….json` takes its place, written whole.  So each training
is encoded and written twice, however many there are.

A name is claimed by creating the journal, which fails where another run has it: runs that begin in
the same second, also on several machines with one folder, leave a record each.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import io
import os
import platform
import re
import weakref
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.datasets import cache
from bench.errors import RecordError, why
from bench.record import codec
from bench.record.head import Head
from bench.record.model import Failed, Record, Result, TargetResult


class RecordFile:
    """The record of a run that goes on.

    path: where it will be; its folder is made when it begins, and a number is added to its name
        where another run has that.
    results, time_to_target: what came of each training so far.
    """

    def __init__(self, path: Path, head: Head) -> None:
        self._name = path
        self.path = path
        self.results: list[Result] = []
        self.time_to_target: list[TargetResult] = []
        self._head = head
        self._pending = codec.journal_head(head)
        self._size = 0
        self._let_go: Callable[[], object] = _nothing

    @classmethod
    def reopened(cls, path: Path) -> RecordFile:
        """The record of a run that was interrupted, or that is to have more trainings.

        What came to its end is kept; what failed is left out, to be trained again.

        Raises:
            RecordError: it cannot be read or written, or another run is at it.
        """
        read = codec.read(path)
        file = cls(path.with_suffix(".json"), read)
        before = _hold(file.journal if file.journal.exists() else file.path)
        file.results = [each for each in read.results if not isinstance(each, Failed)]
        file._head = codec.head_of(read)
        lines = [codec.journal_head(file._head), *map(codec.journal_line, file.results)]
        try:
            with cache.whole(file.journal) as written:
                written.write(b"".join(lines))
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise file._not_written(file.journal, error) from error
        file._hold()
        if before is not None:
            os.close(before)
        file._pending, file._size = b"", sum(map(len, lines))
        return file

    @property
    def journal(self) -> Path:
        """What holds it until the run ends."""
        return self.path.with_suffix(codec.JOURNAL)

    @property
    def written(self) -> bool:
        """Whether any of it is on the disk."""
        return self._size > 0

    @property
    def record(self) -> Record:
        """All of it, as it stands."""
        return Record.of(self._head, self.results, self.time_to_target)

    def begin(self) -> None:
        """Claims its name and writes its head, so that a folder without room is known at once.

        Raises:
            RecordError: it cannot be written.
        """
        if not self.written:
            self._append(b"")

    def add(self, result: Result) -> None:
        """Appends a result; it is on the disk when this returns.

        Raises:
            RecordError: it cannot be written; what was written before is whole.
        """
        self.results.append(result)
        self._append(codec.journal_line(result))

    def add_time_to_target(self, result: TargetResult) -> None:
        """The same for a training to targets.

        Raises:
            RecordError: it cannot be written; what was written before is whole.
        """
        self.time_to_target.append(result)
        self._append(codec.journal_line(result, to_target=True))

    def close(self, results: tuple[Result, ...] | None = None) -> None:
        """Writes the record whole and removes the journal; without a training there is none.

        results: take the place of those that were added; they may know more by now.

        Raises:
            RecordError: it cannot be written; the journal has what was added.
        """
        if not self.written:
            return
        if not (self.results or self.time_to_target):
            with contextlib.suppress(OSError):  # an empty record does no harm
                self.journal.unlink()
            self._let_go()
            self._size = 0
            return
        made = self.record
        if results is not None:
            made = msgspec.structs.replace(made, results=results)
        try:
            with cache.whole(self.path) as file:
                file.write(codec.encode(made))
            self.journal.unlink(missing_ok=True)
            self._let_go()
        except OSError as error:
            self._let_go()  # the run has ended all the same
            raise self._not_written(self.path, error) from error

    def _hold(self) -> None:
        """Keeps another run from going on with it, until it is let go."""
        held = _hold(self.journal)
        self._let_go = _nothing if held is None else weakref.finalize(self, os.close, held)

    def _append(self, line: bytes) -> None:
        """Appends a line, and those before it that could not be written."""
        self._pending += line
        claimed = False
        try:
            if not self.written:
                self.journal.parent.mkdir(parents=True, exist_ok=True)
                self.path = _claimed(self._name)
                claimed = True
                self._hold()
            with self.journal.open("ab", buffering=0) as file:
                self._write(file)
        except OSError as error:
            if claimed:
                with contextlib.suppress(OSError):  # its folder may be out of reach by now
                    self.journal.unlink()
            raise self._not_written(self.journal, error) from error
        self._size += len(self._pending)
        self._pending = b""

    def _write(self, file: io.FileIO) -> None:
        try:
            left = memoryview(self._pending)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(self._size)
            raise

    def _not_written(self, path: Path, error: OSError) -> RecordError:
        kept = f" (what was written before is whole in {self.journal})" if self.written else ""
        return RecordError(
            f"the record {path} cannot be written: {why(error)}; make room or name another "
            f"folder with --results-dir{kept}"
        )


def new_path(folder: Path, now: datetime.datetime) -> Path:
    """A file name that sorts by time: `20261121T040500Z-box-4711.json`."""
    host = re.sub(r"[^A-Za-z0-9_-]+", "-", platform.node().partition(".")[0])[:40]
    return folder / f"{now:%Y%m%dT%H%M%SZ}-{host or 'host'}-{os.getpid()}.json"


def _claimed(path: Path) -> Path:
    """The path, or the next one with a number that no other run has; its journal is ours now."""
    name, number = path, 1
    while not _claims(name):
        number += 1
        name = path.with_stem(f"{path.stem}-{number}")
    return name


def _claims(path: Path) -> bool:
    journal = path.with_suffix(codec.JOURNAL)
    if os.path.lexists(path):
        return False
    try:
        journal.touch(exist_ok=False)
    except FileExistsError:
        return False
    # The run that had the name may have ended since: its record is there by now.
    if os.path.lexists(path):
        journal.unlink()
        return False
    return True


def _hold(journal: Path) -> int | None:
    """Locks a record's file; the lock is the descriptor's.  None where nothing can be locked.

    Raises:
        RecordError: another run has it.
    """
    held = os.open(journal, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise RecordError(
            f"another run is at {journal}; wait for it, or name another folder with --results-dir"
        ) from None
    except OSError:  # a file system without locks
        os.close(held)
        return None
    return held


def is_held(journal: Path) -> bool:
    """Whether a run is at it, as far as its file system tells."""
    if not journal.is_file():  # a pipe would be waited for
        return False
    with contextlib.suppress(OSError), journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _nothing() -> None:
    """There is nothing to let go."""


def paths(folder: Path) -> list[Path]:
    """Every record in a folder, finished or not, in the order of their runs."""
    named = (*folder.glob("*.json"), *folder.glob(f"*{codec.JOURNAL}"))
    # A folder and a pipe are none; a link that leads nowhere has to be told of.
    return sorted(path for path in named if path.is_file() or path.is_symlink())
