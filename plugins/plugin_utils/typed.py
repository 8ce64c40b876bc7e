"""Converts between builtins, as Ansible passes them, and the types that the plugins work with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from .requirements import msgspec

T = TypeVar("T")


class InvalidDataError(ValueError):
    """Data that does not have its type's shape.  The text is one line."""


def decode(value: Any, kind: type[T], name: str) -> T:
    """`value` as `kind`.

    name: what it is, for the error.

    Raises:
        InvalidDataError: a key is missing or unknown, or a value has another type.
    """
    try:
        return msgspec.convert(_builtins(value), kind)
    except msgspec.ValidationError as error:
        raise InvalidDataError(f"{name}: {error}") from None


def encode(value: Any) -> Any:
    """`value` as builtins that Ansible and JSON take."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _builtins(value: Any) -> Any:
    """Ansible's own strings and lazily templated containers as plain ones."""
    if isinstance(value, Mapping):
        return {_plain(key): _builtins(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_builtins(each) for each in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    # Not str(value): ansible-core 2.17's and 2.18's text that is not templated stays that by it.
    return str.__str__(value) if isinstance(value, str) else value
