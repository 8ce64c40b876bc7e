"""The losses that Keras does not have, as functions of targets and predictions.

Each takes tensors of one shape, and Keras makes the mean of its values small.
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
    """Square where the error is small beside PSEUDO_HUBER_SECONDS, a line where it is large.

    By operators alone, which every backend's tensors have.
    """
    bend = PSEUDO_HUBER_SECONDS
    return bend**2 * ((1.0 + ((predicted - targets) / bend) ** 2) ** 0.5 - 1.0)


_OTHERS: dict[str, LossFunction] = {"pseudo_huber": pseudo_huber}
