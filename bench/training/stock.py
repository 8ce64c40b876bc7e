"""Stock: what anyone would write with Keras, one `model.fit`."""

from __future__ import annotations

import time
from typing import Any

from bench.training.task import Task


def train(keras: Any, model: Any, task: Task) -> Any:
    """Trains a compiled model, and returns it."""
    model.fit(
        task.data.x,
        task.data.y,
        batch_size=task.workload.batch,
        epochs=task.epochs,
        verbose=0,
        callbacks=[_epoch_clock(keras, task)],
    )
    return model


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
