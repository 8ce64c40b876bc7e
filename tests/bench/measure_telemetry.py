"""Does watching a training slow it down?  Epochs with and without telemetry, in turn.

    python -m pytest tests/bench/measure_telemetry.py -s [--pairs N]

Not part of `./run test`: it holds times.  Trains the convnet on the first 12,000 digits in fresh
processes, on the first GPU, watched through its NVML; without a GPU on the CPU, watched through a
recorded H100 (tests/unit/fake_nvml.py), whose answers cost this process more than a driver's do.
The conditions are looked at on the watched side, too.  Which side comes first changes from pair to
pair.  Prints the ratio of the mean steady epochs pair by pair, and the thread's own CPU use.  Run
nothing else beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import devices
from bench.conditions import Conditions
from bench.datasets.prepared import Prepared, Store
from bench.devices import Device
from bench.telemetry import Telemetry
from bench.timing import EpochTiming
from bench.trainer import Job, Limits, Training
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import Schedule
from tests.unit.fake_nvml import FakeNvml

EPOCHS = 6
IMAGES = 12_000
WORKLOAD = WORKLOADS["convnet"]


@dataclass(frozen=True)
class Bench:
    """Where it is trained, and what is watched through what."""

    prepared: Prepared
    python: Path
    folder: Path
    trained: Device
    watched: Device
    nvml: Any

    def without(self) -> float:
        """The mean steady epoch, in s."""
        with self._training() as training:
            return _mean(list(training.epochs()))

    def with_telemetry(self) -> tuple[float, dict[str, Any]]:
        """The same, and what was read meanwhile."""
        conditions = Conditions()
        with Telemetry(self.watched, self.nvml) as telemetry, self._training() as training:
            telemetry.worker = training.pid
            epochs = list(conditions.over(training.epochs(), EPOCHS + 1, training.pid))
        result = telemetry.result(epochs)
        assert result is not None
        return _mean(epochs), result

    @contextmanager
    def _training(self) -> Iterator[Training]:
        job = Job(WORKLOAD, self.trained, EPOCHS + 1, 1, IMAGES, self.prepared.files)
        with Training(job, self.python, Limits(), self.folder, lambda _: None) as training:
            yield training


@pytest.fixture
def bench(tmp_path: Path, worker_python: Path) -> Bench:
    schedule = Schedule(EPOCHS + 1, IMAGES, 1000)
    prepared = Store(tmp_path, None, None, synthetic=True).prepare(WORKLOAD, schedule)
    cpu, *gpus = devices.find().devices
    if gpus:
        import pynvml

        return Bench(prepared, worker_python, tmp_path, gpus[0], gpus[0], pynvml)
    fake = FakeNvml("hopper")
    return Bench(prepared, worker_python, tmp_path, cpu, fake.device, fake.module)


def test_an_epoch_takes_as_long_with_telemetry_as_without(
    bench: Bench, pytestconfig: pytest.Config
) -> None:
    ratios, shares = [], []
    print(f"\ntrained on {bench.trained.name}, watched: {bench.watched.name}")
    for pair in range(1, pytestconfig.getoption("pairs") + 1):
        if pair % 2:
            without = bench.without()
            watched, result = bench.with_telemetry()
        else:
            watched, result = bench.with_telemetry()
            without = bench.without()
        ratios.append(watched / without)
        shares.append(result["cpu_seconds"] / result["watched"])
        print(
            f"pair {pair}: with {watched:.3f} s, without {without:.3f} s, ratio {ratios[-1]:.4f}; "
            f"{result['ticks']} ticks took {result['cpu_seconds']:.3f} s of CPU in "
            f"{result['watched']:.1f} s ({100 * shares[-1]:.2f} %)"
        )
    median = statistics.median(ratios)
    print(f"median ratio {median:.4f} ({min(ratios):.4f} to {max(ratios):.4f})")
    print(f"the telemetry thread took {100 * statistics.median(shares):.2f} % of one CPU")
    assert len(ratios) == pytestconfig.getoption("pairs")


def _mean(epochs: list[EpochTiming]) -> float:
    return statistics.mean(epoch.seconds for epoch in epochs[1:])
