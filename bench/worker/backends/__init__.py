"""The framework below Keras: TensorFlow, JAX or PyTorch, each behind one protocol.

Of the three the job's alone is imported.
"""

from __future__ import annotations

import sys
from typing import Any

from bench.worker.backends.backend import Backend
from bench.worker.backends.on_jax import Jax
from bench.worker.backends.on_tensorflow import TensorFlow
from bench.worker.backends.on_torch import Torch
from bench.worker.messages import Job
from bench.workloads.backend import FRAMEWORKS

__all__ = ["Backend", "Jax", "TensorFlow", "Torch", "load", "tensorflow", "title"]

_CLASSES: dict[str, type[TensorFlow | Jax | Torch]] = {
    "tensorflow": TensorFlow,
    "jax": Jax,
    "torch": Torch,
}


def title(job: Job) -> str:
    """What a person calls the job's."""
    return FRAMEWORKS[job.backend].title


def load(job: Job) -> Backend:
    """Imports Keras with the job's framework, and sets what layers compute in."""
    if job.backend != "tensorflow":
        modules: dict[str, Any] = sys.modules
        modules["tensorflow"] = None  # Keras takes it into use wherever it finds it
    backend = _CLASSES[job.backend]()
    backend.set_precision(job)
    return backend


def tensorflow(backend: Backend) -> Any:
    """TensorFlow's module, for what is written in its operations.

    Raises:
        RuntimeError: it is another that trains.
    """
    if not isinstance(backend, TensorFlow):
        raise RuntimeError(f"this takes TensorFlow, and {type(backend).__name__} trains")
    return backend.tf
