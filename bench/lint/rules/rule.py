"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bench.lint.program import Program


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a script falls into a trap, and by what it is seen.

    certain: whether it is one, else only probably.
    """

    line: int
    what: str
    certain: bool = True


Find: TypeAlias = Callable[[Program], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A trap.

    why: it misleads; do: what to do instead; both are told once for all that is found.
    find: looks for it in a script.
    """

    name: str
    trap: str
    why: str
    do: str
    find: Find
