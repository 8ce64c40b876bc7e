"""What every mode of training is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.training.arrays import Arrays
from bench.workloads.workload import Workload

# Told of each epoch: its number, begin and end (CLOCK_MONOTONIC, in s), mean loss and the model.
EpochEnd = Callable[[int, float, float, float, Any], None]


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
