"""The process that trained, and what it set."""

from __future__ import annotations

from bench.record.measured import Number, Part


class Pinned(Part, frozen=True, kw_only=True):
    """What the worker set, as it saw it.

    program: number of the mode's way to train; 1 where it is not told.
    xla: whether XLA compiled.
    tf32: whether TF32 was allowed.
    precision: of the arithmetic.
    deterministic_ops: whether they were asked for.
    threads: that TensorFlow spreads an operation over.
    environment: variables that change what TensorFlow computes, or how fast.
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


class Worker(Part, frozen=True, kw_only=True):
    """The process that trained.

    python: its version.
    interpreter: its path.
    tensorflow: its version.
    keras: its version.
    numpy: its version.
    device: as TensorFlow calls it.
    replicas: how many devices the training spans.
    image: that it ran in, with its digest; null outside of containers.
    pinned: what it set.
    """

    python: str
    interpreter: str
    tensorflow: str
    keras: str
    numpy: str
    device: str
    replicas: Number = 1
    image: str | None = None
    pinned: Pinned
