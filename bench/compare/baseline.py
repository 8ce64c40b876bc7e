"""Which trainings others may be held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def why_not(entry: Mapping[str, Any]) -> str | None:
    """What keeps a training out of every comparison, in a word; None as `may_be_baseline` is True.

    Records of schema 1 have no verdicts: their trainings pass by their quality.
    """
    if entry["status"] != "finished":
        return "failed"
    if not entry["quality"]["ok"]:
        return "BELOW-FLOOR"
    verdict = entry.get("verdict")
    if verdict is None:
        return None
    return None if verdict["word"] == "OK" else str(verdict["word"])
