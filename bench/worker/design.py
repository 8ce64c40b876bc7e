"""A design's changes to a network and to how it is trained, as Keras has them."""

from __future__ import annotations

from typing import Any

from bench.worker.layers import flat
from bench.workloads.design import Augment, Design

# One-cycle (L. N. Smith, arXiv:1803.09820), with the shares that fastai takes: the rate climbs from
# a 25th of its peak over the first quarter of the steps, and falls in a cosine to next to nothing.
CLIMB, FIRST, LAST = 0.25, 1 / 25, 1e-5

# How far pictures are moved, as a share of their height and width (the CIFAR-10 example of Keras).
_SHIFT = 0.1


class DesignError(Exception):
    """The network has no such part to change."""


def changed(keras: Any, model: Any, design: Design) -> Any:
    """The model with the changes that a design makes to any network, before it is compiled.

    Raises:
        DesignError: it has no dropout that could be changed.
    """
    if design.dropout is not None:
        set_dropout(keras, model, design.dropout)
    if not (design.augment or design.last_dropout):
        return model
    ahead = _moved(keras, design.augment, model.input_shape) if design.augment else []
    behind = [keras.layers.Dropout(design.last_dropout)] if design.last_dropout else []
    return keras.Sequential([keras.Input(model.input_shape[1:]), *ahead, *model.layers, *behind])


def set_dropout(keras: Any, model: Any, share: float) -> None:
    """Has every dropout layer drop this share; the weights are drawn as they were.

    Raises:
        DesignError: there is none.
    """
    found = [layer for layer in flat(model) if isinstance(layer, keras.layers.Dropout)]
    if not found:
        raise DesignError("the network has no dropout to change")
    for layer in found:
        layer.rate = share


def loss(keras: Any, published: Any, design: Design) -> Any:
    """The published loss, or its squares added up."""
    if design.loss != "sum":
        return published
    if published != "mse":
        raise DesignError("the loss has no squares to add up")

    def sum_of_squares(targets: Any, predicted: Any) -> Any:
        return keras.ops.sum(keras.ops.square(targets - predicted))

    return sum_of_squares


def learning_rate(keras: Any, rate: float, design: Design, length: int) -> Any:
    """The rate, or a schedule over so many batches that peaks at it."""
    if design.rates != "one-cycle":
        return rate
    climb = max(1, round(CLIMB * length))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate * FIRST,
        decay_steps=max(1, length - climb),
        alpha=LAST,
        warmup_target=rate,
        warmup_steps=climb,
    )


def _moved(keras: Any, how: Augment, shape: tuple[int, ...]) -> list[Any]:
    """Layers that move training images about; outside of training they do nothing."""
    layers = keras.layers
    if len(shape) != 4:
        raise DesignError("what is trained on are no images, which could be moved about")
    made = []
    if "shift" in how:
        made.append(layers.RandomTranslation(_SHIFT, _SHIFT, fill_mode="nearest"))
    if "flip" in how:
        made.append(layers.RandomFlip("horizontal"))
    return made
