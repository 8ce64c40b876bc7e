"""Earlier runs that a row may be compared with."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import RecordError
from bench.record import comparable
from bench.record.comparable import Rows
from bench.record.head import Head
from bench.record.model import Finished, Record
from bench.record.store import paths

# Reading takes some ms a record, and a plot with more points is not read.
_MOST = 60


@dataclass(frozen=True, slots=True)
class Past:
    """The records of a folder up to one run, the oldest first.

    head: of that run.
    """

    head: Head
    records: tuple[Rows, ...] = field(default=())

    @classmethod
    def of_folder(cls, record: Record, path: Path | None) -> Past:
        """The newest records beside one, and itself; those that cannot be read are left out."""
        found = []
        for other in paths(path.parent)[-_MOST:] if path else ():
            try:
                found.append(comparable.read(other))
            except RecordError:
                continue
        before = [each for each in found if each.head.started <= record.started]
        before.sort(key=lambda each: each.head.started)
        return cls(record, tuple(each for each in before if not each.two_sided))

    def of(self, result: Finished) -> list[tuple[str, float]]:
        """The day, and the median of a row's repeats in s, of each run that is comparable."""
        now = comparable.Row(comparable.name_of(result))
        now.add(result, self.head)
        same = [(each.head.started, each.alone.get(now.name)) for each in self.records]
        return [
            (f"{started:%m-%d %H:%M}", statistics.median(row.medians.values()))
            for started, row in same
            if row and row.medians and comparable.row_difference(row, now) is None
            if comparable.other_machine(row, now) is None
        ]
