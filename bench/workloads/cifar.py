"""CIFAR-10's two networks: colour photographs of 32x32 pixels, ten classes; trained on request.

`cifar_classic` is the example that Keras shipped for years.  `cifar_dense` has no convolution: wide
layers with narrow linear ones between them (Z. Lin, R. Memisevic, K. Konda, «How far can we go
without convolution», arXiv:1511.02580).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.workloads.workload import CLASSES, Schedule, Workload

_IMAGE = (32, 32, 3)
_SHIFT = 0.1  # of the height and of the width


def _classic(keras: Any, classes: int = CLASSES) -> Any:
    """Training images are shifted and flipped by layers, which pass them on when predicting."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(_IMAGE),
            layers.RandomTranslation(_SHIFT, _SHIFT, fill_mode="nearest"),
            layers.RandomFlip("horizontal"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _dense(keras: Any, classes: int = CLASSES) -> Any:
    layers = keras.layers
    stack = [keras.Input(_IMAGE), layers.Flatten()]
    for _ in range(2):
        stack += [
            layers.Dense(1024, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(256),  # the bottleneck, which is linear
        ]
    return keras.Sequential([*stack, layers.Dense(classes, activation="softmax")])


_workload = partial(
    Workload,
    dataset="cifar10",
    image=_IMAGE,
    scale=1 / 255,
    metric="accuracy",
    loss="sparse_categorical_crossentropy",
)

ON_REQUEST = (
    _workload(
        name="cifar_classic",
        batch=32,
        optimizer="RMSprop",
        learning_rate=1e-4,
        build=_classic,
        schedules={
            "smoke": Schedule(epochs=3, train=2_560, test=320),
            "quick": Schedule(epochs=5, train=5_000, test=2_000),
            "full": Schedule(epochs=50),
        },
        parameters=1_250_858,
        source="Keras' cifar10_cnn example; 75 % at 25 epochs and 79 % at 50 published",
        published=0.75,
    ),
    _workload(
        name="cifar_dense",
        batch=128,
        learning_rate=3e-4,
        build=_dense,
        schedules={
            "smoke": Schedule(epochs=3, train=1_280, test=320),
            "quick": Schedule(epochs=5, train=10_000, test=2_000),
            "full": Schedule(epochs=50),
        },
        parameters=3_937_290,
        source="bottleneck layers after arXiv:1511.02580; no figure published for this size",
    ),
)
