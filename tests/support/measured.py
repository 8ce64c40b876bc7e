"""What was measured, by its place in a part of the record."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from bench.record.measured import Measured, Part


def leaves(part: Part, path: str = "") -> Iterator[tuple[str, Measured[Any]]]:
    """Every measured value of a part with its place: `energy.gross`."""
    for name in part.__struct_fields__:
        member = getattr(part, name)
        if isinstance(member, Measured):
            yield path + name, member
        elif isinstance(member, Part):
            yield from leaves(member, f"{path}{name}.")


def places(part: Part) -> set[str]:
    """Where its measured values stand."""
    return {path for path, _ in leaves(part)}


def value(part: Part, path: str) -> Any:
    """What stands at a place; there must be a value."""
    leaf = attrgetter(path)(part)
    assert leaf.why is None, f"{path}: {leaf.why}"
    return leaf.value


def why(part: Part, path: str) -> str:
    """Why there is no value at a place."""
    leaf = attrgetter(path)(part)
    assert leaf.value is None
    return str(leaf.why)
