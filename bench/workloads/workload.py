"""A network, how it is trained, and how much of it a profile trains."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

from bench.workloads.design import OF_THE_BUILDER, UNCHANGED, Design, Optimizer

ProfileName = Literal["smoke", "quick", "full"]
PROFILES: tuple[ProfileName, ...] = ("smoke", "quick", "full")

Mode = Literal["stock", "tuned"]
MODES: tuple[Mode, ...] = ("stock", "tuned")

# Where a workload reads its images from while it trains.
Input = Literal["memory", "disk", "data-dir"]
INPUTS: tuple[Input, ...] = ("memory", "disk", "data-dir")

# Of the classifiers, as published.
CLASSES = 10

Metric = Literal["accuracy", "mse", "pixel_mse"]

# Those that are errors, the less the better, with their units: pull times are in s, and pixels are
# CIE lightness.
ERRORS: Mapping[str, str] = {"mse": "s²", "pixel_mse": "L²"}

# The data sets that the networks were published on.
DataName = Literal["mnist", "grind", "circles", "cifar10"]
DATA_NAMES: tuple[DataName, ...] = get_args(DataName)

# What is minimised: Keras' own names, but for the last, which is in `bench.worker.network`.
Loss = Literal["sparse_categorical_crossentropy", "mse", "pseudo_huber"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How much of a workload is trained.

    epochs: at least 3, because epoch 1 is reported apart and a spread needs two more.
    train, test: how many images of each split; None is all of them.
    held_out: how many training images, behind those, are used instead of the test split; None
        leaves the test split.
    fold: which fold of the shots is the test split; None leaves it.
    """

    epochs: int
    train: int | None = None
    test: int | None = None
    held_out: int | None = None
    fold: int | None = None

    def with_size(self, epochs: int | None, train: int | None) -> Schedule:
        """The same with other epochs and training images; None leaves them."""
        return replace(self, epochs=epochs or self.epochs, train=train or self.train)

    def changed_by(self, design: Design) -> Schedule:
        """The same with a design's epochs, images and fold."""
        sized = self.with_size(design.epochs, design.images)
        return replace(sized, held_out=design.held_out or self.held_out, fold=design.fold)


@dataclass(frozen=True, slots=True)
class Workload:
    """One published network with its training, ready to be built in a worker.

    name: as `pytest -k` chooses it.
    dataset: the data set's module in `bench.datasets`.
    image: height, width and channels that the network takes.
    scale: what the pixels are multiplied by before training; None feeds the raw uint8.
    batch: images a step.
    metric: what the floor is about, in the unit that ERRORS has for it.
    build: makes the layers, not yet compiled, from the `keras` module that it is handed; of a
        classifier for other `classes`, too.
    schedules: how much each profile trains.
    parameters: how many weights the published network has; the worker refuses any other count.
        None where a design changes the layers.
    published: the floor at `full` on real data that the sources support, or None.
    source: where the network and its figures come from.
    input: where images are read from on the clock; None has them in memory as arrays before it.
    learns_like: the workload whose floors hold for this one too, where it has none of its own.
    optimizer: by Keras' name, with Keras' other settings.
    target_scale: what the targets are multiplied by before training; the metric is in their own
        unit all the same.
    watched: the layers whose features are drawn while it learns, where that is asked for.
    classes: how many a classifier tells apart; no matter to a regression.
    design: the changes to all this.
    """

    name: str
    dataset: DataName
    image: tuple[int, int, int]
    scale: float | None
    batch: int
    metric: Metric
    loss: Loss
    learning_rate: float
    build: Callable[..., Any]
    schedules: Mapping[ProfileName, Schedule]
    parameters: int | None
    source: str
    published: float | None = None
    input: Input | None = None
    learns_like: str | None = None
    classes: int = CLASSES
    design: Design = UNCHANGED
    optimizer: Optimizer = "Adam"
    target_scale: float = 1.0
    watched: tuple[str, ...] = ()

    def reaches(self, quality: float, target: float) -> bool:
        """Whether a quality is the target's or better."""
        return quality <= target if self.metric in ERRORS else quality >= target

    def for_classes(self, count: int | None) -> Workload:
        """The same for data of so many classes; for None, as published."""
        if count is None or count == self.classes:
            return self
        return replace(self, classes=count, build=partial(self.build, classes=count))

    def changed_by(self, design: Design) -> Workload:
        """The same as a design has it.

        Raises:
            ValueError: the network has no such part.
        """
        asked: dict[str, Any] = {
            name: value for name in OF_THE_BUILDER if (value := getattr(design, name))
        }
        image = (design.size, design.size, self.image[2]) if design.size else self.image
        if image != self.image:
            asked["image"] = image
        taken = inspect.signature(self.build).parameters
        for name in asked:
            if name not in taken:
                what = "size of images" if name == "image" else name
                raise ValueError(f"{self.name} has no {what} to change")
        return replace(
            self,
            image=image,
            build=partial(self.build, **asked) if asked else self.build,
            parameters=None if asked else self.parameters,
            optimizer=design.optimizer or self.optimizer,
            learning_rate=design.learning_rate or self.learning_rate,
            design=design,
        )
