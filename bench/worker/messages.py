"""What the parent and its worker say to each other: one JSON object a line.

The parent writes one `Job` to the worker's standard input, and `GO_ON` where the job waits.  The
worker answers with the other messages, each with its name in `event`.  The parent validates them
against these types (bench.runner.supervisor); the worker has the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from bench.worker.answers import Inference, Question, Unmeasured
from bench.workloads.backend import Backend
from bench.workloads.design import UNCHANGED, Design
from bench.workloads.workload import Mode

GO_ON = "go on"

Purpose = Literal["training", "summary", "learning rates", "prediction", "traps"]

# The phase in which a worker compiles before the clock starts, and the one after the last epoch.
WARM_UP = "warm-up on random labels"
EVALUATION = "evaluation"
# Those in which a trained network answers, before its answers are timed and while they are.
INFERENCE_WARM_UP = "inference: compiling and warming up"
INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file with a model of one's own.

    sha256: of what the parent read; the worker runs nothing else.
    batch: examples a step, of arrays; null is Keras' default.
    steps: batches of an epoch and of the validation data, where these do not end by themselves.
    metrics: those that are held to a floor.
    folder: where the person stands, from which the file names its data; "" stays where it is.
    """

    path: str
    sha256: str
    batch: int | None = None
    steps: tuple[int | None, int | None] = (None, None)
    metrics: tuple[str, ...] = ()
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The machines that one network is trained over, each with a worker of its own.

    names: what a person calls them, the chief first.
    addresses: HOST:PORT of each.
    index: whose worker this is.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    index: int = 0

    @classmethod
    def read(cls, members: dict[str, Any]) -> Cluster:
        """As JSON has it."""
        names, addresses = tuple(members["names"]), tuple(members["addresses"])
        return cls(names, addresses, members["index"])


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to do.

    replicas: how many devices the network is trained over.
    data: the files that `bench.datasets.prepared` laid out, by split and by `x` and `y`.
    evaluate_after: epochs after which the quality is measured too, off the clock.
    wait: whether to wait after epoch 1 until the parent says to go on.
    target: the quality to train to, from each of `seeds`; null trains `epochs` from `seed`.
    batch, precision: instead of the network's own.
    xla: whether XLA compiles the steps of `fit`.
    steps: that one call of Python trains, in `fit`.
    own: the file that the workload is in, where it is none of Grindstone's.
    classes: how many the labels have, where these are not the network's own data.
    cluster: the machines that the network is trained over, where these are several.
    design: the changes to the network and its training.
    judge_training: whether the quality on the training images is measured at the end, too, and
        wherever `evaluate_after` has it.
    purpose: what is done: a training, the layers told, learning rates tried, or a question asked.
    rates: how many of those, a batch each.
    frames: a folder for what is seen of the network while it learns; "" where nobody watches.
    save: the file that the trained network is saved to; "" where it is not.
    inference: for how many s it is measured how fast the trained network answers; null: not at all.
    """

    workload: str
    is_gpu: bool
    epochs: int
    seed: int
    data: dict[str, dict[str, str]]
    mode: Mode = "stock"
    replicas: int = 1
    evaluate_after: tuple[int, ...] = ()
    wait: bool = False
    target: float | None = None
    seeds: tuple[int, ...] = ()
    batch: int | None = None
    precision: str | None = None
    xla: bool = False
    steps: int = 1
    own: OwnFile | None = None
    classes: int | None = None
    cluster: Cluster | None = None
    design: Design = UNCHANGED
    judge_training: bool = False
    purpose: Purpose = "training"
    rates: int = 0
    backend: Backend = "tensorflow"
    frames: str = ""
    save: str = ""
    question: Question | None = None
    inference: float | None = None

    def line(self) -> str:
        """As the one line that the worker reads."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> Job:
        """The job in such a line."""
        members = json.loads(line)
        own, design = members.pop("own", None), Design.read(members.pop("design", {}))
        cluster, question = members.pop("cluster", None), members.pop("question", None)
        return cls(
            **members,
            own=OwnFile(**own) if own else None,
            design=design,
            cluster=Cluster.read(cluster) if cluster else None,
            question=Question(**question) if question else None,
        )


@dataclass(frozen=True, slots=True)
class Phase:
    """What the worker is doing now."""

    name: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """What would otherwise differ between devices or machines, as it stands in the worker."""

    program: int
    xla: bool
    tf32: bool
    precision: str
    deterministic_ops: bool
    threads: int
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """The backend is up and sees the device.

    tensorflow, jax, torch: the version of the one that trains.
    pid: of the worker, as this machine numbers it.
    """

    python: str
    interpreter: str
    keras: str
    numpy: str
    device: str
    replicas: int
    pinned: Pinned
    pid: int = 0
    tensorflow: str | None = None
    jax: str | None = None
    torch: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What is being trained."""

    parameters: int
    workload_sha256: str


@dataclass(frozen=True, slots=True)
class Data:
    """What a file of one's own trains on.

    kind: how the data come: `arrays in memory`, `tf.data`, `PyDataset`, `generator`.
    sha256: of the arrays; of data that come in batches, of their shapes and number.
    train, validation: how many examples.
    baselines: what a constant guess reaches, by metric.
    not_finite: which arrays hold numbers that are none, and how many; a line each.
    """

    kind: str
    sha256: str
    train: int
    validation: int
    baselines: dict[str, float] = field(default_factory=dict)
    not_finite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch has ended; `bench.record.timing.EpochTiming`, which is made of it, describes it."""

    number: int
    begun: float
    ended: float
    images: int
    loss: float
    waited: float | None = None
    paused: float | None = None
    memory: int | None = None
    seed: int | None = None
    quality: float | None = None
    training: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Arithmetic: FLOP of training on an image, and peak matmul throughput in FLOP/s."""

    flop_per_image: float
    peak: float | None


@dataclass(frozen=True, slots=True)
class Warm:
    """Off the clock: an epoch from files that memory holds, in s, and what it waited for them."""

    seconds: float
    waited: float


@dataclass(frozen=True, slots=True)
class Libraries:
    """What is loaded that is not the environment's own: version and folder, by file name."""

    foreign: dict[str, str]


@dataclass(frozen=True, slots=True)
class Machines:
    """What a training over several machines came to, off the clock.

    names: what a person calls them, the chief first.
    communication: NCCL or RING.
    compute: seconds of an epoch on each machine without the others: no communication, no waiting.
    """

    names: tuple[str, ...]
    communication: str
    compute: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """The end, off the clock: on the test split, and the bytes that the backend held on a GPU.

    metric: which one it is, where the model is one's own; others: the rest of its metrics.
    data_seconds: of a pass over its data without training, where they come in batches.
    training, untrained_training: the same on the training images, where that was asked for.
    """

    value: float
    untrained: float
    memory_peak: int | None
    metric: str | None = None
    others: dict[str, float] = field(default_factory=dict)
    data_seconds: float | None = None
    training: float | None = None
    untrained_training: float | None = None


@dataclass(frozen=True, slots=True)
class Unsaved:
    """The trained network could not be saved."""

    why: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a network that is looked at.

    kind: its class in Keras.
    shape: of what it puts out for one image, `26, 26, 32`; empty where it is not fixed.
    parameters: its weights; trainable: those of them that are trained.
    products: multiply-accumulates for one image, forward; null where they are not known.
    """

    name: str
    kind: str
    shape: str
    parameters: int
    trainable: int
    products: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a network that is looked at.

    rule: of bench.lint, and which of the file's functions is at fault, `model` or `data`.
    """

    what: str
    rule: str = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A batch was trained on at a learning rate: its loss."""

    rate: float
    loss: float


@dataclass(frozen=True, slots=True)
class Done:
    """All was told that was asked for, and nothing was trained."""


@dataclass(frozen=True, slots=True)
class Error:
    """The worker cannot go on.

    of_file: whether it is the fault of a file of one's own, or of another machine, so that nothing
        else has to be told.
    """

    message: str
    of_file: bool = False


@dataclass(frozen=True, slots=True)
class Unable:
    """The mode cannot train what the file has; nothing is wrong with it."""

    reason: str


_OfTraining = Phase | Ready | Model | Data | Epoch | Rate | Warm | Machines | Quality
_OfWhatWasTrained = Inference | Unmeasured | Libraries | Unsaved
_OfLooking = Layer | Fault | Tried | Done
Message = _OfTraining | _OfWhatWasTrained | _OfLooking | Error | Unable

Say = Callable[[Message], None]

KINDS: dict[str, type[Message]] = {kind.__name__.lower(): kind for kind in get_args(Message)}


def line(message: Message) -> str:
    """A message as the worker says it."""
    return json.dumps({"event": type(message).__name__.lower(), **asdict(message)})
