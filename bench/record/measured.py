"""What all types of the record share, and a value that was measured or the reason why it was not.

They are msgspec's structs: it decodes, validates and encodes them in one step, tells results apart
by their status, refuses members that it does not know and makes the JSON schema.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

NOT_RECORDED = "not recorded"

Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
Amount = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(min_length=1)]
Line = Annotated[str, Meta(pattern=r"^[^\n]+$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the record.  Nothing changes it, and nothing beside its fields is taken."""


def finite(value: float) -> float | None:
    """The value; None for NaN and the infinities, which JSON does not have."""
    return value if math.isfinite(value) else None


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
    """A value that was measured."""
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
    """A struct's JSON with a reason instead of each value that it lacks.

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
    """A part with one and the same reason instead of every value."""
    return msgspec.convert(filled(kind, {}, why), kind)
