"""Which trainings others may be compared with."""

from __future__ import annotations

from bench.record.model import Failed, Finished, TimeToTarget


def why_excluded(result: Finished | TimeToTarget | Failed) -> str | None:
    """What keeps a training out of every comparison, in a word, or None.

    Records of schema 1 have no verdicts: their trainings pass by their quality.
    """
    if isinstance(result, Failed):
        return "failed"
    if not result.quality.ok:
        return "BELOW-FLOOR"
    word = "OK" if result.verdict is None else result.verdict.word
    return None if word == "OK" else word
