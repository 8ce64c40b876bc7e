"""The runs of a folder, and which of them a person means.

20261121T040500Z.json       a file
20261121T04                 what a record's name begins with, where one alone does
last, -2                    the newest run, the one before it
best, best:mlp-gpu:0        the fastest run of a row, among those comparable with its newest
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.errors import RecordError, some, why
from bench.files import content
from bench.invocation import BENCHMARK, COMMAND
from bench.record import codec, store
from bench.record.comparable import Name, Row, Rows, fastest, read

_BACK = re.compile(r"-([1-9][0-9]{0,5})")
# How a record is named that nobody has named.
STAMP = re.compile(r"\d{8}T\d{6}Z")
# So many of several are named.
_NAMED = 4


class _Start(msgspec.Struct):
    """What is read of a record to order it: decoding passes over the rest."""

    started: datetime.datetime
    schema: int


@dataclass(frozen=True, slots=True)
class Run:
    """A file that holds a run, or held one before it was damaged.

    started: as its head has it; of a damaged one as its name has it.
    """

    path: Path
    started: datetime.datetime

    @property
    def name(self) -> str:
        """What it is called by: the file's name without its suffix."""
        return self.path.stem


def runs(folder: Path) -> list[Run]:
    """Those of a folder, the newest first.

    What is no record is none; a run that was killed in its first training is one.

    Raises:
        RecordError: the folder cannot be read.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(20, os.strerror(20))
        found = {path.stem: path for path in reversed(store.paths(folder))}  # .json before .jsonl
    except OSError as error:
        raise RecordError(
            f"{folder} cannot be read: {why(error)}; name another folder with --results-dir"
        ) from error
    begun = [Run(path, started) for path in found.values() if (started := _started(path))]
    return sorted(begun, key=lambda run: (run.started, run.path), reverse=True)


def resolve(words: Iterable[str], folder: Path) -> list[Path]:
    """The file of each RUN, in their order.

    folder: where the runs are that are not named by a path.

    Raises:
        RecordError: there is no such run, or there are several.
    """
    return [_resolved(word, folder) for word in words]


def _resolved(word: str, folder: Path) -> Path:
    if word == "last":
        return _back(word, 1, folder)
    if word == "best" or word.startswith("best:"):
        return _best(word, folder)
    if match := _BACK.fullmatch(word):
        return _back(word, int(match[1]), folder)
    path = Path(word).expanduser() if word.startswith("~/") else Path(word)
    if not word:
        return _beginning(word, folder)
    if path.is_dir():
        raise RecordError(f"{path} is a folder; name a record in it, or --results-dir {path} last")
    if path.exists() or path.with_suffix(codec.JOURNAL).exists():
        return path
    return _beginning(word, folder)


def _listed(folder: Path) -> str:
    """Which command lists the folder's runs."""
    other = "" if folder == Path("results") else f" --results-dir {shlex.quote(str(folder))}"
    return f"`{COMMAND} list{other}` shows them"


def _back(word: str, count: int, folder: Path) -> Path:
    """The newest run but so many."""
    found = runs(folder)
    if not found:
        raise RecordError(
            f"`{word}`: there is no run in {folder}; run `{BENCHMARK}` first, or name another "
            "folder with --results-dir"
        )
    if count > len(found):
        there = "is 1 run" if len(found) == 1 else f"are {len(found)} runs"
        raise RecordError(f"`{word}`: there {there} in {folder}; {_listed(folder)}")
    return found[count - 1].path


def _beginning(word: str, folder: Path) -> Path:
    """The one whose name begins so."""
    found = [run for run in runs(folder) if word and run.path.name.startswith(word)]
    exact = [run for run in found if word in (run.name, run.path.name)]
    if len(exact or found) == 1:
        return (exact or found)[0].path
    if not found:
        raise RecordError(
            f"no run {word!r}: there is no such file, and no record in {folder} begins with that; "
            f"{_listed(folder)}"
        )
    names = some([run.name for run in found], _NAMED)
    raise RecordError(f"{word!r} begins {len(found)} runs: {names}; write more of its name")


def _best(word: str, folder: Path) -> Path:
    """The run that is the fastest in the row that the word names, or in all that it may mean.

    What is comparable is so with the newest run in which such a row counts.
    """
    records, wanted = _readable(folder), word.partition(":")[2]
    every = {_id(name): None for record in records for name in _epochs(record)}
    rows = next(filter(None, (_counting(record, wanted) for record in records)), None)
    if rows is None:
        alike = [each for each in every if each == wanted or each.startswith(f"{wanted}-")]
        if alike or (every and not wanted):
            raise RecordError(
                f"`{word}`: no training of {', '.join(alike or every)} in {folder} counts, as none "
                f"has the verdict OK; {_listed(folder)}"
            )
        there = f"; there is {', '.join(every)}" if every else ""
        raise RecordError(f"`{word}`: no run in {folder} has such a row{there}")
    best = {row.name: fastest(row, records)[0][0][1].path for row in rows}
    if len(set(best.values())) > 1:
        told = ", ".join(f"best:{_id(name)} is {path.stem}" for name, path in best.items())
        raise RecordError(f"`{word}` is several runs: {told}; name the row")
    return next(iter(best.values()))


def _counting(record: Rows, wanted: str) -> list[Row]:
    """The rows of a record that the word may mean, and that have repeats which count."""
    rows = {_id(name): row for name, row in _epochs(record).items() if row.medians}
    if wanted in rows:
        return [rows[wanted]]
    return [row for id_, row in rows.items() if not wanted or id_.startswith(f"{wanted}-")]


def _id(name: Name) -> str:
    """`mlp-gpu:0-tuned`, as the ids of the benchmark's tests have it."""
    return f"{name.workload}-{name.device.id.replace(' ', '_')}{name.way.id}"


def _epochs(record: Rows) -> dict[Name, Row]:
    """Its rows, by what they train in: what is fastest is so in that."""
    return {name: row for name, row in record.alone.items() if name.figure == "epoch"}


def _readable(folder: Path) -> list[Rows]:
    """The runs of a folder, the newest first, without those that are damaged or two-sided."""
    found = []
    for run in runs(folder):
        with contextlib.suppress(RecordError):
            found.append(read(run.path))
    return [record for record in found if not record.two_sided]


def _started(path: Path) -> datetime.datetime | None:
    """When a run began; None for what is no record, or as yet a name alone."""
    try:
        data = content(path, codec.MOST_BYTES)
    except OSError:
        return _stamped(path)
    if path.suffix == codec.JOURNAL:
        data = data.partition(b"\n")[0]
        if not data:
            return None
    try:
        started = msgspec.json.decode(data, type=_Start).started
    except msgspec.ValidationError:
        return None
    except (ValueError, RecursionError):  # damaged: whoever means this run has to hear of that
        return _stamped(path)
    return started if started.tzinfo else None


def _stamped(path: Path) -> datetime.datetime | None:
    """When a run began by the name of its record."""
    stamp = STAMP.match(path.name)
    try:
        return stamp and datetime.datetime.strptime(f"{stamp[0]}+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return None
