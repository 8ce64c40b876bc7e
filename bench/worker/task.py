"""What every mode of training is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bench.worker.arrays import Arrays
from bench.workloads.workload import Workload


class EpochEnd(Protocol):
    """Told of each epoch.

    begun, ended: CLOCK_MONOTONIC, in s.
    loss: the mean of its images' losses.
    waited: the seconds of it in which the device stood still for want of images, where known.
    paused: the seconds before it in which `fit` did not train yet, where that is what trains.
    """

    def __call__(  # noqa: D102
        self,
        number: int,
        begun: float,
        ended: float,
        loss: float,
        model: Any,
        *,
        waited: float | None = None,
        paused: float | None = None,
    ) -> None: ...


class Trainer(Protocol):
    """A mode's way to train one network, as often as it is asked to.

    model: holds the weights.
    """

    model: Any

    def train(self, task: Task) -> None:
        """Trains from where the weights stand, until `model.stop_training` at most."""

    def forget(self) -> None:
        """Has the optimizer begin anew."""


@dataclass(frozen=True)
class Task:
    """A training of a workload, whatever the mode.

    data: the training split.
    epochs: how many.
    seed: of shuffling, where the mode does not leave that to Keras.
    synchronise: waits until the device has done all that it was given.
    epoch_end: called off the clock.
    """

    workload: Workload
    data: Arrays
    epochs: int
    seed: int
    synchronise: Callable[[], None]
    epoch_end: EpochEnd
