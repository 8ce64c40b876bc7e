"""Which trainings an experiment has, which of them are there already, and training the rest."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import bench
from bench.errors import GrindstoneError, RecordError
from bench.files import content
from bench.record import codec, head
from bench.record.head import Device
from bench.record.model import Finished
from bench.record.repeats import Repeat
from bench.record.runs import runs
from bench.record.variant import Design, Variant
from bench.runner.events import Planned, RunEnded, RunStarted
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.row import Row
from bench.workloads import EVERY

if TYPE_CHECKING:
    from bench.experiment.budget import Budget
    from bench.observe.devices import Found
    from bench.options import Settings
    from bench.record.model import Record
    from bench.runner.events import Listener
    from bench.runner.session import Session
    from bench.workloads.backend import Backend
    from bench.workloads.experiments import Arm, Experiment


# When a run began is no matter to what was asked for.
_ANY_TIME = datetime.datetime(2020, 11, 23, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True, slots=True)
class Training:
    """An arm from a seed."""

    row: Row
    repeat: Repeat

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.row.title}{self.repeat.suffix}"


def row_of(arm: Arm, device: Device, backend: Backend | None = None) -> Row:
    """An arm as the row that is trained.

    Raises:
        GrindstoneError: its workload has no such part to change.
    """
    changes = msgspec.convert(arm.design, Design, from_attributes=True)
    variant = Variant(backend=backend, batch=arm.batch, design=changes).without_defaults(None)
    row = Row(EVERY[arm.workload], device, variant=variant)
    _ = row.designed  # says what it lacks
    return row


def rounds(
    experiment: Experiment, device: Device, seed: int, count: int, backend: Backend | None = None
) -> list[list[Training]]:
    """The trainings of an experiment: every arm from a seed, then from the next.

    Whenever it is interrupted, the arms then have as many seeds each, but for one.
    """
    rows = [row_of(arm, device, backend) for arm in experiment.arms]
    seeds = [(number, (seed + number - 1) % 2**32) for number in range(1, count + 1)]
    return [[Training(row, Repeat(number, seed=each)) for row in rows] for number, each in seeds]


def not_trained(
    trainings: Sequence[Sequence[Training]], record: Record | None
) -> list[list[Training]]:
    """Those that a record does not have, by round, without the rounds that it has whole."""
    there = {
        (each.workload, each.way, each.seed)
        for each in (record.results if record else ())
        if isinstance(each, Finished)
    }
    kept = [
        [t for t in each if (t.row.workload.name, t.row.way, t.repeat.seed) not in there]
        for each in trainings
    ]
    return [each for each in kept if each]


def run_to_resume(settings: Settings, found: Found) -> tuple[Path, Record] | None:
    """The newest run of the same experiment, asked for alike, on this machine."""
    from bench.observe.devices import describe_machine
    from bench.runner.head import head_of

    wanted = _alike(head_of(settings, found, (), _ANY_TIME).settings)
    host = describe_machine(found).host
    for run in runs(settings.results_dir):
        if not _may_be(run.path, settings):
            continue
        with contextlib.suppress(RecordError):
            record = codec.read(run.path)
            same = record.machine.host == host and record.grindstone == bench.__version__
            if same and _alike(record.settings) == wanted:
                return run.path, record
    return None


def _alike(settings: head.Settings) -> head.Settings:
    """Settings without what may differ where a run is gone on with."""
    return msgspec.structs.replace(
        settings,
        repeats=1,
        interim_checks=(1,),
        limits=DEFAULT_LIMITS,
        rerun_options=tuple(
            each for each in settings.rerun_options if not each.startswith("--limit")
        ),
    )


def _may_be(path: Path, settings: Settings) -> bool:
    """Whether a file is worth reading: it names the experiment."""
    assert settings.experiment is not None
    with contextlib.suppress(OSError):
        return settings.experiment.name.encode() in content(path, codec.MOST_BYTES)
    return False


def train(
    session: Session, coming: Sequence[Sequence[Training]], budget: Budget, listener: Listener
) -> bool:
    """Trains, and says whether all was trained.

    budget: no round begins that would not end within it, as long as the longest so far took.
    """
    listener(RunStarted(tuple(_planned(session, coming))))
    longest, whole = 0.0, True
    for number, trainings in enumerate(coming):
        at = time.monotonic()
        if number and not budget.has_room_for(longest):
            whole = False
            break
        for each in trainings:
            results = session.train(each.row, each.repeat)
            if not results:
                raise GrindstoneError(f"{each.title}: {session.why_left_out(each.row)}")
        longest = max(longest, time.monotonic() - at)
    listener(RunEnded())
    return whole


def _planned(session: Session, coming: Sequence[Sequence[Training]]) -> Iterator[Planned]:
    for each in (training for trainings in coming for training in trainings):
        schedule = each.row.schedule(session.settings.schedule(each.row.workload))
        yield Planned(each.title, schedule.epochs)
