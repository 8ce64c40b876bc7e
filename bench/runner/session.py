"""One run: its settings, its data, its record, and the trainings in it."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from bench.datasets.prepared import Prepared
from bench.errors import GrindstoneError, RecordError, UnableError, lines, unforeseen
from bench.judge.bottleneck import with_bottlenecks
from bench.observe import devices
from bench.observe.devices import Found
from bench.observe.telemetry import GpuMonitor, idle_power
from bench.options import Settings
from bench.record.head import Device, Due
from bench.record.measured import Measured
from bench.record.model import Failed, Finished, Record, Result, TargetResult, TimeToTarget
from bench.record.repeats import ALONE, Repeat
from bench.record.store import RecordFile, new_path
from bench.record.variant import Way
from bench.runner import film, result, time_to_target
from bench.runner.compilation import compile_first
from bench.runner.events import Listener, Phase, RowEnded, RowLeftOut, RowStarted, ignore
from bench.runner.head import head_of
from bench.runner.result import DeviceRun
from bench.runner.row import Row
from bench.runner.saved import ModelSaver
from bench.runner.scratch import Scratch
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import Schedule, Workload

_R = TypeVar("_R", Finished, TimeToTarget)


@dataclass(frozen=True, slots=True)
class _Training:
    """What is trained: a row's repeat, for so many epochs at most, on one device or on several."""

    row: Row
    repeat: Repeat
    title: str
    schedule: Schedule
    runs: tuple[DeviceRun, ...]


class Session:
    """Holds what all trainings of a run share.  Use it as a context manager.

    versions: names of the packages whose versions the record tells; resumed: the record that this
        run goes on with, instead of one of its own.
    """

    def __init__(
        self,
        settings: Settings,
        found: Found,
        versions: Sequence[str] = (),
        listener: Listener = ignore,
        resumed: RecordFile | None = None,
    ) -> None:
        self.settings, self._resumed = settings, resumed
        self._found = found
        self._listener = listener
        self._left_out: dict[tuple[str, Way], str] = {}
        self._due: tuple[Due, ...] = ()
        self._words: tuple[str, ...] = ()
        self._machines_lost = ""
        self._idle: dict[Device, Measured[float]] = {}
        self._scratch = Scratch()
        self._store = settings.store(self._scratch.path)
        self._versions = versions
        self._started = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

    @cached_property
    def record(self) -> RecordFile:
        """The record of this run; its file appears with the first result."""
        if self._resumed:
            return self._resumed
        head = head_of(self.settings, self._found, self._versions, self._started)
        told = replace(head, due=self._due, words=self._words)
        return RecordFile(new_path(self.settings.results_dir, self._started), told)

    @cached_property
    def _saver(self) -> ModelSaver | None:
        """Saves the networks; None where nobody asked for them."""
        if not self.settings.save_models:
            return None
        return ModelSaver(self.record.path, self._scratch.path, self.settings.seed)

    def __enter__(self) -> Session:
        try:
            self.begin()
        except BaseException:
            self.clean()
            raise
        return self

    def begin(self, due: Sequence[Due] = (), words: Sequence[str] = ()) -> None:
        """Looks at what every training needs, and claims the record's name: call it once, first.

        due, words: all that is to be trained and what it was asked for by, as the record has them.

        Raises:
            GrindstoneError: an interpreter cannot train, or nothing can be recorded.
        """
        self._due, self._words = tuple(due), tuple(words)
        self.settings.check_workers()
        self.record.begin()

    def __exit__(self, *_error: object) -> None:
        try:
            self.finish()
        finally:
            self.clean()

    def finish(self) -> Record:
        """Writes the record whole, with what limits each training, and returns it.

        Raises:
            RecordError: it cannot be written; what was written before is whole.
        """
        results = with_bottlenecks(self.record.results, self.settings.rerun_options)
        self.record.close(results)
        return Record.of(self.record.record, results, self.record.time_to_target)

    def clean(self) -> None:
        """Removes the temporary arrays and logs."""
        self._scratch.clean()
        self._store.close()

    def check_data(self, rows: Iterable[Row]) -> None:
        """Reads what a person brought, before anything is trained.

        Raises:
            DataError: it cannot be used, or no row is trained on it.
        """
        self._store.check(row.workload for row in rows if isinstance(row.workload, Workload))

    def train(self, row: Row, repeat: Repeat = ALONE) -> tuple[Result, ...]:
        """Trains a row in a fresh worker, and records what came of it: finished, or failed.

        A device that stands for several is trained on with a worker each, at the same time, and
        gives a result each.  There is none where the mode cannot train it (`why_left_out`).

        Raises:
            GrindstoneError: it could not be recorded.
        """
        schedule = row.schedule(self.settings.schedule(row.workload))
        return self._recorded(row, repeat, row.title, schedule, self._train, self.record.add)

    def why_left_out(self, row: Row) -> str | None:
        """Why a row's mode cannot train it, as far as that is known."""
        return self._left_out.get((row.workload.name, row.way))

    def train_to_target(self, row: Row, repeat: Repeat = ALONE) -> TargetResult:
        """Trains a row from several seeds, each until its targets are reached, and records it.

        Raises:
            GrindstoneError: it could not be recorded.
        """
        (one,) = self._recorded(
            row,
            repeat,
            f"{row.title}, to target",
            time_to_target.schedule(row.published, self.settings.profile),
            self._train_to_target,
            self.record.add_time_to_target,
        )
        return one

    def _recorded(
        self,
        row: Row,
        repeat: Repeat,
        title: str,
        schedule: Schedule,
        train: Callable[[_Training, Prepared | None], tuple[_R, ...]],
        add: Callable[[_R | Failed], None],
    ) -> tuple[_R | Failed, ...]:
        """Trains and records what came of it, be it a failure or an interrupt."""
        begun, prepared = time.perf_counter(), None
        own = devices.per_device(row.device, self._found.devices)
        runs = tuple(DeviceRun(device, self.settings.rerun_options) for device in own)
        shown = f"{title}{repeat.suffix}"
        self._listener(RowStarted(shown, schedule.epochs, row.is_error))
        results: tuple[_R | Failed, ...]
        try:
            if told := self.why_left_out(row):
                raise UnableError(told)
            if row.way.variant.machines and self._machines_lost:
                raise GrindstoneError(f"{row.title}: not trained: {self._machines_lost}")
            prepared = self._prepare(row.designed, schedule)
            results = train(_Training(row, repeat, title, schedule, runs), prepared)
        except UnableError as error:
            told = lines(error)
            self._left_out[row.workload.name, row.way] = told
            self._listener(RowLeftOut(shown, told))
            return ()
        except GrindstoneError as error:
            if row.way.variant.machines:  # nobody comes back, and to wait for them takes minutes
                self._machines_lost = self._machines_lost or str(error).splitlines()[0]
            results = (result.failed(row, repeat, lines(error), prepared, runs),)
        except Exception as error:  # whatever it is: the row is recorded and the next one trains
            reason = f"{title}: {unforeseen(error)}"
            results = (result.failed(row, repeat, reason, prepared, runs),)
        except BaseException as error:  # Ctrl-C, a signal, pytest's own ways to end a test
            with contextlib.suppress(RecordError):  # the interrupt is what has to get through
                add(result.failed(row, repeat, result.interrupted(title, error), prepared, runs))
            raise
        self._listener(RowEnded(shown, results, time.perf_counter() - begun))
        for each in results:
            try:
                add(each)
            except RecordError as error:
                if isinstance(each, Failed):
                    raise GrindstoneError(f"{each.reason}\n{error}") from error
                raise
        return results

    def prepare(self, workload: Workload, schedule: Schedule) -> Prepared:
        """The data of a workload as files, or a DataError."""
        self._listener(Phase(f"{workload.dataset} data"))
        return self._store.prepare(workload, schedule)

    def _prepare(self, workload: Workload | OwnWorkload, schedule: Schedule) -> Prepared | None:
        """The data as files; None where the workload's own file has them, for the worker to run."""
        if isinstance(workload, OwnWorkload):
            return None
        return self.prepare(workload, schedule)

    def _train(self, training: _Training, prepared: Prepared | None) -> tuple[Finished, ...]:
        row, runs = training.row, training.runs
        job = self._job(training, prepared)
        with self._workers(training, job, prepared) as workers:
            epochs = [worker.epochs() for worker in workers]
            for run, coming in zip(runs, epochs, strict=True):
                run.epochs.append(next(coming))
            for run, worker in zip(runs, workers, strict=True):
                others = [other.pid for other in workers if other is not worker]
                run.host.begin(worker.pid, *others)
                if run.gpu:
                    run.gpu.worker = worker.pid  # inside a container it was not known before
            for worker in workers:
                worker.go_on()
            for run, coming in zip(runs, epochs, strict=True):
                # All train whether or not their epochs are read: one is read after the other.
                for epoch in coming:
                    run.epochs.append(epoch)
                if run is runs[0]:
                    for each in runs:
                        each.host.end()
            for run, worker in zip(runs, workers, strict=True):
                run.outcome = worker.outcome(run.hear(worker.pid))
        runs[0].film = film.of(row, training.repeat, self.record.path, job.frames)
        floor, saver = result.floors_of(row, prepared, self.settings), self._saver
        made = [
            result.finished(row, training.repeat, prepared, floor, run, _without(run, runs))
            for run in runs
        ]
        return tuple(
            saver.save(each, row.designed, prepared, run) if saver else each
            for each, run in zip(made, runs, strict=True)
        )

    def _train_to_target(
        self, training: _Training, prepared: Prepared | None
    ) -> tuple[TimeToTarget, ...]:
        (run,) = training.runs
        workload, profile = training.row.published, self.settings.profile
        assert prepared is not None
        floor = result.published_bounds(workload, prepared, profile)
        goal = time_to_target.Goal(
            time_to_target.targets(workload, profile, floor),
            # What is trained for longer than the profile has it may be as good as in the longest.
            result.published_bounds(workload, prepared, "full").bound,
            training.schedule.epochs,
            time_to_target.seeds(self.settings.seed),
        )
        job = self._job(training, prepared, target=goal.targets[-1], seeds=goal.seeds)
        with self._workers(training, job, prepared) as (worker,):
            for epoch in worker.epochs():
                if not run.epochs:
                    run.host.begin(worker.pid)
                run.epochs.append(epoch)
            run.host.end()
            run.outcome = worker.outcome()
        return (time_to_target.finished(training.row, training.repeat, prepared, goal, run),)

    def _job(
        self,
        training: _Training,
        prepared: Prepared | None,
        target: float | None = None,
        seeds: tuple[int, ...] = (),
    ) -> Job:
        row, variant = training.row, training.row.way.variant
        cluster = self.settings.cluster if variant.machines else None
        curve = self.settings.learning_curve and not seeds
        alone = not (cluster or training.runs[1:])
        return Job(
            row.workload.name,
            is_gpu=row.device.is_gpu,
            epochs=training.schedule.epochs,
            seed=training.repeat.seed_of(self.settings.seed),
            data=prepared.files if prepared else {},
            mode=row.mode,
            evaluate_after=tuple(range(1, training.schedule.epochs + 1)) if curve else (),
            replicas=devices.replicas(row.device),
            wait=len(training.runs) > 1,
            target=target,
            seeds=seeds,
            batch=row.batch,
            precision=variant.precision,
            xla=bool(variant.xla),
            steps=variant.steps or 1,
            own=row.own_file,
            classes=prepared.dataset.classes if prepared else None,
            design=row.changes,
            judge_training=curve or self.settings.judge_training,
            backend=variant.backend or "tensorflow",
            cluster=cluster.job if cluster else None,
            frames=film.folder(row, self._scratch.path) if alone and curve else "",
            inference=None if seeds or cluster or row.device.group else self.settings.inference,
        )

    @contextlib.contextmanager
    def _workers(
        self, training: _Training, job: Job, prepared: Prepared | None
    ) -> Iterator[tuple[WorkerProcess, ...]]:
        """A running worker for each of the training's devices, its GPU being watched."""
        folder = self._scratch.path
        python = self.settings.interpreter(training.repeat.side)
        workers: list[WorkerProcess] = []
        launches = [
            Launch(
                training.title.replace(training.row.device.id, run.device.id),
                run.device,
                python,
                self.settings.limits,
                folder,
                self.settings.worker_image,
                _read_by(training.row.workload, prepared),
            )
            for run in training.runs
        ]
        for launch in launches:
            compile_first(self.settings, self._found.driver, job, launch, self._listener)
        with contextlib.ExitStack() as stack:
            for run in training.runs:  # all of them are idle before the first worker starts
                run.gpu = self._monitor(run.device)
            for run, launch in zip(training.runs, launches, strict=True):
                assert run.gpu is not None
                gpu = stack.enter_context(run.gpu)
                # Of several, one tells how far they are.
                asked = self._saver.asked_for(job, run.device) if self._saver else job
                worker = WorkerProcess(asked, launch, ignore if workers else self._listener)
                workers.append(stack.enter_context(worker))
                gpu.worker = worker.pid
            yield tuple(workers)

    def _monitor(self, device: Device) -> GpuMonitor:
        """What watches a training on a device; idle power is measured before the first one."""
        if not device.is_gpu:
            return GpuMonitor(device, None)
        import pynvml

        if device not in self._idle:
            self._listener(Phase("the idle GPU's power"))
            self._idle[device] = idle_power(device, pynvml)
        return GpuMonitor(device, pynvml, idle=self._idle[device])


def _read_by(workload: Workload | OwnWorkload, prepared: Prepared | None) -> tuple[Path, ...]:
    """The folders that a worker reads, besides the run's own."""
    if isinstance(workload, OwnWorkload):
        return (workload.path.resolve().parent,)
    return (prepared.pictures.folder,) if prepared and prepared.pictures else ()


def _without(run: DeviceRun, runs: Sequence[DeviceRun]) -> list[DeviceRun]:
    return [each for each in runs if each is not run]
