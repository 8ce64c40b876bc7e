"""The convnet, trained as a run of ours trains it, with or without being watched."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.datasets.prepared import Prepared, Store
from bench.observe import devices
from bench.observe.host import HostMonitor
from bench.observe.telemetry import GpuMonitor
from bench.record.head import Device
from bench.record.timing import EpochTiming
from bench.runner.events import ignore
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads import WORKLOADS
from bench.workloads.workload import Schedule
from tests.bench.beside import Epochs
from tests.unit.fake_nvml import FakeNvml

EPOCHS = 8
IMAGES = 12_000
WORKLOAD = WORKLOADS["convnet"]


@dataclass
class Watched:
    """Where it is trained, and what is watched through what.

    device, nvml: the GPU that is watched, which need not be what trains.
    shares: of one CPU, what telemetry took in each watched training.
    shares_of_all: of one CPU, what this process took in each, telemetry and all.
    """

    prepared: Prepared
    python: Path
    folder: Path
    trained: Device
    device: Device
    nvml: Any
    shares: list[float] = field(default_factory=list, init=False)
    shares_of_all: list[float] = field(default_factory=list, init=False)

    @classmethod
    def on_cpu(cls, folder: Path, python: Path) -> Watched:
        """The CPU trains, and a recorded H100 is watched.

        Its answers (tests/unit/fake_nvml.py) cost this process more than a driver's do.
        """
        cpu, fake = devices.find().devices[0], FakeNvml("hopper")
        return cls(_prepared(folder), python, folder, cpu, fake.device, fake.module)

    @classmethod
    def on_gpu(cls, folder: Path, python: Path) -> Watched | None:
        """The first GPU trains and is watched; None without one."""
        _, *gpus = devices.find().devices
        if not gpus:
            return None
        import pynvml

        return cls(_prepared(folder), python, folder, gpus[0], gpus[0], pynvml)

    def train(self) -> Epochs:
        """With telemetry and conditions."""
        host = HostMonitor()
        begun, cpu = time.perf_counter(), time.process_time()
        with GpuMonitor(self.device, self.nvml) as gpu, self._worker() as worker:
            gpu.worker = worker.pid
            epochs: list[EpochTiming] = []
            for epoch in worker.epochs():
                if not epochs:
                    host.begin(worker.pid)
                epochs.append(epoch)
            host.end()
        result = gpu.result(epochs)
        assert result is not None
        self.shares.append(result.cpu_seconds / result.watched)
        took = time.process_time() - cpu
        self.shares_of_all.append(took / (time.perf_counter() - begun))
        return _steady(epochs)

    def cost(self) -> str:
        """What the watching took, in words."""
        every, telemetry = (statistics.median(each) for each in (self.shares_of_all, self.shares))
        return (
            f"beside its trainings this process took {100 * every:.2f} % of one CPU; "
            f"{100 * telemetry:.2f} % were the telemetry thread's"
        )

    def train_unwatched(self) -> Epochs:
        """Without either."""
        with self._worker() as worker:
            return _steady(list(worker.epochs()))

    def _worker(self) -> WorkerProcess:
        job = Job(WORKLOAD.name, self.trained.is_gpu, EPOCHS + 1, 1, self.prepared.files)
        launch = Launch("it", self.trained, self.python, DEFAULT_LIMITS, self.folder)
        return WorkerProcess(job, launch, ignore)


def _prepared(folder: Path) -> Prepared:
    store = Store(folder, None, None, synthetic=True)
    return store.prepare(WORKLOAD, Schedule(EPOCHS + 1, IMAGES, 1000))


def _steady(epochs: list[EpochTiming]) -> Epochs:
    return Epochs([(epoch.begun, epoch.ended) for epoch in epochs[1:]])
