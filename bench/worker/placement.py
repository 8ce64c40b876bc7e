"""Where dropout stands in a network: behind a ReLU and before the layer that weighs its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.worker.layers import flat

# What only reorders or reshapes stands between layers without parting them.
_TRANSPARENT = ("Flatten", "Reshape", "Permute", "Dropout", "SpatialDropout2D", "GaussianDropout")
_DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout")
_RELUS = ("ReLU", "LeakyReLU", "PReLU", "ELU")


def faults(model: Any) -> Iterator[str]:
    """What is wrong with where a model's dropout layers stand, a line each."""
    layers = flat(model)
    for at, layer in enumerate(layers):
        if type(layer).__name__ not in _DROPOUTS:
            continue
        if not any(each.weights for each in layers[at + 1 :]):
            yield (
                f"dropout behind the last layer ({layer.name}): it blanks what the network puts "
                "out; move it before the last layer"
            )
        elif (after := _next(layers, at)) is not None and _is_relu(after):
            yield (
                f"dropout before the ReLU ({layer.name}, before {after.name}): it belongs behind "
                "it, and before the next layer with weights"
            )


def _next(layers: Sequence[Any], at: int) -> Any | None:
    """The next layer that does something."""
    later = layers[at + 1 :]
    return next((each for each in later if type(each).__name__ not in _TRANSPARENT), None)


def _is_relu(layer: Any) -> bool:
    named = getattr(getattr(layer, "activation", None), "__name__", "")
    bare = type(layer).__name__ == "Activation" and named in ("relu", "leaky_relu", "elu")
    return bare or type(layer).__name__ in _RELUS
