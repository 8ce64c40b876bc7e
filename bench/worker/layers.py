"""The layers of a model, whoever built it, and their arithmetic."""

from __future__ import annotations

import math
from typing import Any

# Layers whose arithmetic is counted, and those whose weights take next to none.
_COUNTED = ("Dense", "Conv1D", "Conv2D", "Conv3D")
_FREE = ("BatchNormalization", "LayerNormalization", "Embedding", "PReLU", "Normalization")


def products(layer: Any) -> int | None:
    """Multiply-accumulates of a layer for one example, forward; None where they are not known."""
    if not layer.weights or type(layer).__name__ in _FREE:
        return 0
    places = (shape(layer) or (None, None))[:-1]  # that a kernel is applied at
    if type(layer).__name__ not in _COUNTED or None in places:
        return None
    return int(math.prod((*layer.kernel.shape, *places)))


def shape(layer: Any) -> tuple[int | None, ...] | None:
    """What it puts out for one example; None where that is not known."""
    try:
        return tuple(layer.output.shape[1:])
    except (AttributeError, ValueError, RuntimeError):  # it was called in a model of one's own
        return None


def flat(model: Any) -> list[Any]:
    """Its layers, and those of models in it."""
    inner = getattr(model, "layers", None)
    return [model] if inner is None else [each for layer in inner for each in flat(layer)]
