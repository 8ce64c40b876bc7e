"""The folders that Grindstone has ever installed below on a host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .sysroot import inside, text, there

REMEMBERED = "var/lib/grindstone/prefixes.json"
PLAN = "etc/grindstone/plan.json"


def prefixes(root: Path) -> list[str]:
    """Those that are there still: the remembered ones, and the plan's."""
    told = parsed(text(root / REMEMBERED))
    plan = parsed(text(root / PLAN))
    planned = plan.get("tensorflow") if isinstance(plan, dict) else None
    found = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    if isinstance(planned, dict) and isinstance(planned.get("prefix"), str):
        found.append(os.path.dirname(planned["prefix"]))  # noqa: PTH120
    return sorted({each for each in found if each.startswith("/") and there(inside(root, each))})


def parsed(said: str) -> Any:
    """The JSON, None where a file holds something else, as half of it."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None
