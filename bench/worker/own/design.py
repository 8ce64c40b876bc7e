"""The changes that any model of one's own takes: images, learning rate, dropout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.worker.design import set_dropout
from bench.worker.own.data import Split
from bench.worker.own.file import ModeError
from bench.workloads.design import OF_ANY, Design


def cut(split: Split, images: int | None) -> Split:
    """The first examples.

    Raises:
        ModeError: they come in batches.
    """
    if images is None or images >= split.examples:
        return split
    if not split.in_memory:
        raise ModeError(f"data() returns a {split.kind}, and images can be chosen of arrays alone")
    parts = tuple(_first(each, images) for each in split.parts)
    return replace(split, parts=parts, examples=images)


def _first(part: Any, count: int) -> Any:
    if isinstance(part, dict):
        return {name: _first(each, count) for name, each in part.items()}
    if isinstance(part, tuple | list):
        return type(part)(_first(each, count) for each in part)
    return part[:count]


def change(keras: Any, model: Any, design: Design) -> None:
    """Sets a compiled model's rate and dropout.

    Raises:
        ModeError: the design changes what only the file can.
        DesignError: it has no dropout.
    """
    others = [name for name in design.changed if name not in OF_ANY]
    if others:
        raise ModeError(f"{others[0]} is the file's to change")
    if design.learning_rate is not None:
        model.optimizer.learning_rate = design.learning_rate
    if design.dropout is not None:
        set_dropout(keras, model, design.dropout)
