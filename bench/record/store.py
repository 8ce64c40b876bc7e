"""The record of a run: one JSON file, written whole after every workload.

`docs/record.md` describes it; `SCHEMA` grows when a reader of old files would misread new ones.
"""

from __future__ import annotations

import datetime
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import RecordError

SCHEMA = 2


@dataclass(slots=True)
class Record:
    """What a run found, growing by one entry a workload and device.

    path: the file; its folder is made on the first write.
    head: machine, settings and versions, fixed for the run.
    results: one entry for each training, finished or failed.
    to_target: the same for each training to a target.
    written: whether the file holds any of them.
    """

    path: Path
    head: dict[str, Any]
    results: list[dict[str, Any]] = field(default_factory=list)
    to_target: list[dict[str, Any]] = field(default_factory=list)
    written: bool = False

    def add(self, entry: dict[str, Any]) -> None:
        """Appends an entry and writes the file.

        Raises:
            RecordError: it cannot be written; the file is what it was before.
        """
        self.results.append(entry)
        self.write()

    def add_to_target(self, entry: dict[str, Any]) -> None:
        """The same for a training to a target.

        Raises:
            RecordError: it cannot be written; the file is what it was before.
        """
        self.to_target.append(entry)
        self.write()

    def write(self) -> None:
        """Replaces the file by the record as it stands, or leaves it alone.

        Raises:
            RecordError: it cannot be written.
        """
        document = {"schema": SCHEMA, **self.head, "results": self.results}
        document["to_target"] = self.to_target
        text = json.dumps(_finite(document), indent=2, allow_nan=False) + "\n"
        partial = self.path.with_name(f".{self.path.name}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
            self.written = True
        except OSError as error:
            _forget(partial)
            raise RecordError(
                f"the record {self.path} cannot be written: {error.strerror}; make room or name "
                "another folder with --results-dir (what was written before is whole)"
            ) from error


def new_path(folder: Path, now: datetime.datetime) -> Path:
    """A file name that sorts by time: `20261121T040500Z.json`, or the next free one."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    path, number = folder / f"{stamp}.json", 1
    while os.path.lexists(path):  # False, too, where the folder may not be looked into
        number += 1
        path = folder / f"{stamp}-{number}.json"
    return path


def _forget(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself is out of reach: then the file was never made


def _finite(value: Any) -> Any:
    """The same with null for NaN and the infinities, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
