"""Grind's networks: a photograph of ground coffee in, the seconds its espresso will take out.

From the optpresso project's history.  `post` is its third day's (2020-11-23) and takes raw pixels
0..255, as published; `strided`, `nvidia2` and `last` came later and are trained on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bench.workloads.design import Pooling
from bench.workloads.workload import INPUTS, Schedule, Workload

_IMAGE = (255, 255, 3)
_LATER_IMAGE = (240, 320, 3)  # of frames of 480x640: their aspect is kept
# Of the real frames, red, green and blue.
_MEAN_PIXEL = (202.56, 149.31, 69.49)
# What the last layers begin with: of `strided` as published, of `last` the mean of the 647 real
# shots, so that the first guess is the mean predictor's.
_STRIDED_BIAS, _MEAN_SECONDS = 30.0, 31.8


def _post(
    keras: Any,
    *,
    image: tuple[int, int, int] = _IMAGE,
    filters: tuple[int, ...] = (32, 64, 128),
    pooling: Pooling = "max",
    dense: tuple[int, ...] = (128,),
) -> Any:
    """LeakyReLU's slope is 0.3 by default in every Keras, and named otherwise in Keras 2 and 3."""
    layers = keras.layers
    pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    stack = [keras.Input(image)]
    for count in filters:
        stack += [layers.Conv2D(count, 3), layers.LeakyReLU(), pool(2)]
    stack.append(layers.Flatten())
    for units in dense:
        stack += [layers.Dense(units), layers.LeakyReLU()]
    return keras.Sequential([*stack, layers.Dropout(0.5), layers.Dense(1)])


def _strided(keras: Any) -> Any:
    """Of 2020-12-06: strides instead of pooling."""
    layers = keras.layers
    stack = [keras.Input(_LATER_IMAGE)]
    for filters, side, stride in ((32, 8, 4), (64, 4, 2), (128, 2, 1)):
        stack += [layers.Conv2D(filters, side, strides=stride), layers.LeakyReLU()]
    stack += [layers.Flatten()]
    for _ in range(2):
        stack += [layers.Dense(128), layers.LeakyReLU()]
    stack += [layers.Dropout(0.5), _seconds(keras, _STRIDED_BIAS)]
    return keras.Sequential(stack)


def _nvidia2(keras: Any) -> Any:
    """After NVIDIA's network that steers cars: strides, and dense layers that narrow."""
    layers = keras.layers
    filters = ((24, 5), (36, 5), (48, 5), (64, 3), (64, 3), (64, 3))
    return keras.Sequential(
        [
            keras.Input(_LATER_IMAGE),
            *(_halving(keras, *each) for each in filters),
            layers.Flatten(),
            *(layers.Dense(units, activation="relu") for units in (100, 50, 10)),
            layers.Dense(1),
        ]
    )


def _last(keras: Any) -> Any:
    """Of version 0.0.1 (2021-12): what a photograph shows does not depend on how it is turned.

    The turning is layers of the network, on the clock and on the device, and off when predicting;
    so is the scaling, and a saved model has both.
    """
    layers = keras.layers
    scaled_mean = [-value / 255 for value in _MEAN_PIXEL]
    later = ((48, 5), (48, 5), (64, 3), (64, 3), (128, 3), (128, 3))
    return keras.Sequential(
        [
            keras.Input(_LATER_IMAGE),
            layers.Rescaling(1 / 255, offset=scaled_mean),
            layers.RandomFlip("horizontal_and_vertical"),
            layers.RandomRotation(0.5, fill_mode="reflect"),  # half a turn either way
            layers.Conv2D(32, 5, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            *(_halving(keras, *each) for each in later),
            layers.Flatten(),
            *_dropped_out(keras, (128, 96, 64)),
            _seconds(keras, _MEAN_SECONDS),
        ]
    )


def _halving(keras: Any, filters: int, side: int) -> Any:
    return keras.layers.Conv2D(filters, side, strides=2, padding="same", activation="relu")


def _dropped_out(keras: Any, sizes: Sequence[int]) -> list[Any]:
    layers = keras.layers
    pairs = [(layers.Dense(units, activation="relu"), layers.Dropout(0.5)) for units in sizes]
    return [layer for pair in pairs for layer in pair]


def _seconds(keras: Any, bias: float) -> Any:
    """The last layer, whose first guess is about `bias`."""
    return keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(bias))


_workload = partial(
    Workload, dataset="grind", image=_LATER_IMAGE, scale=None, metric="mse", loss="mse"
)

WORKLOADS = (
    _workload(
        name="post",
        image=_IMAGE,
        batch=16,
        learning_rate=1e-4,
        build=_post,
        schedules={
            "smoke": Schedule(epochs=3, train=32, test=24),
            "quick": Schedule(epochs=25),
            "full": Schedule(epochs=200),
        },
        parameters=14_839_105,
        source="the optpresso project's blog post of 2020-11-23 and its history",
    ),
)

# The same network on the same images, read as files in every epoch; trained where it is asked for.
FROM_FILES = tuple(
    replace(WORKLOADS[0], name=f"post_files_{name}", input=place, learns_like="post")
    for place, name in zip(INPUTS, ("memory", "disk", "data_dir"), strict=True)
)

# The later networks, trained where `-k` names them.
ON_REQUEST = (
    _workload(
        name="strided",
        batch=16,
        learning_rate=1e-4,
        build=_strided,
        schedules=WORKLOADS[0].schedules,
        parameters=16_456_289,
        source="the optpresso project's history, 2020-12-06",
    ),
    _workload(
        name="nvidia2",
        batch=16,
        learning_rate=3e-4,
        build=_nvidia2,
        schedules=WORKLOADS[0].schedules,
        parameters=301_947,
        source="the optpresso project's history, its network after NVIDIA's of 2016",
    ),
    _workload(
        name="last",
        batch=128,
        loss="pseudo_huber",
        learning_rate=3e-4,
        build=_last,
        schedules={
            "smoke": Schedule(epochs=3, train=32, test=24),
            "quick": Schedule(epochs=10),
            "full": Schedule(epochs=500),
        },
        parameters=731_201,
        source="the optpresso project's last version, 0.0.1 of 2021-12",
    ),
)
