"""What JAX and PyTorch have in common below Keras 3: one device, and no `tf.data`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class OnKeras:
    """The members of `Backend` that Keras itself has."""

    keras: Any

    @property
    def kerases(self) -> tuple[Any, ...]:  # noqa: D102
        return (self.keras,)

    def split_cpu(self, replicas: int) -> None:  # noqa: D102
        raise RuntimeError(f"one network over {replicas} devices is TensorFlow's alone")

    def scope(self, replicas: int) -> AbstractContextManager[Any]:  # noqa: D102
        if replicas > 1:
            raise RuntimeError(f"one network over {replicas} devices is TensorFlow's alone")
        return nullcontext()

    def fetch(self, answers: list[Any]) -> list[Any]:  # noqa: D102
        return [self.keras.ops.convert_to_numpy(each) for each in answers]

    def is_dataset(self, value: Any) -> bool:  # noqa: ARG002, D102
        return False  # TensorFlow is not imported: nobody can have made one

    def flatten(self, structure: Any) -> list[Any]:  # noqa: D102
        leaves: list[Any] = self.keras.tree.flatten(structure)
        return leaves

    def map_structure(self, function: Callable[[Any], Any], structure: Any) -> Any:  # noqa: D102
        return self.keras.tree.map_structure(function, structure)


def not_training(model: Any) -> dict[str, Any]:
    """What a model is told besides its input where nothing is to be dropped out, as it has it."""
    return {"training": False} if "training" in inspect.signature(model.call).parameters else {}
