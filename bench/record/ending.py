"""How a training has ended, in the one word that every report has for it."""

from __future__ import annotations

import re
from typing import get_args

from bench.record.model import Failed, Finished, Result, TargetResult, TimeToTarget
from bench.record.verdict import Word

# The words of what does not count; what somebody has ended is no failure.
WRONG = ("FAILED", "BELOW-FLOOR")
INTERRUPTED = "INTERRUPTED"

_INTERRUPTED = re.compile(r": interrupted(: ended by SIG[A-Z]+)?$")


def words() -> list[str]:
    """All that `word` may say."""
    return [*get_args(Word), "FAILED", INTERRUPTED]


def word(result: Result | TargetResult) -> str:
    """Its verdict's word, where it came to its end; `OK` for those of schema 1 that learned."""
    if not isinstance(result, (Finished, TimeToTarget)):
        return INTERRUPTED if was_interrupted(result) else "FAILED"
    if not result.quality.ok:
        return "BELOW-FLOOR"
    return result.verdict.word if result.verdict else "OK"


def was_interrupted(result: Result | TargetResult) -> bool:
    """Whether somebody, or a signal, has ended it: not what a plugin of pytest has."""
    return isinstance(result, Failed) and bool(_INTERRUPTED.search(result.reason.splitlines()[0]))
