"""The comparison that a `pytest bench/` ends with, where one was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.compare import command
from bench.options import Settings
from bench.record.store import SCHEMA, Record

if TYPE_CHECKING:
    from bench.compare.choice import Choose
    from bench.compare.comparison import Compared
    from bench.compare.rows import Name, Reading


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison that was asked for, looked at before anything is trained.

    against: FILE, `last` or `best`; None compares the two sides of the run.
    choose: what each row is held against; None likewise.
    passed_over: records that could not be read, a line each.
    """

    against: str | None
    choose: Choose | None
    passed_over: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A comparison as it came out.  a, b: what the two sides are, in words."""

    rows: list[Compared]
    a: str
    b: str

    @property
    def any_slower(self) -> bool:
        """Whether a row is SLOWER."""
        return command.status(self.rows) == command.SLOWER

    def text(self, *, width: int, colours: bool, encoding: str) -> str:
        """The table and the lines below it."""
        from bench.compare import table

        shown = table.text(self.rows, self.a, self.b, width=width, colours=colours)
        return table.showable(shown, encoding)


def asked(chosen: Settings) -> Asked | None:
    """What the options ask for, or None.

    Raises:
        GrindstoneError: there is nothing to compare with.
    """
    if chosen.second_worker is not None:
        return Asked(None, None)
    if chosen.against is None:
        return None
    return Asked(chosen.against, *command.baseline(chosen.against, chosen.results_dir, None))


def settled(asked: Asked, record: Record, chosen: Settings) -> set[Name]:
    """The rows that take no more processes: they are clear, or will never be."""
    return {row.name for row in made(asked, record, chosen).rows if _is_settled(row, chosen)}


def _is_settled(row: Compared, chosen: Settings) -> bool:
    from bench.compare import comparison

    two = chosen.second_worker is not None
    reach = comparison.within_reach(row, chosen.processes, in_turn=two)
    return row.word != "UNCLEAR" or not reach


def made(asked: Asked, record: Record, chosen: Settings) -> Made:
    """The comparison of what a run has recorded."""
    from bench.compare import comparison, rows

    reading = rows.of(record.path, {"schema": SCHEMA, **record.head, "results": record.results})
    if asked.choose is None or asked.against is None:
        pythons = (chosen.interpreter(side) for side in ("A", "B"))
        a, b = (_environment(reading, side, str(p)) for side, p in zip("AB", pythons, strict=True))
        return Made(comparison.between_sides(reading), a, b)
    compared = comparison.between_records(reading, asked.choose)
    a = command.in_words(asked.against, chosen.results_dir)
    return Made(compared, a, f"this run ({record.path})")


def _environment(reading: Reading, side: str, python: str) -> str:
    """An interpreter and what it trains with, where it did."""
    for row in reading.sides.get(side, {}).values():  # type: ignore[call-overload]
        if row.key is not None:
            versions = f"TensorFlow {row.key['TensorFlow']}, Keras {row.key['Keras']}"
            return f"side {side}, {python} ({versions})"
    return f"side {side}, {python}"
