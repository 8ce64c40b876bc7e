"""What a framework raises of the machine, told by names: its module may not be the job's."""

from __future__ import annotations

# Of JAX, and of PyTorch, which tells of a lost GPU by its own.  TensorFlow's have an error code.
_OF_BACKENDS = {"JaxRuntimeError", "XlaRuntimeError", "OutOfMemoryError", "AcceleratorError"}


def of_backend(error: BaseException) -> bool:
    """Whether the framework itself raised it: memory ran out, a GPU was lost."""
    return hasattr(error, "error_code") or type(error).__name__ in _OF_BACKENDS


def is_of_memory(error: BaseException) -> bool:
    """Whether it is that a device has no room left."""
    exhausted = type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
    return exhausted or (of_backend(error) and str(error).startswith("RESOURCE_EXHAUSTED"))
