"""MNIST's four networks: 28x28 grey digits, ten classes.

Layers, training and known results are those of the sources that each entry names.  All train on
all 60,000 images, scaled to 0..1 before training as every one of those sources does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.workloads.workload import CLASSES, Schedule, Workload

_IMAGE = (28, 28, 1)
_SMOKE = Schedule(epochs=3, train=6_000, test=2_000)
_QUICK = Schedule(epochs=4)


def _mlp(keras: Any, classes: int = CLASSES) -> Any:
    layers = keras.layers
    initial = keras.initializers.RandomNormal(stddev=0.05)
    return keras.Sequential(
        [
            keras.Input(_IMAGE),
            layers.Flatten(),
            layers.Dense(784, activation="relu", kernel_initializer=initial),
            layers.Dense(classes, activation="softmax", kernel_initializer=initial),
        ]
    )


def _cnn_simple(keras: Any, classes: int = CLASSES) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(_IMAGE),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _cnn_large(keras: Any, classes: int = CLASSES) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(_IMAGE),
            layers.Conv2D(30, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(15, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(50, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _convnet(keras: Any, classes: int = CLASSES) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(_IMAGE),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(classes, activation="softmax"),
        ]
    )


_workload = partial(
    Workload,
    dataset="mnist",
    image=_IMAGE,
    scale=1 / 255,
    metric="accuracy",
    loss="sparse_categorical_crossentropy",
    learning_rate=1e-3,
)

WORKLOADS = (
    _workload(
        name="mlp",
        batch=200,
        build=_mlp,
        schedules={"smoke": _SMOKE, "quick": _QUICK, "full": Schedule(epochs=10)},
        parameters=623_290,
        source="the Keras tutorials' baseline perceptron; error 1.74-1.91 % published",
        published=0.975,
    ),
    _workload(
        name="cnn_simple",
        batch=200,
        build=_cnn_simple,
        schedules={"smoke": _SMOKE, "quick": _QUICK, "full": Schedule(epochs=10)},
        parameters=592_074,
        source="the Keras tutorials' simple CNN; error 1.03 % published",
        published=0.980,
    ),
    _workload(
        name="cnn_large",
        batch=200,
        build=_cnn_large,
        schedules={"smoke": _SMOKE, "quick": _QUICK, "full": Schedule(epochs=10)},
        parameters=59_933,
        source="the Keras tutorials' larger CNN; error 0.77-0.99 % published",
        published=0.987,
    ),
    _workload(
        name="convnet",
        batch=128,
        build=_convnet,
        schedules={"smoke": _SMOKE, "quick": _QUICK, "full": Schedule(epochs=15)},
        parameters=34_826,
        source="keras.io, mnist_convnet; accuracy 99.22 % published with a tenth held out",
        published=0.987,
    ),
)
