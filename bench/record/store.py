"""Writes the record of a run as it grows.

While the run goes on, `<time>.jsonl` holds it: the head in the first line, then a line for each
training, on the disk before the next one begins.  A run that is killed leaves that, and `read`
takes it.  When the run ends, `<time>.json` takes its place, written whole.  So each training is
encoded and written twice, however many there are.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import os
from pathlib import Path

import msgspec

from bench.errors import RecordError
from bench.record import codec
from bench.record.head import Head
from bench.record.model import Record, Result, TargetResult


class RecordFile:
    """The record of a run that goes on.

    path: where it will be; its folder is made on the first write.
    results, time_to_target: what came of each training so far.
    """

    def __init__(self, path: Path, head: Head) -> None:
        self.path = path
        self.journal = path.with_suffix(codec.JOURNAL)
        self.results: list[Result] = []
        self.time_to_target: list[TargetResult] = []
        self._head = head
        self._pending = codec.journal_head(head)
        self._size = 0

    @property
    def written(self) -> bool:
        """Whether any of it is on the disk."""
        return self._size > 0

    @property
    def record(self) -> Record:
        """All of it, as it stands."""
        return Record.of(self._head, self.results, self.time_to_target)

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
        """Writes the record whole, if there is any, and removes the journal.

        results: take the place of those that were added; they may know more by now.

        Raises:
            RecordError: it cannot be written; the journal has what was added.
        """
        if not self.written:
            return
        made = self.record
        if results is not None:
            made = msgspec.structs.replace(made, results=results)
        partial = self.path.with_name(f".{self.path.name}.part")
        try:
            with partial.open("wb") as file:
                file.write(codec.encode(made))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
            self.journal.unlink(missing_ok=True)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise self._not_written(self.path, error) from error

    def _append(self, line: bytes) -> None:
        """Appends a line, and those before it that could not be written."""
        self._pending += line
        try:
            self.journal.parent.mkdir(parents=True, exist_ok=True)
            with self.journal.open("ab", buffering=0) as file:
                self._write(file)
        except OSError as error:
            if not self.written:
                with contextlib.suppress(OSError):  # its folder may be out of reach
                    self.journal.unlink(missing_ok=True)
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
            f"the record {path} cannot be written: {error.strerror}; make room or name another "
            f"folder with --results-dir{kept}"
        )


def new_path(folder: Path, now: datetime.datetime) -> Path:
    """A file name that sorts by time: `20261121T040500Z.json`, or the next free one."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    path, number = folder / f"{stamp}.json", 1
    while _taken(path):
        number += 1
        path = folder / f"{stamp}-{number}.json"
    return path


def paths(folder: Path) -> list[Path]:
    """Every record in a folder, finished or not, in the order of their runs."""
    return sorted((*folder.glob("*.json"), *folder.glob(f"*{codec.JOURNAL}")))


def _taken(path: Path) -> bool:
    """Whether a record has that name; False, too, where the folder may not be looked into."""
    return os.path.lexists(path) or os.path.lexists(path.with_suffix(codec.JOURNAL))
