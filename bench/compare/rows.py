"""A record as comparisons read it: rows, each with its processes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.compare import key as keys
from bench.compare.baseline import why_not
from bench.compare.key import Key
from bench.errors import GrindstoneError
from bench.record.repeats import Side
from bench.record.store import SCHEMA

Name = tuple[str, str, str]


@dataclass(slots=True)
class Row:
    """One workload on one device in one mode: everything that was trained of it on a side.

    medians: s, the median steady epoch of each process that may be compared, by its number.
    left_out: why each of the others may not.
    key: what its processes share; the last one's where they do not.
    unlike: what they do not share, or None.
    """

    name: Name
    device_name: str
    medians: dict[int, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    key: Key | None = None
    unlike: keys.Difference | None = None

    @property
    def title(self) -> str:
        """`mlp on cpu`, `mlp on gpu:0, tuned`."""
        return title(self.name)

    @property
    def why_left_out(self) -> str:
        """`2 CONTENDED, 1 failed`, or nothing."""
        return ", ".join(f"{count} {why}" for why, count in Counter(self.left_out).items())


@dataclass(frozen=True, slots=True)
class Reading:
    """A record that was read.

    path: the file, or what it will be.
    started: UTC, ISO 8601.
    sides: its rows by name, by side; None is the side of a record that has no two.
    looks: how often it was seen whether its rows are clear; each is a chance of a false alarm.
    """

    path: Path
    schema: int
    started: str
    sides: Mapping[Side | None, dict[Name, Row]]
    looks: int = 1

    @property
    def rows(self) -> dict[Name, Row]:
        """The rows of a record that has no two sides."""
        return self.sides.get(None, {})

    @property
    def two_sided(self) -> bool:
        """Whether two environments were trained with."""
        return "B" in self.sides


def title(name: Name) -> str:
    """`mlp on cpu`, `mlp on gpu:0, tuned`."""
    workload, device, mode = name
    return f"{workload} on {device}" + ("" if mode == "stock" else f", {mode}")


def read(path: Path) -> Reading:
    """The record in a file.

    Raises:
        GrindstoneError: there is none, it is damaged, or this version cannot read it.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise GrindstoneError(
            f"{path} cannot be read: {error.strerror}; name a record, as `pytest bench/` leaves "
            "them in results/"
        ) from error
    except ValueError as error:  # not UTF-8 is one, too
        raise GrindstoneError(
            f"{path} is damaged: it is no JSON ({error}); it may have been cut short in a copy"
        ) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, int):
        raise GrindstoneError(
            f"{path} is no record of Grindstone's; `pytest bench/` leaves them in results/"
        )
    if not 1 <= schema <= SCHEMA:
        raise GrindstoneError(
            f"{path} is a record of schema {schema}, and this Grindstone reads 1 to {SCHEMA}; "
            "compare with a newer Grindstone"
        )
    return of(path, document)


def of(path: Path, document: Mapping[str, Any]) -> Reading:
    """The record that a document is.

    Raises:
        GrindstoneError: it is not whole.
    """
    sides: dict[Side | None, dict[Name, Row]] = {}
    where = "its head"
    try:
        for index, entry in enumerate(document["results"]):
            where = f"results[{index}]"
            name = (entry["workload"], entry["device"], entry["mode"])
            rows = sides.setdefault(entry.get("side"), {})
            row = rows.setdefault(name, Row(name, entry["device_name"]))
            _add(row, entry, document)
        where = "its head"
        looks = len(document["settings"].get("looks") or [1])
        return Reading(path, document["schema"], str(document["started"]), sides, looks)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GrindstoneError(
            f"{path} is not whole: {where} lacks what a record has ({type(error).__name__}: "
            f"{error}); run `pytest bench/` to make another"
        ) from error


def _add(row: Row, entry: Mapping[str, Any], head: Mapping[str, Any]) -> None:
    why = why_not(entry)
    if why is not None:
        row.left_out.append(why)
        return
    key, median = keys.of(entry, head), float(entry["epochs"]["median"])
    if not (math.isfinite(median) and median > 0):
        raise ValueError(f"a median of {median} s")
    if row.key is not None and row.unlike is None:
        row.unlike = keys.difference(row.key, key)
    row.key = key
    row.medians[int(entry.get("process", 1))] = median
