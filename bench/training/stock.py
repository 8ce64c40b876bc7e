"""Stock: what anyone would write with Keras, one `model.fit`."""

from __future__ import annotations

import time
from typing import Any

from bench.training.task import Task


class Stock:
    """Trains one compiled model, as often as it is asked to."""

    def __init__(self, keras: Any, model: Any) -> None:
        self._keras = keras
        self.model = model

    def train(self, task: Task) -> None:
        """Trains from where the weights stand, on the task's images and labels."""
        self.model.fit(
            task.data.x,
            task.data.y,
            batch_size=task.workload.batch,
            epochs=task.epochs,
            verbose=0,
            callbacks=[_epoch_clock(self._keras, task)],
        )

    def forget(self) -> None:
        """Has the optimizer begin anew: all that it keeps begins at nought, but for its rate."""
        import numpy as np

        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        for state in optimizer.variables:
            dtype = getattr(state.dtype, "name", state.dtype)  # Keras 3 has names, Keras 2 types
            state.assign(np.zeros(state.shape, dtype))
        optimizer.learning_rate = rate


def _epoch_clock(keras: Any, task: Task) -> Any:
    """A callback with epoch hooks only: batch hooks would make Keras synchronise every batch."""

    class EpochClock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            task.synchronise()
            self.begun = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            task.synchronise()
            ended = time.perf_counter()
            # The clock stands from here until the next on_epoch_begin.
            task.epoch_end(epoch + 1, self.begun, ended, float(logs["loss"]), self.model)

    return EpochClock()
