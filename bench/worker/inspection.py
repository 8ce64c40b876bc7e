"""Inspects a network, untimed: its layers, and the learning rates at which it learns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bench.worker import devices, network, own, placement
from bench.worker.backends.backend import Backend
from bench.worker.layers import flat, products, shape
from bench.worker.messages import Done, Fault, Job, Layer, Phase, Say, Tried
from bench.worker.own.data import Split
from bench.worker.own.file import ModeError
from bench.worker.task import Arrays

# Of a learning-rate range test: from where to where, and a loss so many times the least ends it.
LEAST_RATE, MOST_RATE = 1e-6, 1.0
_BEYOND = 4.0


@dataclass(frozen=True)
class Opened:
    """A compiled model and what `fit` is given to train it.

    splits: the training and the validation data of a file of one's own.
    """

    keras: Any
    model: Any
    arguments: dict[str, Any]
    splits: tuple[Split | None, Split | None] = (None, None)


def summary(job: Job, say: Say, _wait: object = None) -> None:
    """Tells of every layer, and of what stands where it does not belong."""
    found = opened(job, say)
    for layer in flat(found.model):
        trained = sum(math.prod(each.shape) for each in layer.trainable_weights)
        every = sum(math.prod(each.shape) for each in layer.weights)
        say(Layer(layer.name, type(layer).__name__, _shape(layer), every, trained, products(layer)))
    for each in placement.faults(found.model):
        say(Fault(each.what))
    say(Done())


def learning_rates(job: Job, say: Say, _wait: object = None) -> None:
    """Trains on a batch at each of many rates, from small to large, and tells of each loss.

    Raises:
        ModeError: JAX trains, whose steps do not hear of another rate within an epoch.
    """
    if job.backend == "jax":
        raise ModeError(
            "within an epoch JAX keeps its learning rate: --backend tensorflow or torch"
        )
    found = opened(job, say)
    say(Phase("epoch 1"))
    ramp = _ramp(found.keras, job.rates, say)
    # However few batches an epoch has: the ramp ends it.
    found.model.fit(epochs=job.rates, verbose=0, callbacks=[ramp], **found.arguments)
    say(Done())


def opened(job: Job, say: Say) -> Opened:
    """Builds the model of a job, and has its data read."""
    backend, _ = devices.start(job, say)
    return _own(backend, job, say) if job.own else _published(backend, job, say)


def _published(backend: Backend, job: Job, say: Say) -> Opened:
    say(Phase("data loading"))
    workload, keras = network.workload_of(job), backend.keras
    data = Arrays.load(job.data["train"], workload)
    model = network.compiled(keras, workload, xla=backend.compiles(job))
    arguments = {"x": data.x, "y": data.y, "batch_size": workload.batch}
    return Opened(keras, model, arguments)


def _own(backend: Backend, job: Job, say: Say) -> Opened:
    assert job.own is not None
    loaded = own.load(backend, job, job.own, say)
    arguments = loaded.train.arguments(loaded.own.batch, train=True)
    can_be_called = type(loaded.model).call is not loaded.keras.Model.call
    if not loaded.model.built and can_be_called:
        with loaded.file.blamed("model()"):
            loaded.model.evaluate(verbose=0, **_one_step(arguments))
    return Opened(loaded.keras, loaded.model, arguments, (loaded.train, loaded.validation))


def _one_step(arguments: dict[str, Any]) -> dict[str, Any]:
    """A batch, by which a model without a fixed input gets its weights."""
    kept = {name: value for name, value in arguments.items() if name != "steps_per_epoch"}
    return {**kept, "steps": 1}


def _shape(layer: Any) -> str:
    """`26, 26, 32`; empty where it is not known."""
    return ", ".join("?" if each is None else str(each) for each in shape(layer) or ())


def _ramp(keras: Any, steps: int, say: Say) -> Any:
    """A callback that raises the rate by the same factor at each batch, until the loss is lost."""
    factor = (MOST_RATE / LEAST_RATE) ** (1 / max(1, steps - 1))

    class Ramp(keras.callbacks.Callback):  # type: ignore[misc]
        tried, least = 0, math.inf

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.model.reset_metrics()  # whose loss is the mean since then
            self.model.optimizer.learning_rate = LEAST_RATE * factor**self.tried

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            loss = float(logs["loss"])
            say(Tried(LEAST_RATE * factor**self.tried, loss))
            self.tried, self.least = self.tried + 1, min(self.least, loss)
            if self.tried >= steps or not loss <= _BEYOND * abs(self.least):
                self.model.stop_training = True

    return Ramp()
