"""The frameworks below Keras that a network is trained on, and which options each lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# As Keras names them in KERAS_BACKEND, and as their modules are called.
Backend = Literal["tensorflow", "jax", "torch"]


@dataclass(frozen=True, slots=True)
class Framework:
    """What is known of one before it is imported.

    title: as a person writes it.
    package: what pip installs it by, with CUDA.
    lacks: why it does not support an option, by the option's words.
    """

    title: str
    package: str
    lacks: Mapping[str, str] = field(default_factory=dict)


_OF_TENSORFLOW = {
    "--mode tuned": "its loop is written in TensorFlow's operations",
    "--input": "files are read by tf.data",
    "--device gpus": "one network over several GPUs is trained by TensorFlow's MirroredStrategy",
}

FRAMEWORKS: dict[Backend, Framework] = {
    "tensorflow": Framework("TensorFlow", "tensorflow[and-cuda]"),
    "jax": Framework(
        "JAX", "jax[cuda13]", {**_OF_TENSORFLOW, "--xla": "XLA compiles each of its steps anyway"}
    ),
    "torch": Framework(
        "PyTorch",
        "torch",
        {
            **_OF_TENSORFLOW,
            "--xla": "it runs without XLA",
            "--steps-per-execution": "Keras calls it for each step",
        },
    ),
}
BACKENDS: tuple[Backend, ...] = tuple(FRAMEWORKS)
