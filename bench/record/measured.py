"""A value that was measured, or the reason why it was not: never a guess, never a crash."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from bench.record.fields import Part, Text

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
V = TypeVar("V")
P = TypeVar("P", bound=Part)


class Measured(Part, Generic[T_co], frozen=True):
    """A value, or the reason why there is none; one of the two is null.

    value: what was measured.
    why: the reason, as `not supported by this GPU`.
    """

    value: T_co | None
    why: Text | None

    def __post_init__(self) -> None:
        """Holds it to being one of the two."""
        if (self.value is None) == (self.why is None):
            raise ValueError("a value or the reason why there is none, one of the two, is needed")

    def then(self, change: Callable[[T_co], U]) -> Measured[U]:
        """The same with its value changed; a reason stays a reason."""
        return unknown(self.why) if self.value is None else known(change(self.value))


def known(value: T) -> Measured[T]:
    """A value that was had."""
    return Measured(value, None)


def unknown(why: str | None) -> Measured[T]:
    """No value, for this reason."""
    return Measured(None, why)


def both(one: Measured[T], other: Measured[U], join: Callable[[T, U], V]) -> Measured[V]:
    """What two values make together; without one of them, its reason."""
    if one.value is None or other.value is None:
        return unknown(one.why or other.why)
    return known(join(one.value, other.value))


@functools.cache
def hints(kind: Any) -> dict[str, Any]:
    """The types of a struct's fields."""
    return get_type_hints(kind)


def filled(kind: Any, tree: dict[str, Any], why: str) -> dict[str, Any]:
    """A struct's JSON with a reason in the place of each value that it lacks.

    kind: the struct; what is no value but may be null is null.
    """
    made = dict(tree)
    for name, hint in hints(kind).items():
        if get_origin(hint) is Measured:
            made.setdefault(name, {"value": None, "why": why})
        elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            made[name] = filled(hint, made.get(name, {}), why)
        elif type(None) in get_args(hint):
            made.setdefault(name, None)
    return made


def unmeasured(kind: type[P], why: str) -> P:
    """A part with one and the same reason in the place of every value."""
    return msgspec.convert(filled(kind, {}, why), kind)
