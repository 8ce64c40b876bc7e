"""Grind's network: a photograph of ground coffee in, the seconds its espresso will take out.

From the optpresso project's third day (2020-11-23).  Raw pixels 0..255, no scaling, as published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.workloads.design import Pooling
from bench.workloads.workload import INPUTS, Schedule, Workload

_IMAGE = (255, 255, 3)


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


WORKLOADS = (
    Workload(
        name="post",
        dataset="grind",
        image=_IMAGE,
        scale=None,
        batch=16,
        metric="mse",
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
