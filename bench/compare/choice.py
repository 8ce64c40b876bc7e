"""What each row of a record is held against: one record, the newest or the fastest of many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.compare import key
from bench.compare.ratio import LEAST_PROCESSES
from bench.compare.rows import Reading, Row
from bench.errors import GrindstoneError


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared in a row.

    now: the row that is judged; before: what it is held against, or None.
    why_none: why there is nothing to hold it against.
    source: where `before` is from.
    candidates: of how many rows `before` is the fastest.
    """

    now: Row
    before: Row | None
    why_none: str = ""
    source: str = ""
    candidates: int = 1


Choose = Callable[[Row], Pair]
_Found = tuple[Row, Reading]


def with_record(before: Reading) -> Choose:
    """Holds each row against the row of its name in one record.

    Raises:
        GrindstoneError: that record has two sides.
    """
    refuse_two_sides(before)

    def choose(now: Row) -> Pair:
        row = before.rows.get(now.name)
        return Pair(now, row, f"it is not in {before.path}", str(before.path))

    return choose


def with_newest(records: Sequence[Reading]) -> Choose:
    """Holds each row against the newest comparable one."""
    ordered = _newest_first(records)
    return lambda now: _from_many(now, ordered, lambda found: found[0])


def with_fastest(records: Sequence[Reading]) -> Choose:
    """Holds each row against the fastest comparable one."""
    ordered = _newest_first(records)

    def choose(now: Row) -> Pair:
        return _from_many(now, ordered, lambda found: min(found, key=_typical), fastest=True)

    return choose


def refuse_two_sides(record: Reading) -> None:
    """Refuses a record of two environments where one is meant.

    Raises:
        GrindstoneError: it is one.
    """
    if record.two_sided:
        raise GrindstoneError(
            f"{record.path} holds two environments, A and B; to compare them with each other: "
            f"python -m bench compare {record.path}"
        )


def _newest_first(records: Iterable[Reading]) -> list[Reading]:
    return sorted(records, key=lambda record: (record.started, record.path), reverse=True)


def _from_many(
    now: Row,
    records: Iterable[Reading],
    pick: Callable[[list[_Found]], _Found],
    *,
    fastest: bool = False,
) -> Pair:
    # Records of two environments are no baseline of one.
    named = [(r.rows[now.name], r) for r in records if now.name in r.rows and not r.two_sided]
    clean = [(row, record) for row, record in named if row.medians]
    found = [(row, record) for row, record in clean if why_not_alike(row, now) is None]
    if not found:
        return Pair(now, None, _why_none(now, named, clean))
    # A quick look with one process does not take the place of a baseline that has several.
    several = [each for each in found if len(each[0].medians) >= LEAST_PROCESSES]
    row, record = pick(several or found)
    candidates = len(several or found) if fastest else 1
    return Pair(now, row, source=str(record.path), candidates=candidates)


def _why_none(now: Row, named: list[_Found], clean: list[_Found]) -> str:
    if clean and now.medians:
        return f"{why_not_alike(clean[0][0], now)} (nearest: {clean[0][1].path})"
    if named:
        return f"no record has a clean row of it ({named[0][1].path}: {named[0][0].why_left_out})"
    return "no other record has it"


def _typical(found: _Found) -> float:
    return float(np.median(list(found[0].medians.values())))


def why_not_alike(before: Row, now: Row, but: Iterable[str] = ()) -> key.Difference | None:
    """What makes two rows incomparable, or None.  but: parts of the key that may differ."""
    if before.unlike or now.unlike:
        return before.unlike or now.unlike
    if before.key is None or now.key is None:
        return None
    return key.difference(before.key, now.key, but=but)
