"""What every mode of training is given: the data, and whom to tell of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bench.worker.watching import Watch
from bench.workloads.workload import Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Arrays:
    """Images as the network takes them, and their targets.

    x: `(n, height, width, channels)`, float32 where the workload scales them, else uint8.
    y: `(n,) int64` classes, `(n,) float32` seconds, or images as x, likewise scaled.
    """

    x: NDArray[Any]
    y: NDArray[Any]

    @classmethod
    def load(cls, files: dict[str, str], workload: Workload) -> Arrays:
        """Reads a split that `bench.datasets.prepared` laid out."""
        import numpy as np

        x = as_taken(np.load(files["x"]), workload.scale)
        y = np.load(files["y"])
        if workload.target_scale != 1.0:
            y = y.astype("float32") * np.float32(workload.target_scale)
        return cls(x, y)


def as_taken(images: NDArray[Any], scale: float | None) -> NDArray[Any]:
    """Images as a network takes them: the same in training, judging and predicting."""
    import numpy as np

    return images if scale is None else images.astype("float32") * np.float32(scale)


@dataclass(frozen=True)
class Evaluation:
    """Judges a model on the test split, with NumPy rather than the metric it was trained with."""

    workload: Workload
    test: Arrays

    def __call__(self, model: Any) -> float:
        """The accuracy (0 to 1), or the MSE in the targets' own unit."""
        import numpy as np

        batch = 16 * self.workload.batch if self.workload.metric == "accuracy" else 16
        predicted: NDArray[np.float32] = model.predict(self.test.x, batch_size=batch, verbose=0)
        if self.workload.metric == "accuracy":
            return float(np.mean(predicted.argmax(axis=1) == self.test.y))
        error = predicted.reshape(self.test.y.shape).astype("float64") - self.test.y
        return float(np.mean(np.square(error / self.workload.target_scale)))


@dataclass(frozen=True)
class Ended:
    """An epoch that has ended, by the loop that trained it.

    begun, ended: CLOCK_MONOTONIC, in s.
    loss: the mean of its images' losses.
    waited: the seconds of it in which the device stood still for want of images, where known.
    paused: the seconds before it in which `fit` did not train yet, where that is what trains.
    """

    number: int
    begun: float
    ended: float
    loss: float
    waited: float | None = None
    paused: float | None = None


# Told of each epoch, off the clock, with the model as it is then.
EpochEnd = Callable[[Ended, Any], None]


class Trainer(Protocol):
    """A mode's way to train one network, as often as it is asked to."""

    model: Any

    def train(self, task: Task) -> None:
        """Trains from where the weights stand, until `model.stop_training` at most."""

    def reset_optimizer(self) -> None:
        """Puts the optimizer's state back to its beginning."""


@dataclass(frozen=True)
class Task:
    """A training of a workload, whatever the mode.

    data: the training split.
    seed: of shuffling, where the mode does not leave that to Keras.
    synchronise: waits until the device has done all that it was given.
    epoch_end: called off the clock.
    watch: takes frames of what the network sees meanwhile, where `fit` trains.
    """

    workload: Workload
    data: Arrays
    epochs: int
    seed: int
    synchronise: Callable[[], None]
    epoch_end: EpochEnd
    watch: Watch | None = None
