"""Versions as numbers that can be compared."""

from __future__ import annotations

import re
from functools import cache


@cache
def numbers(version: str) -> tuple[int, ...]:
    """The version's numbers.

    >>> numbers("9.10.2.21") > numbers("9.3.0.75")
    True
    """
    return tuple(int(number) for number in version.split(".") if number.isdigit())


@cache
def leading(release: str) -> tuple[int, ...]:
    """The numbers that a kernel's release begins with.

    >>> leading("6.12.107+deb13-amd64")
    (6, 12, 107)
    """
    said = re.match(r"\d+(\.\d+)*", release)
    return numbers(said.group()) if said else ()


def dotted(version: tuple[int, ...]) -> str:
    """Numbers as a version that can be read."""
    return ".".join(map(str, version))
