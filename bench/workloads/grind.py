"""Grind's network: a photograph of ground coffee in, the seconds its espresso will take out.

From the optpresso project's third day (2020-11-23).  Raw pixels 0..255, no scaling, as published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.workloads.workload import INPUTS, Schedule, Workload

_IMAGE = (255, 255, 3)


def _post(keras: Any) -> Any:
    """LeakyReLU's slope is 0.3 by default in every Keras, and named otherwise in Keras 2 and 3."""
    layers = keras.layers
    stack = [keras.Input(_IMAGE)]
    for filters in (32, 64, 128):
        stack += [
            layers.Conv2D(filters, 3),
            layers.LeakyReLU(),
            layers.MaxPooling2D(),
        ]
    stack += [
        layers.Flatten(),
        layers.Dense(128),
        layers.LeakyReLU(),
        layers.Dropout(0.5),
        layers.Dense(1),
    ]
    return keras.Sequential(stack)


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
