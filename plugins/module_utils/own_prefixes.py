"""The folders that Grindstone has ever installed below on a host."""

from __future__ import annotations

import os
from pathlib import Path

from .sysroot import exists, inside, json_object, parsed

REMEMBERED = "var/lib/grindstone/prefixes.json"
PLAN = "etc/grindstone/plan.json"


def prefixes(root: Path) -> list[str]:
    """Those that are there still: the remembered ones, and the plan's."""
    told, planned = parsed(root / REMEMBERED), json_object(root / PLAN).get("tensorflow")
    found = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    if isinstance(planned, dict) and isinstance(planned.get("prefix"), str):
        found.append(os.path.dirname(planned["prefix"]))  # noqa: PTH120
    return sorted({each for each in found if each.startswith("/") and exists(inside(root, each))})
