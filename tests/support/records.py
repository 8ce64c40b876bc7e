"""Results and records as a run leaves them, from the figures that a test chooses.

result("convnet", H100, seconds=(9.0, 1.0, 1.1), mode="tuned")
record([result(), failed("post", CPU, "killed")])
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from bench.judge.verdict import judge
from bench.record.codec import encode
from bench.record.conditions import Conditions
from bench.record.head import Cpu, Device, Head, Limits, Machine, Settings
from bench.record.measured import Measured, filled, finite, hints
from bench.record.model import (
    DataSet,
    Epochs,
    EpochSpread,
    Failed,
    Finished,
    Model,
    Rate,
    Record,
    Result,
    Target,
    TargetResult,
    TimeToTarget,
    Trial,
)
from bench.record.quality import Quality, TargetQuality
from bench.record.repeats import Side
from bench.record.telemetry import Telemetry
from bench.record.worker import Pinned, Worker
from bench.workloads import EVERY
from bench.workloads.workload import ERRORS, Mode

CPU = Device("AMD EPYC 9454P 48-Core Processor")
H100 = Device("NVIDIA H100 80GB HBM3", index=0, uuids=("GPU-8f6d0c9e-2f33-4e0b-9d8f-1c2b3a4d5e6f",))
GT1030 = Device(
    "NVIDIA GeForce GT 1030", index=1, uuids=("GPU-0a0b0c0d-0000-4e0b-9d8f-1c2b3a4d5e6f",)
)
STEADY = (0.98, 0.99, 1.0, 1.01, 1.02, 0.985, 1.015, 0.995, 1.005, 1.0, 0.99, 1.01)
"""Medians of twelve quiet repeats, in s."""

UNSEEN = "no steady epoch came to its end"
IMAGES = 60_000
# floor, bound, and a quality that passes
_ACCURACY = (0.975, 0.995, 0.9812)
_MSE = (90.0, 10.9, 52.3)

WORKER = Worker(
    python="3.11.2",
    interpreter="/opt/grindstone/tensorflow/bin/python",
    tensorflow="2.21.0",
    keras="3.15.1",
    numpy="2.4.0",
    device="CPU",
    pinned=Pinned(
        xla=False,
        tf32=True,
        precision="float32",
        deterministic_ops=False,
        threads=2,
        environment={"CUDA_VISIBLE_DEVICES": "-1"},
    ),
)
UNWATCHED: Measured[float] = Measured(None, "no GPU was watched")
MODEL = Model(623_290, "5f" * 32)


def conditions(**seen: Any) -> Conditions:
    """What a test says was seen, by name: `steal=0.1, pressure={"cpu": {"some": 0.3}}`."""
    return msgspec.convert(filled(Conditions, _measured(Conditions, seen), UNSEEN), Conditions)


def telemetry(**seen: Any) -> Telemetry:
    """The same of a GPU: `power={"limit": 300.0}, busy=0.5, steady_seconds=8.0`."""
    fixed = {"interval": 0.1, "ticks": 80, "watched": 9.0, "cpu_seconds": 0.1}
    tree = {**fixed, "steady_seconds": 8.0, **_measured(Telemetry, seen)}
    return msgspec.convert(filled(Telemetry, tree, "not supported by this GPU"), Telemetry)


def dataset(
    workload: str = "mlp", kind: Literal["real", "synthetic"] = "synthetic", note: str = "drawn"
) -> DataSet:
    """The data of a workload."""
    name = EVERY[workload].dataset
    baselines = {"mean_predictor_mse": 137.2, "best_possible_mse": 10.9}
    return DataSet(
        name=name,
        kind=kind,
        source="synthetic" if kind == "synthetic" else "files",
        note=note,
        sha256="be" * 32,
        train_images=IMAGES,
        test_images=10_000,
        baselines=baselines if EVERY[workload].metric in ERRORS else {},
    )


def epochs(
    seconds: Sequence[float] = (2.5, 1.25, 1.25, 1.5), paused: Sequence[float] | None = None
) -> Epochs:
    """Epochs of so many seconds, the first one first."""
    first, *steady = seconds
    median = statistics.median(steady)
    return Epochs(
        first=first,
        steady=tuple(steady),
        median=median,
        spread=statistics.median(abs(each - median) for each in steady),
        loss=tuple(0.5 for _ in seconds),
        paused=None if paused is None else tuple(paused),
    )


def quality(
    workload: str = "mlp", value: float | None = None, reason: str | None = None
) -> Quality:
    """One that passes, or that misses its floor where a value does, or for a test's reason."""
    metric = EVERY[workload].metric
    floor, bound, good = _ACCURACY if metric == "accuracy" else _MSE
    value = good if value is None else value
    passes = floor <= value <= bound if metric == "accuracy" else bound <= value <= floor
    if reason is None and not passes:
        reason = f"{100 * value:.2f} % is below its floor of {100 * floor:.2f} %"
    return Quality(
        metric=metric,
        value=finite(value),
        untrained=0.1,
        floor=floor,
        bound=bound,
        ok=reason is None,
        reason=reason,
    )


def result(
    workload: str = "mlp",
    device: Device = CPU,
    *,
    seconds: Sequence[float] = (2.5, 1.25, 1.25, 1.5),
    paused: Sequence[float] | None = None,
    value: float | None = None,
    mode: Mode = "stock",
    repeat: int = 1,
    side: Side | None = None,
    share: float | None = None,
    busy: float | None = None,
    **members: Any,
) -> Finished:
    """A finished training; without a quality or conditions of its own it is OK.

    value: its quality.
    share, busy: of the peak matmul throughput; of the epochs with a kernel running.
    members: of `Finished`, as they are to be; a verdict is judged where none is given.
    """
    times = epochs(seconds, paused)
    rate = None if share is None and busy is None else _rate(share, busy)
    made = Finished(
        **{
            "workload": workload,
            "device": device,
            "mode": mode,
            "repeat": repeat,
            "side": side,
            "dataset": dataset(workload),
            "epochs": times,
            "images_per_second": IMAGES / times.median,
            "quality": quality(workload, value),
            "model": MODEL,
            "worker": WORKER,
            "memory_peak": None,
            "rate": rate,
            "conditions": conditions(),
            "telemetry": telemetry() if device.is_gpu else None,
            **members,
        }
    )
    return made if made.verdict else msgspec.structs.replace(made, verdict=judge(made))


def failed(workload: str, device: Device, reason: str, **members: Any) -> Failed:
    """A training that did not come to its end."""
    return Failed(
        **{
            "workload": workload,
            "device": device,
            "mode": "stock",
            "dataset": dataset(workload),
            "reason": reason,
            "conditions": conditions(),
            "telemetry": None,
            **members,
        }
    )


def time_to_target(
    workload: str = "convnet",
    device: Device = CPU,
    *,
    qualities: Sequence[Sequence[float]] = ((0.97, 0.985, 0.991), (0.981, 0.99)),
    seconds: float = 2.0,
    joules: Measured[float] = UNWATCHED,
    **members: Any,
) -> TimeToTarget:
    """A training to targets: each seed's qualities, epoch by epoch of as many seconds.

    joules: of each epoch.
    """
    metric = EVERY[workload].metric
    bound = 0.997 if metric == "accuracy" else 10.9
    summaries = [_target(workload, each, qualities, seconds, joules) for each in (0.98, 0.99)]
    missed = [each.target for each in summaries if each.median_seconds is None]
    reason = f"not every seed reached {missed[0]}" if missed else None
    made = TimeToTarget(
        **{
            "workload": workload,
            "device": device,
            "mode": "stock",
            "dataset": dataset(workload),
            "max_epochs": 15,
            "targets": tuple(summaries),
            "trials": tuple(_trial(*each, seconds) for each in enumerate(qualities, start=1)),
            "epochs": EpochSpread(median=seconds, spread=0.0),
            "quality": TargetQuality(
                metric=metric, untrained=0.1, bound=bound, ok=reason is None, reason=reason
            ),
            "model": MODEL,
            "worker": WORKER,
            "memory_peak": None,
            "conditions": conditions(),
            "telemetry": telemetry() if device.is_gpu else None,
            **members,
        }
    )
    return made if made.verdict else msgspec.structs.replace(made, verdict=judge(made))


def repeats(
    workload: str,
    medians: Sequence[float] = STEADY,
    device: Device = CPU,
    side: Side | None = None,
    **members: Any,
) -> tuple[Finished, ...]:
    """A row's results, one a median."""
    return tuple(
        result(
            workload,
            device,
            seconds=(2 * median, median, median),
            repeat=number,
            side=side,
            **members,
        )
        for number, median in enumerate(medians, start=1)
    )


def slower(by: float) -> tuple[float, ...]:
    """The usual medians, longer by a share."""
    return tuple(median * (1 + by) for median in STEADY)


def settings(**members: Any) -> Settings:
    """The settings of a plain run."""
    return Settings(
        **{
            "profile": "quick",
            "devices": None,
            "modes": None,
            "inputs": (),
            "time_to_target": False,
            "data_dir": None,
            "synthetic": False,
            "seed": 1,
            "limits": Limits(300.0, 1800.0, 120.0, 20.0),
            "worker_python": "/opt/grindstone/tensorflow/bin/python",
            "second_worker": None,
            "repeats": 12,
            "interim_checks": (12,),
            "against": None,
            **members,
        }
    )


def machine(**members: Any) -> Machine:
    """A machine with a GPU."""
    return Machine(
        **{
            "host": "bench-1",
            "system": "Debian GNU/Linux 13 (trixie)",
            "kernel": "6.12.48+deb13-amd64",
            "architecture": "x86_64",
            "cpu": Cpu(CPU.name, 2, 2, (0, 1), None),
            "memory": 25_276_510_208,
            "driver": "580.95.05",
            "why_no_gpu": None,
            "devices": (CPU, H100),
            **members,
        }
    )


def head(**members: Any) -> Head:
    """The head of a plain run's record."""
    return Head(
        **{
            "grindstone": "0.1.0",
            "started": datetime.datetime(2026, 11, 21, 12, 0, 0, tzinfo=datetime.timezone.utc),
            "machine": machine(),
            "plan": None,
            "settings": settings(),
            "versions": {"python": "3.11.2", "pytest": "9.2.0"},
            **members,
        }
    )


def record(
    results: Sequence[Result] = (), time_to_target: Sequence[TargetResult] = (), **members: Any
) -> Record:
    """A record of these results; `members` replace those of its head."""
    return Record.of(head(**members), results, time_to_target)


def write(folder: Path, name: str, made: Record) -> Path:
    """The record in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(encode(made))
    return path


def _trial(seed: int, reached: Sequence[float], seconds: float) -> Trial:
    each = len(reached)
    return Trial(seed=seed, seconds=(seconds,) * each, loss=(0.5,) * each, quality=tuple(reached))


def _target(
    workload: str,
    target: float,
    qualities: Sequence[Sequence[float]],
    seconds: float,
    joules: Measured[float],
) -> Target:
    reaches = EVERY[workload].reaches
    took = [
        next((number for number, q in enumerate(each, start=1) if reaches(q, target)), None)
        for each in qualities
    ]
    reached = [count * seconds for count in took if count]
    return Target(
        target=target,
        epochs=tuple(took),
        seconds=tuple(count and count * seconds for count in took),
        median_seconds=statistics.median(reached) if len(reached) == len(took) else None,
        joules=tuple(None if not count else joules.then(float(count).__mul__) for count in took),
    )


def _rate(share: float | None, busy: float | None) -> Rate:
    peak = None if share is None else 1e12
    achieved = 1e12 * (share or 0.1)
    return Rate(flop_per_image=2.5e6, achieved=achieved, peak=peak, share=share, gpu_busy=busy)


def _measured(kind: Any, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of plain values with each as it is in JSON, where a struct has it measured."""
    made = {}
    for name, value in seen.items():
        hint = hints(kind)[name]
        if get_origin(hint) is Measured:
            made[name] = msgspec.to_builtins(
                value if isinstance(value, Measured) else Measured(value, None)
            )
        elif isinstance(value, Mapping) and type(None) not in get_args(hint):
            made[name] = _measured(hint, value)
        else:
            made[name] = msgspec.to_builtins(value)
    return made
