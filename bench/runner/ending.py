"""What a run came to, when all is trained or something has ended it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.errors import RecordError
from bench.record.model import Record
from bench.runner.session import Session


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run came to.

    path: of the record, or None where nothing could be written.
    problem: why the record could not be written whole, or None.
    """

    record: Record
    path: Path | None
    problem: str | None = None


def end(session: Session) -> Ending | None:
    """Writes the record whole; None where nothing was trained."""
    file = session.record
    if not (file.results or file.time_to_target):
        file.close()
        return None
    try:
        return Ending(session.finish(), file.path if file.written else None)
    except RecordError as error:
        return Ending(file.record, file.journal, str(error))
