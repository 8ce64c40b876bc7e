"""What a training came to, as the record has it: built once, when it has ended.  Times are in s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bench.datasets.prepared import Prepared
from bench.errors import lines, shown
from bench.judge import floors
from bench.judge.floors import Bounds, OwnFloors, bounds_or_none, read_evidence
from bench.judge.verdict import judge
from bench.observe.host import HostMonitor
from bench.observe.telemetry import GpuMonitor
from bench.options import Settings
from bench.record import model
from bench.record.artifacts import Film
from bench.record.conditions import Conditions
from bench.record.head import Device
from bench.record.measured import finite
from bench.record.model import Concurrent, DataSet, Epochs, Failed, File, Finished
from bench.record.quality import Quality
from bench.record.repeats import Repeat
from bench.record.telemetry import Telemetry
from bench.record.timing import EpochTiming, Timings
from bench.record.worker import Worker
from bench.runner import inference
from bench.runner.row import Row
from bench.runner.supervisor import Outcome, WorkerProcess
from bench.worker.messages import Message, Warm
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import ProfileName, Workload


class DeviceRun:
    """What goes on, or went on, on one device.

    rerun_options: the options that train the same again.
    worker, outcome: None before the worker has started, and before it has reported.
    """

    def __init__(self, device: Device, rerun_options: Sequence[str] = ()) -> None:
        self.device = device
        self.rerun_options = rerun_options
        self.host = HostMonitor()
        self.gpu: GpuMonitor | None = None
        self.worker: WorkerProcess | None = None
        self.epochs: list[EpochTiming] = []
        self.outcome: Outcome | None = None
        self.film: Film | None = None
        self.answering = HostMonitor()

    def hear(self, worker: int) -> Callable[[Message], None]:
        """What looks at the machine while this worker's network answers."""
        return inference.watching(self.answering, worker)

    @property
    def conditions(self) -> Conditions:
        """What the machine did over the steady epochs."""
        return self.host.result(self.epochs)

    @property
    def telemetry(self) -> Telemetry | None:
        """What the GPU did over them; None on the CPU."""
        return self.gpu.result(self.epochs) if self.gpu else None


def floors_of(row: Row, prepared: Prepared | None, settings: Settings) -> Bounds | OwnFloors:
    """The floor of a row; what learns otherwise, or from other images, has none."""
    if isinstance(row.workload, OwnWorkload):
        return OwnFloors(row.workload.floors)
    assert prepared is not None
    variant = row.way.variant
    otherwise = variant.batch or variant.scaled or variant.design or settings.epochs
    if otherwise or settings.images:
        return floors.none(row.workload.metric)
    return published_bounds(row.workload, prepared, settings.profile)


def published_bounds(workload: Workload, prepared: Prepared, profile: ProfileName) -> Bounds:
    """The floor of a workload on these data."""
    data = prepared.dataset
    if data.name != workload.dataset:  # other data of MNIST's shape, whose floors are not MNIST's
        return floors.none(workload.metric)
    return bounds_or_none(workload, data.kind, profile, data.baselines, read_evidence())


def finished(
    row: Row,
    repeat: Repeat,
    prepared: Prepared | None,
    held: Bounds | OwnFloors,
    run: DeviceRun,
    others: Sequence[DeviceRun] = (),
) -> Finished:
    """A training that came to its end, judged.

    others: those that trained on other devices at the same time.
    """
    outcome, timings, telemetry = reported(run), Timings(tuple(run.epochs)), run.telemetry
    result = Finished(
        **identity(row, run.device, repeat),
        seed=repeat.seed,
        conditions=run.conditions,
        telemetry=telemetry,
        file=_file(row),
        dataset=data_set(prepared) if prepared else _own_data(outcome),
        epochs=_epochs(timings, outcome),
        images_per_second=timings.images_per_second,
        quality=_quality(outcome, held),
        **network_and_worker(outcome),
        rate=_rate(outcome, timings, telemetry),
        input=_input(row, prepared, timings, outcome.warm),
        concurrent=_concurrent(timings, others),
        machines=_machines(row, outcome),
        data_seconds=outcome.quality.data_seconds,
        film=run.film,
        inference=inference.measured(
            outcome.inference, row, run.answering, run.gpu, run.rerun_options
        ),
    )
    return msgspec.structs.replace(result, verdict=judge(result, run.rerun_options))


def failed(
    row: Row, repeat: Repeat, reason: str, prepared: Prepared | None, runs: Sequence[DeviceRun]
) -> Failed:
    """A training that did not come to its end; of several GPUs, with what the lost one did."""
    seen = [(run.conditions, run.telemetry) for run in runs]
    conditions, telemetry = next((each for each in seen if each[1] and each[1].lost), seen[0])
    return Failed(
        **identity(row, row.device, repeat),
        seed=repeat.seed,
        conditions=conditions,
        telemetry=telemetry,
        file=_file(row),
        reason=reason,
        dataset=data_set(prepared) if prepared else None,
    )


def interrupted(title: str, error: BaseException) -> str:
    """Why a training was not gone on with."""
    said = lines(error).strip().splitlines()[:1]
    return ": ".join([title, "interrupted", *said])


def identity(row: Row, device: Device, repeat: Repeat) -> dict[str, Any]:
    """The members of a result that say which training it was."""
    return {
        "workload": row.workload.name,
        "device": device,
        "mode": row.mode,
        "variant": row.varied,
        "repeat": repeat.number,
        "side": repeat.side,
    }


def reported(run: DeviceRun) -> Outcome:
    """What the worker of a training that came to its end reported."""
    assert run.outcome is not None
    return run.outcome


def network_and_worker(outcome: Outcome) -> dict[str, Any]:
    """The members of a result that are the worker's own words."""
    return {
        "model": msgspec.convert(outcome.model, model.Model, from_attributes=True),
        "worker": msgspec.structs.replace(
            msgspec.convert(outcome.ready, Worker, from_attributes=True),
            image=outcome.image,
            libraries=outcome.libraries.foreign if outcome.libraries else {},
        ),
        "memory_peak": outcome.quality.memory_peak,
    }


def data_set(prepared: Prepared) -> DataSet:
    """What was trained on."""
    made = prepared.dataset
    return DataSet(
        name=made.name,
        kind=made.kind,
        source=made.source,
        note=made.note,
        sha256=prepared.sha256,
        train_images=len(made.train),
        test_images=len(made.test),
        baselines=dict(made.baselines),
    )


def _own_data(outcome: Outcome) -> DataSet:
    """What a file of one's own returned, as the worker saw it."""
    assert outcome.data is not None
    return DataSet(
        name="data()",
        kind="own",
        source="own",
        note=outcome.data.kind,
        sha256=outcome.data.sha256,
        train_images=outcome.data.train,
        test_images=outcome.data.validation,
        baselines=outcome.data.baselines,
    )


def _file(row: Row) -> File | None:
    workload = row.workload
    return File(str(workload.path), workload.sha256) if isinstance(workload, OwnWorkload) else None


def _quality(outcome: Outcome, held: Bounds | OwnFloors) -> Quality:
    made, training = _judged(outcome, held), outcome.quality.training
    return made if training is None else msgspec.structs.replace(made, training=finite(training))


def _judged(outcome: Outcome, held: Bounds | OwnFloors) -> Quality:
    reached = outcome.quality
    if isinstance(held, Bounds):
        return held.quality(reached.value, reached.untrained)
    assert reached.metric is not None
    assert outcome.data is not None
    known = outcome.data.baselines
    return held.quality(reached.metric, reached.value, reached.untrained, reached.others, known)


def _epochs(timings: Timings, outcome: Outcome) -> Epochs:
    before = outcome.quality.untrained_training
    learned = timings.training
    return Epochs(
        first=timings.first,
        steady=timings.steady,
        median=timings.median,
        spread=timings.spread,
        loss=tuple(finite(epoch.loss) for epoch in timings.epochs),
        paused=timings.paused,
        memory=timings.memory,
        quality=tuple(map(finite, timings.quality)) if timings.quality else None,
        training=None
        if before is None or learned is None
        else tuple(map(finite, (before, *learned))),
    )


def _rate(outcome: Outcome, timings: Timings, telemetry: Telemetry | None) -> model.Rate | None:
    if outcome.rate is None:
        return None
    flop, peak = outcome.rate.flop_per_image, outcome.rate.peak
    achieved = flop * timings.images_per_second
    return model.Rate(
        flop_per_image=flop,
        achieved=achieved,
        peak=peak,
        share=achieved / peak if peak else None,
        gpu_busy=telemetry.busy.value if telemetry else None,
    )


def _input(
    row: Row, prepared: Prepared | None, timings: Timings, warm: Warm | None
) -> model.Input | None:
    pictures = prepared.pictures if prepared else None
    if pictures is None or row.workload.input is None:
        return None
    return model.Input(
        source=row.workload.input,
        folder=shown(pictures.folder),
        file_system=pictures.file_system,
        bytes=pictures.size,
        waiting=timings.waiting,
        warm_seconds=warm.seconds if warm else None,
        warm_waiting=min(1.0, warm.waited / warm.seconds) if warm else None,
    )


def _machines(row: Row, outcome: Outcome) -> model.Machines | None:
    told = outcome.machines
    if told is None:
        return None
    batch = row.batch or row.published.batch
    return model.Machines(told.names, told.communication, batch, told.compute)


def _concurrent(timings: Timings, others: Sequence[DeviceRun]) -> Concurrent | None:
    if not others:
        return None
    share = timings.concurrent_share([Timings(tuple(other.epochs)) for other in others])
    return Concurrent(tuple(other.device for other in others), share)
