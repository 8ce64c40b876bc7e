"""The doctor: what was found on a host -> what is wrong, why, and what mends it.

Pure: nothing is read or run.
"""

from __future__ import annotations

from .block import describe, explain, sum_up
from .examine import Finding, examine, recognise
from .look import Look
from .redaction import Redaction
from .symptoms import SYMPTOMS, Symptom

__all__ = [
    "SYMPTOMS",
    "Finding",
    "Look",
    "Redaction",
    "Symptom",
    "describe",
    "examine",
    "explain",
    "recognise",
    "sum_up",
]
