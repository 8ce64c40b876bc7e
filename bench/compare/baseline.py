"""Which trainings others may be held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def may_be_baseline(entry: Mapping[str, Any]) -> bool:
    """Whether a training came to its end, learned what it should, and has nothing against it.

    Records of schema 1 have no verdicts; their trainings pass by their quality.
    """
    return why_not(entry) is None


def why_not(entry: Mapping[str, Any]) -> str | None:
    """What speaks against a training, in short, or None."""
    if entry["status"] != "finished":
        return "failed"
    if not entry["quality"]["ok"]:
        return "BELOW-FLOOR"
    word = (entry.get("verdict") or {}).get("word", "OK")
    return None if word == "OK" else str(word)
