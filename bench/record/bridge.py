"""What was seen, as schema 2 had it: for readers and writers that are not typed yet.

It goes when they are.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bench.record.conditions import Conditions
from bench.record.legacy import RENAMED
from bench.record.telemetry import Telemetry


def conditions(seen: Conditions) -> dict[str, Any]:
    """A dictionary of schema 2."""
    return _old(msgspec.json.decode(msgspec.json.encode(seen)))


def telemetry(seen: Telemetry | None) -> dict[str, Any] | None:
    """A dictionary of schema 2."""
    return None if seen is None else _old(msgspec.json.decode(msgspec.json.encode(seen)))


def _old(tree: dict[str, Any]) -> dict[str, Any]:
    made = dict(tree)
    for branch, renamed in RENAMED.items():
        if branch in made:
            old = {now: before for before, now in renamed.items()}
            made[branch] = {old.get(name, name): value for name, value in made[branch].items()}
    return made
