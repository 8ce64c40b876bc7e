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
from bench import held_back, machine, settings
from bench.datasets.prepared import Prepared, Store
from bench.devices import Device, Found
from bench.errors import GrindstoneError, RecordError
from bench.floors import bounds, read_evidence
from bench.results import Record, new_path
from bench.run import Run, failed_entry
from bench.timing import EpochTiming, Timings
from bench.trainer import Event, Job, Listener, Training, title
from bench.workloads.workload import Mode, Workload

# Takes the epochs as they come and how many there will be: where pytest-benchmark looks on.
Watch = Callable[[Iterator[EpochTiming], int], None]


@dataclass
class Session:
    """Holds what all trainings of a run share.  Nothing is made before the first one."""

    chosen: settings.Settings
    found: Found
    versions: dict[str, str]

    def __post_init__(self) -> None:
        self._started = datetime.datetime.now(datetime.timezone.utc)
        self._folder = tempfile.TemporaryDirectory(prefix="grindstone-", ignore_cleanup_errors=True)
        self._worker_checked = False
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
    ) -> Run:
        """Trains a workload on a device in a fresh worker and records what came of it.

        A device that stands for several is trained on with a worker each, at the same time; the
        others' runs are the first one's `beside`.

        Raises:
            GrindstoneError: it could not be trained, or not recorded; the failure is recorded too.
        """
        prepared = None
        try:
            prepared = self._prepare(workload, listener)
            runs = self._trained(workload, device, mode, prepared, listener, watch)
        except GrindstoneError as error:
            try:
                self.record.add(failed_entry(workload, device, prepared, str(error), mode))
            except RecordError as unrecorded:
                raise GrindstoneError(f"{error}\n{unrecorded}") from error
            raise
        except KeyboardInterrupt:
            reason = f"{title(workload, device, mode)}: interrupted"
            with contextlib.suppress(RecordError):  # the interrupt is what has to get through
                self.record.add(failed_entry(workload, device, prepared, reason, mode))
            raise
        for run in runs:
            entry = run.entry()
            held_back.fill([*self.record.results, entry])  # a stock row learns of its tuned one
            self.record.add(entry)
        return runs[0]

    def close(self) -> None:
        """Removes the temporary arrays and logs."""
        self._folder.cleanup()
        self._store.close()

    def _prepare(self, workload: Workload, listener: Listener) -> Prepared:
        if not self._worker_checked:
            settings.check_worker(self.chosen)
            self._worker_checked = True
        listener({"event": "phase", "name": f"{workload.dataset} data"})
        return self._store.prepare(workload, workload.schedules[self.chosen.profile])

    def _trained(
        self,
        workload: Workload,
        device: Device,
        mode: Mode,
        prepared: Prepared,
        listener: Listener,
        watch: Watch,
    ) -> list[Run]:
        chosen, dataset = self.chosen, prepared.dataset
        limits = bounds(workload, dataset.kind, chosen.profile, dataset.baselines, read_evidence())
        epochs = workload.schedules[chosen.profile].epochs
        job = Job(
            workload, device, epochs, chosen.seed, len(dataset.train), prepared.files, mode=mode
        )
        runs: list[Run] = []
        with self._workers(job, listener) as trainings:
            timed = _together(trainings)
            for place, training, each in zip(device.apart, trainings, timed, strict=True):
                timings: list[EpochTiming] = []
                (_drain if runs else watch)(_kept(each, timings), epochs)
                outcome, made = training.finish(), Timings(tuple(timings))
                runs.append(Run(workload, place, prepared, made, outcome, limits, mode))
        return [replace(run, beside=tuple(r for r in runs if r is not run)) for run in runs]

    @contextlib.contextmanager
    def _workers(self, job: Job, listener: Listener) -> Iterator[list[Training]]:
        """A running worker for each device that the job's stands for."""
        places, folder = job.device.apart, Path(self._folder.name)
        with contextlib.ExitStack() as stack:
            trainings: list[Training] = []
            for place in places:
                own = replace(job, device=place, wait=len(places) > 1)
                heard = _ignored if trainings else listener  # a bar shows one training
                training = Training(
                    own, self.chosen.worker_python, self.chosen.limits, folder, heard
                )
                trainings.append(stack.enter_context(training))
            yield trainings

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
                "data_dir": str(chosen.data_dir) if chosen.data_dir else None,
                "synthetic": chosen.synthetic,
                "seed": chosen.seed,
                "limits": asdict(chosen.limits),
                "worker_python": str(chosen.worker_python),
            },
            "versions": {"python": platform.python_version(), **self.versions},
        }


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
