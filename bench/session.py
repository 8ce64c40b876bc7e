"""One `pytest bench/`: its settings, its data, its record, and the trainings in it."""

from __future__ import annotations

import contextlib
import datetime
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import bench
from bench import machine, settings
from bench.conditions import Conditions
from bench.datasets.prepared import Prepared, Store
from bench.devices import Device, Found
from bench.errors import GrindstoneError, RecordError
from bench.floors import bounds, read_evidence
from bench.measured import Measured
from bench.processes import ALONE, Process
from bench.results import Record, new_path
from bench.run import Run, failed_entry
from bench.telemetry import Telemetry, idle_power
from bench.timing import EpochTiming, Timings
from bench.trainer import Job, Listener, Training
from bench.workloads.workload import Workload

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
        self._idle: dict[str, Measured] = {}
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
        process: Process = ALONE,
    ) -> Run:
        """Trains a workload on a device in a fresh worker and records what came of it.

        Raises:
            GrindstoneError: it could not be trained, or not recorded; the failure is recorded too.
        """
        attempt = _Attempt(workload, device, process)
        try:
            attempt.prepared = self._prepare(workload, listener)
            run = self._trained(attempt, attempt.prepared, listener, watch)
        except GrindstoneError as error:
            try:
                self.record.add(attempt.failed(str(error)))
            except RecordError as unrecorded:
                raise GrindstoneError(f"{error}\n{unrecorded}") from error
            raise
        except KeyboardInterrupt:
            reason = f"{workload.name} on {device.id}: interrupted"
            with contextlib.suppress(RecordError):  # the interrupt is what has to get through
                self.record.add(attempt.failed(reason))
            raise
        self.record.add(run.entry())
        return run

    def close(self) -> None:
        """Removes the temporary arrays and logs."""
        self._folder.cleanup()

    def _prepare(self, workload: Workload, listener: Listener) -> Prepared:
        if not self._worker_checked:
            settings.check_worker(self.chosen)
            self._worker_checked = True
        listener({"event": "phase", "name": f"{workload.dataset} data"})
        return self._store.prepare(workload, workload.schedules[self.chosen.profile])

    def _trained(
        self, attempt: _Attempt, prepared: Prepared, listener: Listener, watch: Watch
    ) -> Run:
        chosen, dataset = self.chosen, prepared.dataset
        workload, device = attempt.workload, attempt.device
        limits = bounds(workload, dataset.kind, chosen.profile, dataset.baselines, read_evidence())
        epochs = workload.schedules[chosen.profile].epochs
        job = Job(workload, device, epochs, chosen.seed, len(dataset.train), prepared.files)
        folder = Path(self._folder.name)
        python = chosen.interpreter(attempt.process.side)
        telemetry = attempt.telemetry = self._telemetry(device, listener)
        with (
            telemetry,
            Training(job, python, chosen.limits, folder, listener) as training,
        ):
            telemetry.worker = training.pid
            timed = attempt.conditions.over(training.epochs(), epochs, training.pid)
            watch(_kept(timed, attempt.timings), epochs)
            outcome = training.finish()
        timings = Timings(tuple(attempt.timings))
        seen, process = attempt.seen(), attempt.process
        return Run(workload, device, prepared, timings, outcome, limits, *seen, process)

    def _telemetry(self, device: Device, listener: Listener) -> Telemetry:
        """What watches a training on a device; idle power is measured before the first one."""
        if device.uuid is None:
            return Telemetry(device, None)
        import pynvml

        if device.uuid not in self._idle:
            listener({"event": "phase", "name": "the idle GPU's power"})
            self._idle[device.uuid] = idle_power(device, pynvml)
        return Telemetry(device, pynvml, idle=self._idle[device.uuid])

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
                "data_dir": str(chosen.data_dir) if chosen.data_dir else None,
                "synthetic": chosen.synthetic,
                "seed": chosen.seed,
                "limits": asdict(chosen.limits),
                "worker_python": str(chosen.worker_python),
                "second_worker": str(chosen.second_worker) if chosen.second_worker else None,
                "processes": chosen.processes,
                "against": chosen.against,
            },
            "versions": {"python": platform.python_version(), **self.versions},
        }


@dataclass(slots=True)
class _Attempt:
    """A training as far as it has come."""

    workload: Workload
    device: Device
    process: Process
    prepared: Prepared | None = None
    timings: list[EpochTiming] = field(default_factory=list)
    conditions: Conditions = field(default_factory=Conditions)
    telemetry: Telemetry | None = None

    def seen(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What the machine and its GPU did meanwhile."""
        telemetry = self.telemetry.result(self.timings) if self.telemetry else None
        return self.conditions.result(self.timings), telemetry

    def failed(self, reason: str) -> dict[str, Any]:
        """The entry of it that the record keeps."""
        seen, process = self.seen(), self.process
        return failed_entry(self.workload, self.device, self.prepared, reason, *seen, process)


def _kept(epochs: Iterator[EpochTiming], kept: list[EpochTiming]) -> Iterator[EpochTiming]:
    for epoch in epochs:
        kept.append(epoch)
        yield epoch
