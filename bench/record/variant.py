"""How a network is trained: the mode, and what differs from the published training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from bench.record.measured import Number, Part, Positive
from bench.workloads import design
from bench.workloads.backend import FRAMEWORKS, Backend
from bench.workloads.workload import Mode

Precision = Literal["float32", "tf32-off", "mixed_float16", "mixed_bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32-off", "mixed_float16", "mixed_bfloat16")


Units = Annotated[tuple[Number, ...], Meta(min_length=1, max_length=16)]
Dropped = Annotated[float, Meta(ge=0, lt=1)]


class Design(Part, frozen=True, kw_only=True):
    """Changes to the published network and its training; null where there is none.

    pooling: what pools.
    filters: of the convolutions, in their order.
    dense: units of the dense layers before the last one.
    dropout: the share that the network's dropout layers drop.
    last_dropout: that of a dropout layer behind the last layer.
    size: height and width of the images.
    loss: whether the squared errors of a batch are averaged or added up.
    augment: how training images are moved about.
    optimizer: by Keras' name.
    learning_rate: of the optimizer; of a schedule its peak.
    rates: how the learning rate goes over the training.
    images: how many images were trained on.
    held_out: on how many further training images the quality was measured; null: the test images.
    epochs: how many were trained.
    fold: which of ten parts of the shots was tested on, the rest being trained on.
    """

    pooling: design.Pooling | None = None
    filters: Units | None = None
    dense: Units | None = None
    dropout: Dropped | None = None
    last_dropout: Dropped | None = None
    size: Annotated[int, Meta(ge=8, le=4096)] | None = None
    loss: design.Loss | None = None
    augment: design.Augment | None = None
    optimizer: design.Optimizer | None = None
    learning_rate: Positive | None = None
    rates: design.Rates | None = None
    images: Number | None = None
    held_out: Number | None = None
    epochs: Annotated[int, Meta(ge=3, le=100_000)] | None = None
    fold: Annotated[int, Meta(ge=1, le=design.FOLDS)] | None = None

    @property
    def changes(self) -> design.Design:
        """As the worker takes it."""
        return msgspec.convert(self, design.Design, from_attributes=True)

    def words(self) -> Iterator[str]:
        """`average pooling`, `filters 32-32-64`, `10 epochs`."""
        for name in self.changes.changed:
            value = getattr(self, name)
            yield _WORDS.get(name, f"{name.replace('_', ' ')} {{}}").format(_short(value))

    def option(self) -> str:
        """As the command line takes it: `pooling=average,filters=32/32/64`."""
        changed = self.changes.changed
        return ",".join(f"{name}={_short(getattr(self, name), '/')}" for name in changed)


_WORDS = {
    "pooling": "{} pooling",
    "last_dropout": "dropout {} behind the last layer",
    "size": "{0}x{0} images",
    "loss": "loss by {}",
    "augment": "augmented by {}",
    "optimizer": "{}",
    "rates": "{} learning rates",
    "images": "{} images",
    "held_out": "{} held out",
    "epochs": "{} epochs",
    "fold": f"fold {{}} of {design.FOLDS}",
}


def _short(value: object, between: str = "-") -> str:
    """`32-32-64`, `0.0001`, `average`."""
    if isinstance(value, tuple):
        return between.join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


class Variant(Part, frozen=True, kw_only=True):
    """What differs from the published training; null where nothing does.

    backend: below Keras, instead of TensorFlow.
    batch: images a step.
    precision: of the arithmetic; `tf32-off` is float32 without a GPU's TF32.
    xla: whether XLA compiles the step.
    steps: `steps_per_execution`: how many one call of Python trains.
    design: of the network and its training.
    machines: how many train the network together.
    scaled: whether each of them trains on as many images a step as one alone would.
    """

    backend: Backend | None = None
    batch: Number | None = None
    precision: Precision | None = None
    xla: bool | None = None
    steps: Number | None = None
    design: Design | None = None
    machines: Annotated[int, Meta(ge=2)] | None = None
    scaled: bool | None = None

    def without_defaults(self, batch: int | None) -> Variant:
        """The same without what is the default of a network with this batch."""
        return replace(
            self,
            backend=None if self.backend == "tensorflow" else self.backend,
            batch=None if self.batch == batch else self.batch,
            precision=None if self.precision == "float32" else self.precision,
            xla=self.xla or None,
            steps=None if self.steps == 1 else self.steps,
            design=None if self.design == Design() else self.design,
        )

    def words(self) -> Iterator[str]:
        """`JAX`, `batch 512`, `mixed_float16`, `XLA`, `10 steps a call`."""
        if self.backend:
            yield FRAMEWORKS[self.backend].title
        if self.batch:
            yield f"batch {self.batch}"
        if self.precision:
            yield self.precision
        if self.xla:
            yield "XLA"
        if self.steps:
            yield f"{self.steps} steps a call"
        if self.design:
            yield from self.design.words()
        if self.machines:
            yield f"{self.machines} machines" + (", scaled batch" if self.scaled else "")

    def options(self) -> Iterator[str]:
        """As the command line takes them: `--batch 512`."""
        if self.backend:
            yield f"--backend {self.backend}"
        if self.batch:
            yield f"--batch {self.batch}"
        if self.precision:
            yield f"--precision {self.precision}"
        if self.xla:
            yield "--xla on"
        if self.steps:
            yield f"--steps-per-execution {self.steps}"
        if self.design:
            yield f"--design {self.design.option()}"


AS_PUBLISHED = Variant()


class Way(NamedTuple):
    """A mode and a variant."""

    mode: Mode = "stock"
    variant: Variant = AS_PUBLISHED

    def __str__(self) -> str:
        """`stock`, `tuned`, `batch 512, XLA`, `tuned, batch 512`."""
        told = [] if self.mode == "stock" else [self.mode]
        return ", ".join([*told, *self.variant.words()]) or self.mode

    @property
    def suffix(self) -> str:
        """Behind a training's name, where it is not stock as published: `, tuned`."""
        return "" if self == STOCK else f", {self}"

    @property
    def id(self) -> str:
        """Behind a test's id: `-tuned`, `-batch_512`."""
        return "".join(f"-{word.replace(' ', '_')}" for word in self.suffix[2:].split(", ") if word)

    @property
    def options(self) -> str:
        """As the command line takes it: ` --mode tuned --batch 512`."""
        mode = [] if self.mode == "stock" else [f"--mode {self.mode}"]
        return "".join(f" {option}" for option in (*mode, *self.variant.options()))


STOCK = Way()
