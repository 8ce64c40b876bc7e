"""Tuned, for a model of one's own: what of it does not depend on the network (bench.worker.tuned).

The arrays lie on the device, one call trains a whole epoch, XLA compiles it on a GPU, Adam is one
kernel a weight.  What pooling and activation have to do is left as the model has it.
"""

from __future__ import annotations

import numbers
from typing import Any

from bench.worker import tuned
from bench.worker.messages import Job
from bench.worker.own.data import DEFAULT_BATCH, Split
from bench.worker.own.network import flop_per_example
from bench.worker.task import EpochEnd

# What `FusedAdam` computes: Adam's other settings would make it another training.
_PLAIN_ADAM = {
    "weight_decay": (None, 0.0),
    "clipnorm": (None,),
    "global_clipnorm": (None,),
    "clipvalue": (None,),
    "use_ema": (False, None),
    "amsgrad": (False,),
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
}


def why_not(tf: Any, keras: Any, model: Any, train: Split, replicas: int) -> str | None:
    """Why a training cannot be tuned; None where it can."""
    if not train.in_memory:
        return f"data() returns a {train.kind}, and tuned takes arrays in memory"
    leaves = tf.nest.flatten(train.parts)
    if len(train.parts) != 2 or len(leaves) != 2:
        return "it takes one array of inputs and one of targets, without weights"
    if any(each.dtype.kind not in "iubf" for each in leaves):
        return "its arrays hold text, which stays on the CPU"
    for method in ("train_step", "compute_loss", "fit"):
        if getattr(type(model), method) != getattr(keras.Model, method):
            return f"the model has a {method} of its own"
    if replicas > 1:
        return "it trains on one device"
    return _why_not_its_step(keras, model)


def _why_not_its_step(keras: Any, model: Any) -> str | None:
    if type(model.optimizer) is not keras.optimizers.Adam:
        return f"its optimizer is {type(model.optimizer).__name__}, and tuned has Adam alone"
    config = model.optimizer.get_config()
    if not isinstance(config["learning_rate"], numbers.Real):
        return "its learning rate follows a schedule"
    for name, plain in _PLAIN_ADAM.items():
        if name in config and config[name] not in plain:
            return f"its Adam has {name}={config[name]}"
    if model.run_eagerly:
        return "it is compiled with run_eagerly"
    if any("float32" not in str(variable.dtype) for variable in model.trainable_variables):
        return "its weights are not float32"
    return None


class OwnTuned:
    """Trains a compiled, built model of one's own on arrays."""

    def __init__(self, tf: Any, model: Any, train: Split, batch: int | None) -> None:
        self._model = model
        x, y = (_as_fit_takes(array) for array in train.parts)
        if y.ndim == 1 and len(model.output_shape) == 2 and model.output_shape[-1] == 1:
            y = y[:, None]  # as `fit` does, lest targets and predictions are broadcast
        self._labels = tf.constant(y)
        size, flop = batch or DEFAULT_BATCH, flop_per_example(model)
        keeps_state = len(model.non_trainable_variables) > _seeds(model)
        self._epoch = tf.function(
            tuned.epoch_in_one_call(
                tf,
                model,
                lambda targets, predicted: model.compute_loss(None, targets, predicted, None),
                tuned.FusedAdam(tf, model.optimizer.get_config(), model.trainable_variables),
                x,
                size,
                halved=flop is not None and not keeps_state and tuned.halves_pay(tf, flop, size),
            ),
            jit_compile=tuned.uses_xla(tf),
            autograph=False,
        )
        self._tf = tf

    def train(self, job: Job, epoch_end: EpochEnd) -> None:
        """Trains from where the weights stand."""
        synchronise = self._tf.test.experimental.sync_devices
        for ended in tuned.timed(self._tf, self._epoch, self._labels, job, synchronise):
            epoch_end(ended, self._model)


def _seeds(model: Any) -> int:
    """How many of the variables that are not trained are dropout's random states."""
    return sum("seed" in str(getattr(v, "path", v.name)) for v in model.non_trainable_variables)


def _as_fit_takes(array: Any) -> Any:
    return array.astype("float32") if array.dtype.kind == "f" else array
