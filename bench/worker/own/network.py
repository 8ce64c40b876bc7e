"""The model that `model()` returned: compiled where it is not, judged, described."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from bench.worker.backends.backend import Backend
from bench.worker.layers import flat, products
from bench.worker.messages import Job
from bench.worker.own.data import Split
from bench.worker.own.file import FileError
from bench.workloads.own import main_metric

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def keras_of(backend: Backend, returned: Any) -> Any:
    """The Keras that a model is of: Keras 3, or the one that TensorFlow has as its own.

    Raises:
        FileError: it is no model.
    """
    for module in backend.kerases:
        if isinstance(returned, module.Model):
            return module
    version = backend.keras.__version__
    raise FileError(
        f"model() returned {_no_model(returned)}, and a Keras model is expected (keras {version})"
    )


def _no_model(returned: Any) -> str:
    """What it is instead, and what is probably wrong."""
    if returned is None:
        return "None; is its `return` missing?"
    if isinstance(returned, type):
        return f"the class {returned.__name__}; are its brackets missing?"
    kind = type(returned)
    if kind.__module__.startswith("tensorflow.python.keras"):
        return f"{kind.__name__} of tensorflow.python.keras, an old copy (import tensorflow.keras)"
    first = returned[0] if isinstance(returned, tuple | list) and returned else None
    if hasattr(first, "fit"):
        return f"a {kind.__name__} with a model in it; return the model alone"
    return kind.__name__


def prepare(keras: Any, model: Any, train: Split) -> None:
    """Compiles a model that is not, and pins XLA off as on every device.

    Left to itself Keras turns XLA on wherever TensorFlow lists a GPU (bench.worker.network).

    Raises:
        FileError: nothing tells which loss is meant.
    """
    if not getattr(model, "compiled", getattr(model, "_is_compiled", False)):
        loss, metrics = _meant(keras, model, train)
        model.compile(optimizer="adam", loss=loss, metrics=metrics, jit_compile=False)
    model.jit_compile = False


def set_calls(model: Any, job: Job, *, compiles: bool) -> None:
    """Sets how `fit` calls a compiled model of Keras 3: whether by XLA, and for how many steps."""
    if compiles:
        model.jit_compile = True
    if job.steps > 1:
        model.steps_per_execution = job.steps


def _meant(keras: Any, model: Any, train: Split) -> tuple[Any, list[str]]:
    """The loss and metrics that an uncompiled model's targets and last activation ask for."""
    targets: Any = train.parts[1] if train.in_memory and len(train.parts) > 1 else None
    outputs: Any = getattr(model, "outputs", None) or ()
    if not hasattr(targets, "dtype") or len(outputs) != 1:
        raise FileError(
            "model() returned a model that is not compiled, and its loss can be told only for one "
            "output and one array of targets; compile it in model()"
        )
    last = getattr(model.layers[-1], "activation", None)
    probabilities = last in (keras.activations.softmax, keras.activations.sigmoid)
    kinds, shape, losses = targets.dtype.kind, outputs[0].shape, keras.losses
    numbered = targets.ndim < len(shape) or targets.shape[-1] == 1
    if kinds in "iu" and numbered and (shape[-1] or 0) > 1:
        return losses.SparseCategoricalCrossentropy(from_logits=not probabilities), ["accuracy"]
    if last is keras.activations.softmax:
        return losses.CategoricalCrossentropy(), ["accuracy"]
    if last is keras.activations.sigmoid and targets.ndim <= 2:
        return losses.BinaryCrossentropy(), ["accuracy"]
    if kinds == "f":
        return "mse", ["mae"]
    raise FileError(
        "model() returned a model that is not compiled, and its targets and last activation do not "
        "tell its loss; compile it in model()"
    )


def evaluate(model: Any, split: Split, batch: int | None) -> dict[str, float]:
    """The model's own metrics on validation data, by the names that Keras gives them there.

    Of one that has several numbers, as F1 of each class, it is their mean.
    """
    import numpy as np

    arguments = split.arguments(batch, train=False)
    found = model.evaluate(verbose=0, return_dict=True, **arguments)
    return {f"val_{name}": float(np.mean(value)) for name, value in found.items()}


def judged(metrics: dict[str, float], floors: tuple[str, ...]) -> str:
    """The metric that the table shows.

    floors: the metrics that are held to something.

    Raises:
        FileError: there is none of one of those.
    """
    for name in floors:
        if name not in metrics:
            raise FileError(f"FLOORS names {name!r}, and there is {', '.join(metrics)}")
    return floors[0] if floors else main_metric(metrics)


def described(model: Any, batch: int | None) -> dict[str, Any]:
    """The model's size and a hash of all that is known to define its training."""
    weights = [(str(getattr(w, "path", w.name)), [*map(int, w.shape)]) for w in model.weights]
    optimizer = model.optimizer.get_config() if getattr(model, "optimizer", None) else {}
    try:
        layers = model.to_json()
    except Exception:  # a model of one's own class says what it consists of only if it was taught
        layers = type(model).__name__
    told = json.dumps([layers, weights, batch, optimizer], sort_keys=True, default=str)
    return {
        "parameters": sum(math.prod(shape) for _, shape in weights),
        "workload_sha256": hashlib.sha256(_ADDRESS.sub("", told).encode()).hexdigest(),
    }


def flop_per_example(model: Any) -> float | None:
    """As bench.worker.network counts it; None where a layer's arithmetic is not known."""
    total, is_first = 0, True
    for layer in flat(model):
        each = products(layer)
        if each is None:
            return None
        if each:
            total += (2 if is_first else 3) * each  # the first one's input needs no gradient
            is_first = False
    return float(2 * total) or None
