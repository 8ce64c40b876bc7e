"""The record of a run: its head, and a result for each training.  Times are in s.

A result is built once, when its training has ended, and never changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta

from bench.record.artifacts import Film, Saved
from bench.record.conditions import Conditions
from bench.record.head import Device, Head
from bench.record.inference import Inference
from bench.record.measured import (
    Amount,
    Count,
    Line,
    Measured,
    Number,
    Part,
    Positive,
    Sha256,
    Share,
    Text,
)
from bench.record.quality import Quality, TargetQuality
from bench.record.repeats import Side
from bench.record.telemetry import Telemetry
from bench.record.variant import AS_PUBLISHED, Variant, Way
from bench.record.verdict import Verdict
from bench.record.worker import Worker
from bench.workloads.workload import DATA_NAMES, Mode
from bench.workloads.workload import Input as InputName

Cause = Literal["launch-bound", "input-bound", "compute-bound", "memory-bound", "unknown"]


class DataSet(Part, frozen=True, kw_only=True):
    """What was trained on.

    name: of the data set: `mnist`, `grind`, …, or the name that `--dataset` gave.
    kind: photographs that somebody took, generated ones, or what a file of one's own returns.
    source: where they came from.
    note: the same in words.
    sha256: of the arrays.
    train_images: how many were trained on.
    test_images: how many the quality was measured on.
    baselines: qualities that take no learning, by name.
    """

    name: str
    kind: Literal["real", "synthetic", "own"]
    source: Literal["files", "cache", "download", "synthetic", "own"]
    note: str
    sha256: Sha256
    train_images: Number
    test_images: Count
    baselines: dict[str, float]

    @property
    def label(self) -> str:
        """`real`, `synthetic`, `own`; the name, where the networks were published on other data."""
        return self.kind if self.name in DATA_NAMES or self.kind == "own" else self.name


class EpochSpread(Part, frozen=True, kw_only=True):
    """The times of epochs, in short.

    median: in s.
    spread: their median absolute deviation (MAD), in s.
    """

    median: Positive
    spread: Amount

    @property
    def relative_spread(self) -> float:
        """The spread as a share of the median."""
        return self.spread / self.median


class Epochs(EpochSpread, frozen=True, kw_only=True):
    """Wall times of the epochs, the device synchronised at both ends of each.

    first: epoch 1, which holds tracing, compilation and autotuning, in s.
    steady: every later one, in s; median and spread are theirs.
    loss: mean training loss of every epoch; null where it is not finite.
    paused: what lay between `fit`'s begin of each steady epoch and its first batch, not in the
        epoch's time, in s; null where `fit` does not train.
    pauses_included: whether the times hold those pauses, as in records of schema 1.
    memory: resident memory of the worker after every epoch, in bytes; null where it was not read.
    quality: on the test images after every epoch, off the clock; null where that was not asked for.
    training: on the training images, likewise, from before the first step on: one value more.
    """

    first: Positive
    steady: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    loss: tuple[float | None, ...]
    paused: tuple[Amount, ...] | None
    pauses_included: bool = False
    memory: tuple[Count, ...] | None = None
    quality: tuple[float | None, ...] | None = None
    training: tuple[float | None, ...] | None = None


class Model(Part, frozen=True):
    """The network.

    parameters: how many weights it has.
    workload_sha256: of architecture, batch size and optimiser.
    """

    parameters: Number
    workload_sha256: Sha256


class Rate(Part, frozen=True, kw_only=True):
    """How much of the device's arithmetic the training used.

    flop_per_image: of training, in FLOP.
    achieved: by this training, in FLOP/s.
    peak: peak matmul throughput of this worker, in float32, in FLOP/s; null if unknown.
    share: achieved as a share of the peak; null if unknown.
    gpu_busy: share of the epochs with a kernel running; null if unknown.
    """

    flop_per_image: Positive
    achieved: Positive
    peak: Positive | None
    share: Amount | None
    gpu_busy: Amount | None


class Input(Part, frozen=True, kw_only=True):
    """Images that were read as files, on the clock.

    source: what was asked for.
    folder: where they lay.
    file_system: of that folder.
    bytes: of all files.
    waiting: median share of a steady epoch that was spent waiting for images; null if unknown.
    warm_seconds: of one more epoch, whose files the page cache held; null where they lie in memory.
    warm_waiting: the share of it that was spent waiting.
    """

    source: InputName
    folder: Text
    file_system: Text
    bytes: Count
    waiting: Share | None
    warm_seconds: Positive | None = None
    warm_waiting: Share | None = None


class File(Part, frozen=True):
    """A file with a model of one's own.

    path: where it lay.
    sha256: of its content.
    """

    path: Text
    sha256: Sha256


class Machines(Part, frozen=True):
    """The machines that one network was trained over.

    names: what a person calls them; the first one has told the rest of this result.
    communication: `NCCL` or `RING`.
    batch: images a step, of all together.
    compute: seconds that an epoch takes each of them without the others, measured afterwards.
    """

    names: Annotated[tuple[Text, ...], Meta(min_length=2)]
    communication: Text
    batch: Number
    compute: Annotated[tuple[Positive, ...], Meta(min_length=2)]

    @property
    def slowest(self) -> str:
        """The one that the others wait for."""
        return self.names[self.compute.index(max(self.compute))]


class Concurrent(Part, frozen=True):
    """The trainings that ran at the same time.

    devices: the other devices.
    share: of the steady epochs' time in which all trained steadily.
    """

    devices: Annotated[tuple[Device, ...], Meta(min_length=1)]
    share: Share


class Bottleneck(Part, frozen=True):
    """What limits the training's speed.

    cause: of those that a person can act on.
    evidence: what was measured of it; null if nothing was.
    fix: what would help; null if nothing is known.
    """

    cause: Cause
    evidence: Line | None
    fix: Line | None


class Training(Part, frozen=True, kw_only=True, tag_field="status"):
    """What every result has.

    workload: its name.
    device: what was trained on.
    mode: `stock`: plain `model.fit`; `tuned`: the optimised training loop.
    variant: what differs from the published training; null where nothing does.
    repeat: 1, 2, …: each is a process of its own.
    side: which of two environments trained; null where there is one.
    file: that the workload is in, where it is none of Grindstone's; else null.
    seed: of weights, shuffling and dropout, where each repeat has its own; null: the run's.
    conditions: what the CPU side did meanwhile.
    telemetry: what the GPU did meanwhile; null on the CPU.
    """

    workload: Text
    device: Device
    mode: Mode
    variant: Variant | None = None
    repeat: Number = 1
    side: Side | None = None
    file: File | None = None
    seed: Count | None = None
    conditions: Conditions
    telemetry: Telemetry | None

    @property
    def way(self) -> Way:
        """How it was trained."""
        return Way(self.mode, self.variant or AS_PUBLISHED)


class Finished(Training, frozen=True, kw_only=True, tag="finished"):
    """A training that came to its end.

    dataset: what was trained on.
    epochs: their times.
    images_per_second: trained on in the median steady epoch.
    quality: what the network learned.
    model: the network.
    worker: the process that trained.
    memory_peak: that the backend held on the GPU, in bytes; null on the CPU.
    rate: how much of the device's arithmetic was used; null if unknown.
    input: null where images are not read as files on the clock.
    concurrent: null where nothing else trained at the same time.
    machines: that it was trained over; null where it was one.
    verdict: whether the times may be believed; null in records of schema 1.
    data_seconds: of a pass over the data of a file of one's own without training, in s; null
        where they are arrays.
    bottleneck: what limits the speed; null while the run goes on.
    film: what it saw while it learned; null where nobody watched.
    saved: the trained network as a file; null where that was not asked for.
    inference: how fast it answers; null where that was not asked for.
    """

    dataset: DataSet
    epochs: Epochs
    images_per_second: Positive
    quality: Quality
    model: Model
    worker: Worker
    memory_peak: Count | None
    rate: Rate | None
    input: Input | None = None
    concurrent: Concurrent | None = None
    machines: Machines | None = None
    verdict: Verdict | None = None
    data_seconds: Amount | None = None
    bottleneck: Bottleneck | None = None
    film: Film | None = None
    saved: Measured[Saved] | None = None
    inference: Measured[Inference] | None = None


class Failed(Training, frozen=True, kw_only=True, tag="failed"):
    """A training that did not come to its end.

    reason: why, with the worker's last lines.
    dataset: what would have been trained on; null where it could not be had.
    """

    reason: Text
    dataset: DataSet | None


class Target(Part, frozen=True, kw_only=True):
    """What it took to reach a quality; by seed, in the order of the trials.

    target: an accuracy, or an MSE in its unit.
    epochs: null where it was not reached.
    seconds: of training alone, in s; null where it was not reached.
    median_seconds: in s; null where not every seed reached it.
    joules: energy of the GPU over those epochs alone, in J; null where it was not reached.
    """

    target: float
    epochs: tuple[Number | None, ...]
    seconds: tuple[Positive | None, ...]
    median_seconds: Positive | None
    joules: tuple[Measured[float] | None, ...]


class Trial(Part, frozen=True, kw_only=True):
    """The training from one seed, by epoch.

    seed: of the network's weights and the images' order.
    seconds: of training, in s.
    loss: mean training loss; null where it is not finite.
    quality: after it; null where it is not finite.
    """

    seed: Count
    seconds: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    loss: tuple[float | None, ...]
    quality: tuple[float | None, ...]


class TimeToTarget(Training, frozen=True, kw_only=True, tag="finished"):
    """A training from several seeds, each until the last of its targets is reached.

    dataset: what was trained on.
    max_epochs: that each seed had.
    targets: easiest first.
    trials: one a seed.
    epochs: of all seeds together.
    quality: whether the targets were reached.
    model: the network.
    worker: the process that trained.
    memory_peak: that the backend held on the GPU, in bytes; null on the CPU.
    verdict: whether the times may be believed.
    """

    dataset: DataSet
    max_epochs: Number
    targets: Annotated[tuple[Target, ...], Meta(min_length=1)]
    trials: Annotated[tuple[Trial, ...], Meta(min_length=1)]
    epochs: EpochSpread
    quality: TargetQuality
    model: Model
    worker: Worker
    memory_peak: Count | None
    verdict: Verdict | None = None


Result: TypeAlias = Finished | Failed
TargetResult: TypeAlias = TimeToTarget | Failed


class Record(Head, frozen=True, kw_only=True):
    """A run: its head and what came of each training, in the order they were trained.

    results: a training each.
    time_to_target: a training to targets each.
    ended: whether the run has come to its end: when this was read it went on, or had been killed.
    """

    results: tuple[Result, ...] = ()
    time_to_target: tuple[TargetResult, ...] = ()
    ended: bool = True

    @classmethod
    def of(
        cls, head: Head, results: Iterable[Result] = (), time_to_target: Iterable[TargetResult] = ()
    ) -> Record:
        """The record of a run with this head."""
        members: dict[str, Any] = {name: getattr(head, name) for name in Head.__struct_fields__}
        return cls(**members, results=tuple(results), time_to_target=tuple(time_to_target))
