"""What a run that was ended early has not trained, and the command that does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import counted, some
from bench.judge import rerun
from bench.record import codec, ending, store
from bench.record.head import Due
from bench.record.model import Record, Result, TargetResult, Training
from bench.record.repeats import Repeat
from bench.record.variant import AS_PUBLISHED

# So many are named.
_NAMED = 12


def line(record: Record) -> str | None:
    """Which trainings have not come to their end, and what trains them; None where all have."""
    left = _left(record)
    if not left:
        return None
    named = some([each.title for each in left], _NAMED)
    told = f"Not trained: {len(left)} of {len(record.due)}: {named}."
    return f"{told} To train: {_command(record, left)}"


def unfinished(path: Path, record: Record) -> Iterator[str]:
    """What is to be said first of a record whose run has not come to its end, a line each."""
    file = codec.file_of(path)
    left = "The same command goes on with it." if record.settings.experiment else line(record)
    if record.ended:
        if left and any(ending.was_interrupted(each) for each in _trained(record)):
            yield left
    elif store.is_held(file):
        coming = f", {len(_left(record))} to come" if record.due else ""
        yield f"GOES ON: {counted(len(_trained(record)), 'training')} so far{coming}"
    else:
        last = "had no room to write it whole" if file.suffix == codec.JOURNAL else "still went on"
        yield f"CUT OFF: its run was killed, lost its power, or {last}"
        if left or not record.due:
            yield left or "It does not tell what else was to be trained."


def _trained(record: Record) -> Sequence[Result | TargetResult]:
    return (*record.results, *record.time_to_target)


def _left(record: Record) -> Sequence[Due]:
    """Those behind the last that came to its end: what was left out before it has no result."""
    ended = {
        f"{_title(each)}{last}"
        for trained, to_target in ((record.results, False), (record.time_to_target, True))
        for each in trained
        if not ending.was_interrupted(each)
        for last in (", to target" if to_target else Repeat(each.repeat, each.side).suffix,)
    }
    places = [place for place, each in enumerate(record.due, start=1) if each.title in ended]
    return record.due[max(places, default=0) :]


def _title(trained: Training) -> str:
    """What it was called when it was to come: those of `all` had one title."""
    return f"{trained.workload} on {trained.device.option}{trained.way.suffix}"


def _command(record: Record, left: Sequence[Due]) -> str:
    """The same as was typed, with another choice of rows."""
    files = [each.path for each in left if each.path]
    names = " or ".join(dict.fromkeys(each.workload for each in left))
    chosen = [f"--workload={path}" for path in dict.fromkeys(files)] or ["-k", names]
    machines = (each for each in record.settings.variants if each.machines)
    host = record.settings.host
    return rerun.command([*record.words, *chosen], next(machines, AS_PUBLISHED), host=host)
