"""What a record is compared with: a file, the last comparable record, or the fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import GrindstoneError, RecordError
from bench.invocation import BENCHMARK, COMMAND
from bench.record.comparable import Row, Rows, comparable, fastest, read
from bench.record.store import paths


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared in a row.

    now: the row that is judged; before: its baseline, or None.
    candidates: of how many rows `before` is the fastest.
    """

    now: Row
    before: Row | None
    why_none: str = ""
    source: str = ""
    candidates: int = 1


Choose = Callable[[Row], Pair]


def baseline(against: str, folder: Path, now: Rows | None) -> tuple[Choose, list[str]]:
    """What `against` means, a file, `last` or `best`, and which files could not be read.

    now: the record that is judged; only older ones count as `last`, and any other as `best`.

    Raises:
        GrindstoneError: the file cannot be read, or there is no record in the folder.
    """
    if against not in ("last", "best"):
        return _from_record(read(Path(against))), []
    records, damaged = [], []
    for path in paths(folder):
        if now is not None and path.with_suffix("").resolve() == now.path.with_suffix("").resolve():
            continue
        try:
            records.append(read(path))
        except RecordError as error:  # one bad file must not take the good ones with it
            damaged.append(str(error))
    if not records:
        told = f" ({damaged[0]})" if damaged else ""
        raise GrindstoneError(
            f"there is no record in {folder} to compare with{told}; run `{BENCHMARK}` first, "
            "or name another folder with --results-dir"
        )
    newest = sorted(records, key=lambda record: (record.head.started, record.path), reverse=True)
    if against == "best":
        return lambda row: _fastest(row, newest), damaged
    earlier = [each for each in newest if now is None or each.head.started <= now.head.started]
    return lambda row: _newest(row, earlier), damaged


def in_words(against: str, folder: Path) -> str:
    """What `against` means, for a heading."""
    meant = {"last": "the last comparable record", "best": "the fastest comparable record"}
    return f"{meant[against]} of each row in {folder}" if against in meant else against


def refuse_two_sides(record: Rows) -> None:
    """Refuses a record of two environments where one is meant.

    Raises:
        GrindstoneError: it is one.
    """
    if record.two_sided:
        raise GrindstoneError(
            f"{record.path} holds two environments, A and B; to compare them with each other: "
            f"{COMMAND} compare {record.path}"
        )


def _from_record(before: Rows) -> Choose:
    refuse_two_sides(before)
    none = f"it is not in {before.path}"
    return lambda now: Pair(now, before.alone.get(now.name), none, str(before.path))


def _newest(now: Row, records: Sequence[Rows]) -> Pair:
    found, why = comparable(now, records)
    if not found:
        return Pair(now, None, why)
    return Pair(now, found[0][0], source=str(found[0][1].path))


def _fastest(now: Row, records: Sequence[Rows]) -> Pair:
    found, why = fastest(now, records)
    if not found:
        return Pair(now, None, why)
    row, record = found[0]
    return Pair(now, row, source=str(record.path), candidates=len(found))
