"""Entries of a record as a real run makes them, from figures that a test chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.datasets.dataset import Dataset, Source, Split
from bench.datasets.prepared import Prepared
from bench.judge import bridge
from bench.judge.floors import Bounds
from bench.observe.devices import Device
from bench.observe.host.conditions import HostMonitor
from bench.record import bridge as old
from bench.record.repeats import ALONE, Process
from bench.record.timing import EpochTiming, Timings
from bench.runner.attempt import Attempt
from bench.runner.run import Run, failed_entry
from bench.runner.supervisor import Outcome
from bench.runner.time_to_target import Joules, ToTarget, Trial, unwatched
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import Metric, Mode

CPU = Device("cpu", "AMD EPYC 9454P 48-Core Processor")
H100 = Device("gpu:0", "NVIDIA H100 80GB HBM3", "GPU-8f6d0c9e-2f33-4e0b-9d8f-1c2b3a4d5e6f")
GT1030 = Device("gpu:1", "NVIDIA GeForce GT 1030", "GPU-0a0b0c0d-0000-4e0b-9d8f-1c2b3a4d5e6f")

_PINNED = {
    "xla": False,
    "tf32": True,
    "precision": "float32",
    "deterministic_ops": False,
    "threads": 2,
    "environment": {"CUDA_VISIBLE_DEVICES": "-1"},
}
_WORKER = {
    "python": "3.11.2",
    "interpreter": "/opt/grindstone/tensorflow/bin/python",
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "numpy": "2.4.0",
    "device": "CPU",
    "pinned": _PINNED,
}
UNSEEN = old.conditions(HostMonitor().result([]))
_MODEL = {"parameters": 623_290, "workload_sha256": "5f" * 32}
_HELD: Mapping[Metric, tuple[Bounds, float]] = {
    "accuracy": (Bounds("accuracy", 0.975, 0.995), 0.9812),
    "mse": (Bounds("mse", 90.0, 10.9), 52.3),
}


def prepared(workload: str, source: Source = "synthetic", note: str = "drawn") -> Prepared:
    """A data set of three images, named after the workload's."""
    name = WORKLOADS[workload].dataset
    split = Split(np.zeros((3, 2, 2, 1), np.uint8), np.zeros(3, np.int64))
    baselines = {"mean_predictor_mse": 137.2, "best_possible_mse": 10.9}
    dataset = Dataset(name, source, note, split, split, baselines if name == "grind" else {})
    return Prepared(dataset, {}, dataset.sha256())


def run(
    workload: str = "mlp",
    device: Device = CPU,
    *,
    seconds: Sequence[float] = (2.5, 1.25, 1.25, 1.5),
    paused: Sequence[float] | None = None,
    quality: float | None = None,
    source: Source = "synthetic",
    note: str = "drawn",
    mode: Mode = "stock",
    xla: bool = False,
    rate: dict[str, Any] | None = None,
    conditions: Mapping[str, Any] | None = None,
    telemetry: Mapping[str, Any] | None = None,
    process: Process = ALONE,
) -> Run:
    """A finished training; without a quality or conditions of its own it passes."""
    metric = WORKLOADS[workload].metric
    held, good = _HELD[metric]
    pauses: Sequence[float | None] = paused or [None] * len(seconds)
    epochs = [
        EpochTiming(number, 0.0, length, 60_000, 0.5, paused=pause)
        for number, (length, pause) in enumerate(zip(seconds, pauses, strict=True), start=1)
    ]
    worker = {**_WORKER, "pinned": {**_PINNED, "xla": xla}}
    reached = good if quality is None else quality
    outcome = Outcome(worker, dict(_MODEL), reached, 0.1, None, rate)
    timings = Timings(tuple(epochs))
    return Run(
        WORKLOADS[workload],
        device,
        prepared(workload, source, note),
        timings,
        outcome,
        held,
        {**UNSEEN, **(conditions or {})},
        dict(telemetry) if telemetry else None,
        mode,
        process,
    )


def finished(workload: str = "mlp", device: Device = CPU, **figures: Any) -> dict[str, Any]:
    """The entry of such a run."""
    entry = run(workload, device, **figures).entry()
    bridge.fill([entry])
    return entry


def failed(
    workload: str,
    device: Device,
    reason: str,
    *,
    read: bool = True,
    telemetry: dict[str, Any] | None = None,
    mode: Mode = "stock",
    process: Process = ALONE,
) -> dict[str, Any]:
    """The entry of a training that did not finish."""
    data = prepared(workload) if read else None
    what = (WORKLOADS[workload], device, data, reason)
    return failed_entry(*what, dict(UNSEEN), telemetry, mode, process)


def to_target(
    workload: str = "convnet",
    device: Device = CPU,
    *,
    qualities: Sequence[Sequence[float]] = ((0.97, 0.985, 0.991), (0.981, 0.99)),
    seconds: float = 2.0,
    targets: tuple[float, ...] = (0.98, 0.99),
    untrained: float = 0.1,
    joules: Joules = unwatched,
    telemetry: dict[str, Any] | None = None,
    mode: Mode = "stock",
) -> ToTarget:
    """A finished training to targets: each seed's qualities, epoch by epoch of as many seconds."""
    trials = [Trial(seed) for seed, _ in enumerate(qualities, start=1)]
    for trial, reached in zip(trials, qualities, strict=True):
        for number, quality in enumerate(reached, start=1):
            trial.add(EpochTiming(number, 0.0, seconds, 60_000, 0.5), quality)
    outcome = Outcome(_WORKER, dict(_MODEL), qualities[-1][-1], untrained, None)
    bound = 0.997 if WORKLOADS[workload].metric == "accuracy" else 10.9
    return ToTarget(
        Attempt(WORKLOADS[workload], device, mode, to_target=True),
        prepared(workload),
        tuple(trials),
        targets,
        15,
        bound,
        outcome,
        dict(UNSEEN),
        telemetry,
        joules,
    )


def head(why_no_gpu: str | None = "no NVIDIA driver is installed") -> dict[str, Any]:
    """A record's head, as far as a report reads it."""
    cpu = {"name": CPU.name, "affinity": [0, 1]}
    return {
        "machine": {"cpu": cpu, "why_no_gpu": why_no_gpu},
        "settings": {"devices": None},
    }
