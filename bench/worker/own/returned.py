"""What `data()` returned, in words, and how it has to be written where that can be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_EXPECTED = (
    "expected: ((x, y), (x_validation, y_validation)), or (train, validation) of tf.data.Dataset, "
    "PyDataset or functions that make a generator; None stands for no validation data"
)
_PAIRS = "`return (x, y), (x_validation, y_validation)`"


def described(value: Any) -> str:
    """`a tuple of 2: ndarray (60000, 28, 28), ndarray (60000,)`."""
    if isinstance(value, tuple | list):
        kind = type(value).__name__
        inner = ", ".join(map(_in_brief, value[:4])) + (", …" if len(value) > 4 else "")
        return f"a {kind} of {len(value)}: {inner}" if value else f"an empty {kind}"
    if isinstance(value, Iterator):
        return "a generator, which can be read once only (return the function that makes it)"
    return "None" if value is None else f"a {_in_brief(value)}"


def instead(value: Any) -> str:
    """How to return the same so that it is taken; where that cannot be told, what is taken."""
    rows = _rows(value)
    if isinstance(value, dict):
        return f"return its parts without their names: {_PAIRS}"
    if len(rows) == 4 and rows[0] == rows[1] and rows[2] == rows[3]:
        return f"put each x and its y in brackets: {_PAIRS}"
    if len(rows) == 4 and rows[0] == rows[2] and rows[1] == rows[3]:
        return f"train_test_split orders them otherwise; write {_PAIRS}"
    if len(rows) == 2 and rows[0] == rows[1]:
        return "for an x and its y write `return (x, y), None`: None stands for no validation data"
    if hasattr(value, "shape"):
        return "for an x alone write `return (x,), None`: None stands for no validation data"
    return _EXPECTED


def of_lists(parts: Any) -> str:
    """What to do about parts that are no arrays of numbers."""
    if any(isinstance(part, list) and part and not hasattr(part[0], "shape") for part in parts):
        return "make an array of each list: np.array(…)"
    return f"text comes in a tf.data.Dataset; {_EXPECTED}"


def _rows(value: Any) -> list[int]:
    """How many rows each array has, where it is arrays and nothing else."""
    every = value if isinstance(value, tuple | list) else ()
    shapes = [getattr(each, "shape", None) for each in every]
    return [int(shape[0]) for shape in shapes if shape] if all(shapes) else []


def _in_brief(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__ + (f" {tuple(shape)}" if isinstance(shape, tuple) else "")
