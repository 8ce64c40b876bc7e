"""The process that trained, and what it set."""

from __future__ import annotations

import msgspec

from bench.record.measured import NOT_RECORDED, Number, Part
from bench.workloads.backend import FRAMEWORKS, Backend


class Pinned(Part, frozen=True, kw_only=True):
    """What the worker set, as it saw it.

    program: number of the mode's way to train; 1 where it is not told.
    xla: whether XLA compiled.
    tf32: whether TF32 was allowed.
    precision: of the arithmetic.
    deterministic_ops: whether they were asked for.
    threads: that an operation is spread over.
    environment: variables that change what is computed, or how fast.
    """

    program: Number = 1
    xla: bool
    tf32: bool
    precision: str
    deterministic_ops: bool
    threads: Number
    environment: dict[str, str]

    @property
    def variables(self) -> str:
        """`OMP_NUM_THREADS=1 TF_ENABLE_ONEDNN_OPTS=0`: those that somebody set; "" for none."""
        given = {name: v for name, v in self.environment.items() if name != "CUDA_VISIBLE_DEVICES"}
        return " ".join(f"{name}={value}" for name, value in sorted(given.items()))


class Framework(Part, frozen=True, kw_only=True):
    """What is below Keras: the version of one of these, the others are null.

    tensorflow: TensorFlow's.
    jax: JAX's.
    torch: PyTorch's.
    """

    tensorflow: str | None = None
    jax: str | None = None
    torch: str | None = None

    @property
    def backend(self) -> Backend:
        """As Keras names it."""
        return "jax" if self.jax else "torch" if self.torch else "tensorflow"

    @property
    def framework(self) -> str:
        """As a person writes it."""
        return FRAMEWORKS[self.backend].title

    @property
    def version(self) -> str:
        """The framework's."""
        return self.jax or self.torch or self.tensorflow or NOT_RECORDED


class Worker(Framework, frozen=True, kw_only=True):
    """The process that trained.

    tensorflow: its version; null where another backend trained.
    jax: the same of JAX.
    torch: the same of PyTorch.
    python: its version.
    interpreter: its path.
    keras: its version.
    numpy: its version.
    device: as the backend calls it.
    replicas: how many devices the training spans.
    image: that it ran in, with its digest; null outside of containers.
    pinned: what it set.
    libraries: that it had loaded and that are not its environment's own: version and folder.
    """

    python: str
    interpreter: str
    keras: str
    numpy: str
    device: str
    replicas: Number = 1
    image: str | None = None
    pinned: Pinned
    libraries: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def foreign(self) -> str:
        """`libcudnn.so.9 9.1.0 in /opt/cuda/lib64`, all of them; "" for none."""
        return ", ".join(f"{name} {what}" for name, what in sorted(self.libraries.items()))
