"""Stock: what anyone would write with Keras, one `model.fit`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from bench.worker.task import Ended, EpochEnd, Task
from bench.worker.watching import Watch

# Raised whenever this file changes what an epoch takes, as tuned's is.
PROGRAM = 1


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
            callbacks=[epoch_clock(self._keras, task.synchronise, task.epoch_end, task.watch)],
        )

    def reset_optimizer(self) -> None:
        """Puts the optimizer's state back to its beginning: zeros, all but the rate."""
        import numpy as np

        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        for state in optimizer.variables:
            dtype = getattr(state.dtype, "name", state.dtype)  # Keras 3 has names, Keras 2 types
            state.assign(np.zeros(state.shape, dtype))
        optimizer.learning_rate = rate


def epoch_clock(
    keras: Any, synchronise: Callable[[], None], epoch_end: EpochEnd, watch: Watch | None = None
) -> Any:
    """A callback that times each epoch from its first batch to its end."""

    class EpochClock(_EpochClock, keras.callbacks.Callback):  # type: ignore[misc]
        pass

    return EpochClock(keras, synchronise, epoch_end, watch)


def loss_in(logs: Mapping[str, Any]) -> tuple[str, float]:
    """What `fit` tells of an epoch's loss, with its name: one's own step may call it `d_loss`."""
    losses = (name for name in logs if name.endswith("loss") and not name.startswith("val_"))
    name = "loss" if "loss" in logs else next(chain(losses, logs), "loss")
    return name, float(logs.get(name, math.nan))


class _EpochClock:
    """The callback's hooks.

    What passes before the first batch is told apart.  Only there does `fit` let go of the input
    pipeline of the epoch before, and it waits until the pipeline's autotuner has ended.  That
    thread sleeps for twice as long each time, up to a minute, and may miss that it is told to end:
    tf.data's OptimizeLoop is woken before its CancellationManager says that it is cancelled, looks,
    and sleeps on.  So behind an epoch of 1.5 s there is a second of nothing, or there is not.

    The hooks are those of epochs only: batch hooks would make Keras synchronise every batch.  So
    the first batch is seen by `model.train_function`, which `fit` calls for each: for one call of
    an epoch this stands in its place; where somebody watches, for all, and the clock stands still
    while a frame is taken.
    """

    model: Any  # Keras sets it

    def __init__(
        self, keras: Any, synchronise: Callable[[], None], epoch_end: EpochEnd, watch: Watch | None
    ) -> None:
        super().__init__()
        self._keras = keras
        self._synchronise = synchronise
        self._epoch_end = epoch_end
        self._watch = watch
        self._steps = 0
        self.loss_name = "loss"

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self._synchronise()
        if self._watch and epoch == 0:
            self._watch.take(self.model, 0)
        self._stood = 0.0
        self._asked = self._begun = time.perf_counter()
        self._trained = self.model  # within an epoch JAX's callbacks must not ask for it
        self._train_function = self._trained.train_function
        self._trained.train_function = self._first_batch

    def _first_batch(self, *given: Any) -> Any:  # JAX's takes the weights, too
        self._begun = time.perf_counter()
        self._trained.train_function = self._watched if self._watch else self._train_function
        return self._trained.train_function(*given)

    def _watched(self, *given: Any) -> Any:
        assert self._watch
        logs = self._train_function(*given)
        self._steps += 1
        if self._steps % self._watch.every == 0:
            self._synchronise()
            stopped = time.perf_counter()
            self._watch.take(self._trained, self._steps)
            self._stood += time.perf_counter() - stopped
        return logs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._synchronise()
        ended, paused = time.perf_counter(), self._begun - self._asked
        self._must_have_timed()
        # The clock stands from here until the next epoch's first batch.
        self.loss_name, loss = loss_in(logs or {})
        begun = self._begun + self._stood
        self._epoch_end(Ended(epoch + 1, begun, ended, loss, paused=paused), self.model)

    def _must_have_timed(self) -> None:
        if self._watch and self.model.train_function == self._watched:
            self.model.train_function = self._train_function
        if self.model.train_function is not self._train_function:
            raise RuntimeError(
                f"Keras {self._keras.__version__} trained an epoch without `model.train_function`, "
                "by which its first batch is timed; use an older Keras, or --mode tuned"
            )
