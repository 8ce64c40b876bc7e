"""What a worker needs of the framework below Keras: by itself, one device and no `tf.data`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from bench.worker.messages import Job


class Backend(Protocol):
    """A framework, imported.

    keras: with this framework below it.
    kerases: the modules that a model may be of.
    out_of_memory: what it raises where a device has no room left.
    """

    keras: Any
    version: str

    @property
    def kerases(self) -> tuple[Any, ...]:  # noqa: D102
        return (self.keras,)

    @property
    def out_of_memory(self) -> tuple[type[Exception], ...]:  # noqa: D102
        ...

    def set_precision(self, job: Job) -> None:
        """Sets what layers compute in, before any is built, alike on every device."""

    def compiles(self, job: Job) -> bool:
        """Whether `fit`'s steps are compiled whole: what `model.compile` has as `jit_compile`."""

    def numerics(self, job: Job, variables: Mapping[str, str]) -> dict[str, Any]:
        """`Pinned`'s members that the framework tells: xla, tf32, precision, and so on.

        variables: of the environment, those that change what is computed.
        """

    def gpus(self) -> list[str]:
        """The names of the GPUs that this process sees."""

    def split_cpu(self, replicas: int) -> None:
        """Makes several devices of the CPU, where there are no GPUs to try this on."""
        raise RuntimeError(f"one network over {replicas} devices is TensorFlow's alone")

    def scope(self, replicas: int) -> AbstractContextManager[Any]:
        """What a model has to be built in, to be trained over so many devices."""
        if replicas > 1:
            raise RuntimeError(f"one network over {replicas} devices is TensorFlow's alone")
        return nullcontext()

    def synchronise(self) -> None:
        """Waits until the device has done all that it was given."""

    def product(self, side: int) -> Callable[[], object]:
        """What begins a float32 product of two square matrices, which lie on the device."""

    def compiled_call(self, model: Any, example: Any, job: Job) -> Callable[[Any], list[Any]]:
        """A trained model's answers to inputs of one shape, compiled for that shape alone.

        It takes arrays in host memory and begins to answer them: `fetch` waits for the answers.

        example: NumPy arrays in the structure that the model takes.
        """

    def fetch(self, answers: list[Any]) -> list[Any]:
        """The answers as NumPy arrays in host memory, once they are there."""
        return [self.keras.ops.convert_to_numpy(each) for each in answers]

    def memory_peaks(self) -> list[int]:
        """The most memory that the framework held on each GPU, in bytes."""

    def is_dataset(self, value: Any) -> bool:  # noqa: ARG002
        """Whether it is a `tf.data.Dataset`: without TensorFlow nobody can have made one."""
        return False

    def flatten(self, structure: Any) -> list[Any]:
        """The leaves of dicts, lists and tuples."""
        leaves: list[Any] = self.keras.tree.flatten(structure)
        return leaves

    def map_structure(self, function: Callable[[Any], Any], structure: Any) -> Any:
        """The same structure, each leaf replaced."""
        return self.keras.tree.map_structure(function, structure)


def not_training(model: Any) -> dict[str, Any]:
    """What a model is told besides its input where nothing is to be dropped out, as it has it."""
    return {"training": False} if "training" in inspect.signature(model.call).parameters else {}
