"""Verdict and bottleneck of entries of schema 2, for what is not typed yet.  It goes when it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bench.judge.bottleneck import with_bottlenecks
from bench.judge.verdict import judge
from bench.record import legacy
from bench.record.model import Finished, Result, TimeToTarget


def verdict(entry: dict[str, Any]) -> dict[str, Any]:
    """The verdict of a finished entry, as schema 2 has it."""
    if "targets" in entry:
        judged = judge(msgspec.convert(legacy.time_to_target(entry, {}), TimeToTarget))
    else:
        judged = judge(msgspec.convert(legacy.result(entry, {}), Finished))
    return {"word": judged.word, "evidence": judged.evidence, "mend": judged.fix}


def fill(entries: Sequence[dict[str, Any]]) -> None:
    """Gives each finished entry of a record its `held_back`."""
    results: list[Result] = [
        msgspec.convert(legacy.result({**entry, "held_back": None}, {}), Finished)
        for entry in entries
        if entry["status"] == "finished"
    ]
    finished = [entry for entry in entries if entry["status"] == "finished"]
    for entry, result in zip(finished, with_bottlenecks(results), strict=True):
        assert isinstance(result, Finished)
        assert result.bottleneck is not None
        cause = result.bottleneck.cause
        words = "; ".join(filter(None, (result.bottleneck.evidence, result.bottleneck.fix)))
        entry["held_back"] = {"cause": cause, "words": f"{cause}: {words}"}
