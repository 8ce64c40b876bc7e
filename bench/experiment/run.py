"""One experiment from its options to its answer."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import GrindstoneError
from bench.experiment import budget, trainings
from bench.experiment.trainings import Training
from bench.observe import devices
from bench.observe.devices import Found
from bench.options import Settings, read_settings
from bench.page.closing import Closing, close
from bench.record.head import Experiment as Asked
from bench.record.model import Failed, Record
from bench.record.store import RecordFile
from bench.report import progress, summary
from bench.report.format import Screen
from bench.runner.head import PACKAGES
from bench.runner.session import Session
from bench.workloads.experiments import Experiment

_MOST = 1_000_000


def train_and_answer(made: Experiment, options: argparse.Namespace) -> int:
    """Trains an experiment, prints what came of it and returns the exit status.

    Raises:
        GrindstoneError: an option is wrong, or something cannot be trained or recorded.
    """
    found = devices.find()
    settings = settings_of(made, options, found)
    (device,) = settings.devices
    backend = settings.variants[0].backend
    every = trainings.rounds(made, device, settings.seed, settings.repeats, backend)
    before = None if options.anew else trainings.run_to_resume(settings, found)
    coming = trainings.not_trained(every, before[1] if before else None)
    if before:
        _say_what_is_there(every, coming, before[0])
        if not coming:
            return _shown(before[1], before[0])
    resumed = RecordFile.reopened(before[0]) if before else None
    listener = progress.on_stream(sys.stderr)
    session = Session(settings, found, PACKAGES, listener, resumed)
    try:
        session.check_data(each.row for each in every[0])
        session.begin()
        whole = trainings.train(session, coming, budget.of(options, device), listener)
    except BaseException as error:
        closing = close(session, None)  # what came to its end is kept, and gone on with
        if closing and isinstance(error, KeyboardInterrupt):
            print("bench: the same command goes on from here", file=sys.stderr)
        raise
    finally:
        session.clean()
    return _told(close(session, None), whole=whole)


def settings_of(made: Experiment, options: argparse.Namespace, found: Found) -> Settings:
    """What a run of the experiment has: its options, and of one device alone.

    Raises:
        GrindstoneError: an option is wrong.
    """
    settings = read_settings(options, found)
    settings = dataclasses.replace(settings, devices=(settings.one_device(found),))
    if len(settings.backends) != 1:
        raise GrindstoneError("an experiment trains on one backend; name one with --backend")
    seeds = _in_range("--seeds", options.seeds) or made.seeds
    images = _in_range("--images", options.images)
    return dataclasses.replace(
        settings,
        epochs=settings.epochs or made.epochs,
        images=images or made.images,
        interim_checks=(seeds,),
        learning_curve=True,
        judge_training=True,
        experiment=Asked(name=made.name, epochs=settings.epochs, images=images),
    )


def _in_range(option: str, value: int | None) -> int | None:
    if value is not None and not 1 <= value <= _MOST:
        raise GrindstoneError(f"{option} {value} is out of range; give a number from 1 to {_MOST}")
    return value


def _say_what_is_there(
    every: Sequence[Sequence[Training]], coming: Sequence[Sequence[Training]], path: Path
) -> None:
    all_of_it, missing = (sum(map(len, each)) for each in (every, coming))
    print(
        f"bench: {all_of_it - missing} of {all_of_it} trainings are in {path} and are kept "
        "(--anew trains all of them)",
        file=sys.stderr,
    )


def _shown(record: Record, path: Path) -> int:
    screen = Screen.of(sys.stdout)
    print(summary.text(record, path, screen, verbose=False), end="")
    return _status(record)


def _told(closing: Closing | None, *, whole: bool) -> int:
    assert closing is not None, "at least one training was recorded"
    for _, text in closing.sections(Screen.of(sys.stdout), verbose=False):
        print(text, end="")
    if not whole:
        print("bench: the time was up; run it again, and it goes on", file=sys.stderr)
    for problem in closing.problems:
        print(f"bench: {problem}", file=sys.stderr)
    return max(_status(closing.ending.record), 0 if closing.is_well else 1)


def _status(record: Record) -> int:
    return int(any(isinstance(each, Failed) for each in record.results))
