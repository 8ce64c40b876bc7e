"""Whether a time may be believed, in a word."""

from __future__ import annotations

from typing import Literal

from bench.record.measured import Line, Part

Word = Literal["OK", "NOISY", "DRIFT", "CONTENDED", "THROTTLED", "POWER-CAPPED", "BELOW-FLOOR"]


class Verdict(Part, frozen=True):
    """Whether the times may be believed.

    word: OK, or what speaks against them.
    evidence: what was measured of it.
    fix: the command that repairs it; null with OK.
    """

    word: Word
    evidence: Line
    fix: Line | None
