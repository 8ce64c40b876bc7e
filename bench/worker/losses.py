"""The losses that Keras does not have, as functions of targets and predictions.

Each returns a value an image, whose mean over the batch is made small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.workloads.workload import Loss

# Where pseudo-Huber turns from a square to a line, in s: optpresso's.
PSEUDO_HUBER_SECONDS = 3.0

LossFunction = Callable[[Any, Any], Any]


def of(name: Loss) -> str | LossFunction:
    """A loss as `compile` takes it: Keras' name of its own, or a function."""
    return _OTHERS.get(name, name)


def pseudo_huber(targets: Any, predicted: Any) -> Any:
    """Square where the error is small beside PSEUDO_HUBER_SECONDS, a line where it is large."""
    import tensorflow as tf

    bend = PSEUDO_HUBER_SECONDS
    each = bend**2 * (tf.sqrt(1.0 + tf.square(_error(targets, predicted) / bend)) - 1.0)
    return tf.reduce_mean(each, axis=1)


def _error(targets: Any, predicted: Any) -> Any:
    """What is missed of each value, `(images, values of an image)`."""
    import tensorflow as tf

    predicted = tf.cast(predicted, tf.float32)
    error = predicted - tf.reshape(tf.cast(targets, tf.float32), tf.shape(predicted))
    return tf.reshape(error, [tf.shape(error)[0], -1])


_OTHERS: dict[str, LossFunction] = {"pseudo_huber": pseudo_huber}
