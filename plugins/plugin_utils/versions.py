"""Versions as numbers that can be compared."""

from __future__ import annotations

from functools import cache


@cache
def numbers(version: str) -> tuple[int, ...]:
    """The version's numbers.

    >>> numbers("9.10.2.21") > numbers("9.3.0.75")
    True
    """
    return tuple(int(number) for number in version.split(".") if number.isdigit())
