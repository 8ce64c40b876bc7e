"""One `pytest bench/`: its settings, its data, its record, and the trainings in it."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import bench
from bench import options
from bench.datasets.prepared import Prepared, Store
from bench.errors import GrindstoneError, RecordError
from bench.judge import bridge
from bench.judge.floors import Bounds, bounds, read_evidence
from bench.observe import machine
from bench.observe.devices import Device, Found
from bench.observe.gpu.idle import idle_power
from bench.observe.gpu.telemetry import GpuMonitor
from bench.record.measured import Measured
from bench.record.repeats import ALONE, Process
from bench.record.store import Record, new_path
from bench.record.timing import EpochTiming, Timings
from bench.runner import time_to_target
from bench.runner.attempt import Attempt
from bench.runner.run import Run
from bench.runner.supervisor import Event, Job, Listener, Outcome, Training
from bench.runner.time_to_target import ToTarget, Trial
from bench.workloads.workload import Mode, ProfileName, Schedule, Workload

# Takes the epochs as they come and how many there will be: where pytest-benchmark looks on.
Watch = Callable[[Iterator[EpochTiming], int], None]


@dataclass
class Session:
    """Holds what all trainings of a run share.  Nothing is made before the first one."""

    chosen: options.Settings
    found: Found
    versions: dict[str, str]

    def __post_init__(self) -> None:
        self._started = datetime.datetime.now(datetime.timezone.utc)
        self._folder = tempfile.TemporaryDirectory(prefix="grindstone-", ignore_cleanup_errors=True)
        self._worker_checked = False
        self._idle: dict[str, Measured[float]] = {}
        chosen = self.chosen
        self._store = Store(
            Path(self._folder.name), chosen.data_dir, chosen.cache_dir, synthetic=chosen.synthetic
        )

    @cached_property
    def record(self) -> Record:
        """The record of this run; its file appears with the first entry."""
        return Record(new_path(self.chosen.results_dir, self._started), self._head())

    def train(
        self,
        workload: Workload,
        device: Device,
        listener: Listener,
        watch: Watch,
        mode: Mode = "stock",
        process: Process = ALONE,
    ) -> Run:
        """Trains a workload on a device in a fresh worker and records what came of it.

        A device that stands for several is trained on with a worker each, at the same time; the
        others' runs are the first one's `beside`.

        Raises:
            GrindstoneError: it could not be trained, or not recorded; the failure is recorded too.
        """
        attempt = Attempt(workload, device, mode, process)
        with _failure_kept(attempt, self.record.add):
            schedule = workload.schedules[self.chosen.profile]
            attempt.prepared = self._prepare(workload, schedule, listener)
            runs = self._trained(attempt, attempt.prepared, listener, watch)
        for run in runs:
            entry = run.entry()
            bridge.fill([*self.record.results, entry])  # a stock row learns of its tuned one
            self.record.add(entry)
        return runs[0]

    def train_to_target(
        self,
        workload: Workload,
        device: Device,
        listener: Listener,
        mode: Mode = "stock",
        process: Process = ALONE,
    ) -> ToTarget:
        """Trains a workload from several seeds, each until its targets are reached.

        Raises:
            GrindstoneError: it could not be trained, or not recorded; the failure is recorded too.
        """
        attempt = Attempt(workload, device, mode, process, to_target=True)
        with _failure_kept(attempt, self.record.add_to_target):
            schedule = time_to_target.schedule(workload, self.chosen.profile)
            attempt.prepared = self._prepare(workload, schedule, listener)
            done = self._trained_to_target(attempt, attempt.prepared, listener)
        self.record.add_to_target(done.entry())
        return done

    def close(self) -> None:
        """Removes the temporary arrays and logs."""
        self._folder.cleanup()
        self._store.close()

    def _prepare(self, workload: Workload, schedule: Schedule, listener: Listener) -> Prepared:
        if not self._worker_checked:
            options.check_worker(self.chosen)
            self._worker_checked = True
        listener({"event": "phase", "name": f"{workload.dataset} data"})
        return self._store.prepare(workload, schedule)

    def _trained(
        self, attempt: Attempt, prepared: Prepared, listener: Listener, watch: Watch
    ) -> list[Run]:
        workload, mode = attempt.workload, attempt.mode
        held = _bounds(workload, prepared, self.chosen.profile)
        epochs = workload.schedules[self.chosen.profile].epochs
        job = self._job(attempt, prepared, epochs)
        outcomes: list[Outcome] = []
        with self._workers(attempt, job, listener) as trainings:
            timed = _together(trainings)
            timed[0] = attempt.looked_at(timed[0], epochs, [each.pid for each in trainings])
            for place, training, each in zip(attempt.places, trainings, timed, strict=True):
                (_drain if outcomes else watch)(_kept(each, place.timings), epochs)
                outcomes.append(training.finish())
        runs = []
        for place, outcome in zip(attempt.places, outcomes, strict=True):
            timings, seen = Timings(tuple(place.timings)), place.seen()
            what = (workload, place.device, prepared, timings, outcome, held)
            runs.append(Run(*what, *seen, mode, attempt.process))
        return [replace(run, beside=tuple(r for r in runs if r is not run)) for run in runs]

    def _trained_to_target(
        self, attempt: Attempt, prepared: Prepared, listener: Listener
    ) -> ToTarget:
        workload, profile = attempt.workload, self.chosen.profile
        wanted = time_to_target.targets(workload, profile, _bounds(workload, prepared, profile))
        most = time_to_target.schedule(workload, profile).epochs
        seeds = tuple((self.chosen.seed + more) % 2**32 for more in range(time_to_target.SEEDS))
        job = replace(self._job(attempt, prepared, most), target=wanted[-1], seeds=seeds)
        trials = {seed: Trial(seed) for seed in seeds}
        (place,) = attempt.places
        with self._workers(attempt, job, listener) as (training,):
            for seed, timing, quality in training.trials():
                if not place.timings:
                    place.conditions.begin(training.pid)
                place.timings.append(timing)
                trials[seed].add(timing, quality)
            place.conditions.end()
            outcome = training.finish()
        watched = place.telemetry if place.device.uuid else None
        return ToTarget(
            attempt,
            prepared,
            tuple(trials.values()),
            wanted,
            most,
            # What is trained for longer than the profile has it may be as good as in the longest.
            _bounds(workload, prepared, "full").bound,
            outcome,
            *place.seen(),
            watched.energy_on_the_clock if watched else time_to_target.unwatched,
        )

    def _job(self, attempt: Attempt, prepared: Prepared, epochs: int) -> Job:
        return Job(
            attempt.workload,
            attempt.device,
            epochs,
            self.chosen.seed,
            len(prepared.dataset.train),
            prepared.files,
            mode=attempt.mode,
        )

    @contextlib.contextmanager
    def _workers(self, attempt: Attempt, job: Job, listener: Listener) -> Iterator[list[Training]]:
        """A running worker for each of the attempt's places, its GPU being watched."""
        places, folder = attempt.places, Path(self._folder.name)
        python = self.chosen.interpreter(attempt.process.side)
        with contextlib.ExitStack() as stack:
            for place in places:  # all of them are idle before the first worker starts
                place.telemetry = self._telemetry(place.device, listener)
            trainings: list[Training] = []
            for place in places:
                assert place.telemetry is not None
                telemetry = stack.enter_context(place.telemetry)
                own = replace(job, device=place.device, wait=len(places) > 1)
                heard = _ignored if trainings else listener  # a bar shows one training
                training = Training(own, python, self.chosen.limits, folder, heard)
                trainings.append(stack.enter_context(training))
                telemetry.worker = training.pid
            yield trainings

    def _telemetry(self, device: Device, listener: Listener) -> GpuMonitor:
        """What watches a training on a device; idle power is measured before the first one."""
        if device.uuid is None:
            return GpuMonitor(device, None)
        import pynvml

        if device.uuid not in self._idle:
            listener({"event": "phase", "name": "the idle GPU's power"})
            self._idle[device.uuid] = idle_power(device, pynvml)
        return GpuMonitor(device, pynvml, idle=self._idle[device.uuid])

    def _head(self) -> dict[str, Any]:
        chosen = self.chosen
        return {
            "grindstone": bench.__version__,
            "started": self._started.isoformat(timespec="seconds"),
            "machine": machine.describe(self.found),
            "plan": {"stack": chosen.plan.stack, "tensorflow": chosen.plan.tensorflow}
            if chosen.plan
            else None,
            "settings": {
                "profile": chosen.profile,
                "devices": chosen.devices_asked_for,
                "modes": list(chosen.modes) if chosen.modes else None,
                "inputs": list(chosen.inputs),
                "time_to_target": chosen.time_to_target,
                "data_dir": str(chosen.data_dir) if chosen.data_dir else None,
                "synthetic": chosen.synthetic,
                "seed": chosen.seed,
                "limits": asdict(chosen.limits),
                "worker_python": str(chosen.worker_python),
                "second_worker": str(chosen.second_worker) if chosen.second_worker else None,
                "processes": chosen.processes,
                "looks": list(chosen.looks),
                "against": chosen.against,
            },
            "versions": {"python": platform.python_version(), **self.versions},
        }


@contextlib.contextmanager
def _failure_kept(attempt: Attempt, keep: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Keeps what became of an attempt that fails or is interrupted; the error goes on."""
    try:
        yield
    except GrindstoneError as error:
        try:
            keep(attempt.failed(str(error)))
        except RecordError as unrecorded:
            raise GrindstoneError(f"{error}\n{unrecorded}") from error
        raise
    except KeyboardInterrupt:
        with contextlib.suppress(RecordError):  # the interrupt is what has to get through
            keep(attempt.failed(f"{attempt.title}: interrupted"))
        raise


def _bounds(workload: Workload, prepared: Prepared, profile: ProfileName) -> Bounds:
    data = prepared.dataset
    return bounds(workload, data.kind, profile, data.baselines, read_evidence())


def _kept(epochs: Iterator[EpochTiming], kept: list[EpochTiming]) -> Iterator[EpochTiming]:
    for epoch in epochs:
        kept.append(epoch)
        yield epoch


def _together(trainings: list[Training]) -> list[Iterator[EpochTiming]]:
    """The epochs of each training; where there are several, all begin their second one now.

    They train whether or not their epochs are read, so one can be read after the other.
    """
    timed = [training.epochs() for training in trainings]
    if len(trainings) == 1:
        return timed
    first = [next(epochs) for epochs in timed]
    for training in trainings:
        training.go_on()
    return [itertools.chain([epoch], rest) for epoch, rest in zip(first, timed, strict=True)]


def _drain(epochs: Iterator[EpochTiming], _count: int) -> None:
    for _ in epochs:
        pass


def _ignored(_event: Event) -> None:
    return
