"""The circles autoencoder of 2016: a picture of two discs in, the same picture out; on request.

Six convolutions of stride 1 and nothing that narrows.  The post added the squares up and had a
dropout behind the last layer; neither trains, and here both are designs that show it
(`--design loss=sum`, `--design last_dropout=0.2`).  The mean does.
"""

from __future__ import annotations

from typing import Any

from bench.workloads.design import Pooling
from bench.workloads.workload import Schedule, Workload

_IMAGE = (100, 150, 1)
_LIGHTEST = 100  # of CIE-LAB
_FILTERS = (32, 16, 16, 8, 8)


def _circles(
    keras: Any, *, filters: tuple[int, ...] = _FILTERS, pooling: Pooling | None = None
) -> Any:
    """The layers that are looked at are `features_1`, `features_2`, … and `output`.

    pooling: by two behind the first layer, which the layer before the output takes back.
    """
    layers = keras.layers
    stack = [keras.Input(_IMAGE)]
    for number, count in enumerate(filters, start=1):
        name = f"features_{number}"
        stack.append(layers.Conv2D(count, 7, padding="same", activation="relu", name=name))
        if number == 1 and pooling:
            pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
            stack.append(pool(2))
    if pooling:
        stack.append(layers.UpSampling2D(2))
    return keras.Sequential([*stack, layers.Conv2D(1, 4, padding="same", name="output")])


ON_REQUEST = (
    Workload(
        name="circles",
        dataset="circles",
        image=_IMAGE,
        scale=1 / _LIGHTEST,
        target_scale=1 / _LIGHTEST,
        batch=8,
        metric="pixel_mse",
        loss="mse",
        learning_rate=1e-3,
        build=_circles,
        schedules={
            "smoke": Schedule(epochs=3, train=16, test=8),
            "quick": Schedule(epochs=4, train=48, test=24),
            "full": Schedule(epochs=20),
        },
        parameters=48_817,
        source="a blog post of 2016 on an autoencoder of drawn circles, and its sequel",
        watched=("features_1", "features_4"),
    ),
)
