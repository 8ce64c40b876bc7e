"""A value that was measured, or the reason why it was not: never a guess, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# How a record keeps one: {"value": 61.2, "why": null} or {"value": null, "why": "a reason"}.
Kept = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, or why there is none; one of the two is None.

    value: a number, a string, a truth value or a list, as JSON has them.
    """

    value: Any
    why: str | None

    def then(self, change: Callable[[Any], Any]) -> Measured:
        """The same with its value changed; a reason stays a reason."""
        return self if self.why is not None else known(change(self.value))

    def kept(self) -> dict[str, Any]:
        """As a record keeps it."""
        return {"value": self.value, "why": self.why}


def known(value: Any) -> Measured:
    """A value that was had."""
    return Measured(value, None)


def unknown(why: str) -> Measured:
    """No value, for this reason."""
    return Measured(None, why)


def both(one: Measured, other: Measured, join: Callable[[Any, Any], Any]) -> Measured:
    """What two values make together; without one of them, its reason."""
    for each in (one, other):
        if each.why is not None:
            return each
    return known(join(one.value, other.value))


def kept(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of values as a record keeps it: each `Measured` in it as its two keys."""
    return {name: _kept(branch) for name, branch in tree.items()}


def _kept(branch: Any) -> Any:
    if isinstance(branch, Measured):
        return branch.kept()
    return kept(branch) if isinstance(branch, Mapping) else branch
