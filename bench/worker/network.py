"""A workload's network, built and compiled as anyone would."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.worker import design
from bench.worker.messages import Job
from bench.workloads import EVERY
from bench.workloads.design import UNCHANGED
from bench.workloads.workload import CLASSES, Loss, Workload

LossFunction = Callable[[Any, Any], Any]

# Where pseudo-Huber turns from a square to a line, in s: optpresso's.
PSEUDO_HUBER_SECONDS = 3.0


def workload_of(job: Job) -> Workload:
    """The job's workload, with the batch and the design that it asks for."""
    published = EVERY[job.workload].for_classes(job.classes)
    if job.design != UNCHANGED:
        published = published.changed_by(job.design)
    return replace(published, batch=job.batch) if job.batch else published


def compiled(
    keras: Any, workload: Workload, *, xla: bool = False, steps: int = 1, length: int = 1
) -> Any:
    """The workload's model, freshly drawn, with XLA pinned alike on every device.

    Left to itself Keras turns XLA on wherever TensorFlow lists a GPU and off elsewhere, and the
    CPU and the GPU would not train the same program.

    xla, steps: as bench.worker.messages.Job has them.
    length: of the training, in batches, which a schedule of learning rates goes over.

    Raises:
        RuntimeError: under this Keras it is not the published network.
    """
    model = design.changed(keras, workload.build(keras), workload.design)
    compile_alike(keras, model, workload, xla=xla, steps=steps, length=length)
    expected = workload.parameters
    if expected is None:  # a design has other layers
        return model
    if workload.classes != CLASSES:  # more or fewer outputs, each with its weights and its bias
        expected += (workload.classes - CLASSES) * (model.layers[-1].kernel.shape[0] + 1)
    if model.count_params() != expected:
        raise RuntimeError(
            f"{workload.name} has {model.count_params()} parameters under this Keras; "
            f"the published network has {expected}"
        )
    return model


def compile_alike(
    keras: Any,
    model: Any,
    workload: Workload,
    *,
    xla: bool = False,
    steps: int = 1,
    length: int = 1,
) -> None:
    """Gives a model the workload's loss, optimizer and metric."""
    rate = design.learning_rate(keras, workload.learning_rate, workload.design, length)
    optimizer = getattr(keras.optimizers, workload.optimizer)
    model.compile(
        optimizer=optimizer(learning_rate=rate),
        loss=design.loss(keras, _loss_by_name(workload.loss), workload.design),
        metrics=["accuracy"] if workload.metric == "accuracy" else [],
        jit_compile=xla,
        steps_per_execution=steps,
    )


def state(model: Any) -> list[Any]:
    """Its weights and, in Keras 3, where its dropout stands in what it draws, as NumPy arrays."""
    return [variable.numpy() for variable in model.variables]


def set_state(model: Any, values: Sequence[Any]) -> None:
    """Puts a model where another of the same layers stood."""
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)


def pseudo_huber(targets: Any, predicted: Any) -> Any:
    """Square where the error is small beside PSEUDO_HUBER_SECONDS, a line where it is large.

    By operators alone, which every backend's tensors have.
    """
    bend = PSEUDO_HUBER_SECONDS
    return bend**2 * ((1.0 + ((predicted - targets) / bend) ** 2) ** 0.5 - 1.0)


def _loss_by_name(name: Loss) -> str | LossFunction:
    """A loss as `compile` takes it: Keras' name, or a function that Keras takes the mean of."""
    return pseudo_huber if name == "pseudo_huber" else name


def loss(keras: Any, workload: Workload) -> Any:
    """The workload's loss as a function of targets and predictions, averaged over a batch."""
    made = _loss_by_name(workload.loss)
    if isinstance(made, str):
        return _of_keras(keras, workload)
    ops = keras.ops
    return lambda y, predicted: ops.mean(made(ops.reshape(y, predicted.shape), predicted))


def loss_of_each(keras: Any, workload: Workload) -> Any:
    """The workload's loss as a function of targets and predictions, a value for each image.

    Of a mean Keras takes a share, in the scope of a strategy.
    """
    made = _loss_by_name(workload.loss)
    return _of_keras(keras, workload, reduction="none") if isinstance(made, str) else made


def _of_keras(keras: Any, workload: Workload, **how: str) -> Any:
    known = keras.losses
    kind = known.MeanSquaredError if workload.loss == "mse" else known.SparseCategoricalCrossentropy
    return kind(**how)


def flop_per_image(model: Any) -> float:
    """Floating point operations that training on one image takes, as the published network has it.

    A multiply-accumulate counts as two, and the layers' three products each: forward, the
    gradient of the weights, the gradient of the input.  The first layer's input needs none.
    Activations, pooling and Adam are not counted.
    """
    products = [
        math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in model.layers
        if hasattr(layer, "kernel")
    ]
    return float(2 * (3 * sum(products) - products[0]))


def described(model: Any, workload: Workload) -> dict[str, Any]:
    """The model's size and a hash of all that defines its training."""
    training = {"batch": workload.batch, "optimizer": model.optimizer.get_config()}
    if not isinstance(_loss_by_name(workload.loss), str):  # Keras' own go with the kind of network
        training["loss"] = workload.loss
    definition = model.to_json() + json.dumps(training, sort_keys=True, default=str)
    return {
        "parameters": model.count_params(),
        "workload_sha256": hashlib.sha256(definition.encode()).hexdigest(),
    }
