"""The doctor: what was found on a host -> what is wrong, why, and what fixes it.

Pure: nothing is read or run.
"""

from __future__ import annotations

from .examine import Finding, examine, recognise
from .host import Host, Logs, Planned, Verification
from .knowledge import Knowledge
from .redaction import Redaction
from .report import describe, explain, sum_up
from .symptoms import Symptom, parse

__all__ = [
    "Finding",
    "Host",
    "Knowledge",
    "Logs",
    "Planned",
    "Redaction",
    "Symptom",
    "Verification",
    "describe",
    "examine",
    "explain",
    "parse",
    "recognise",
    "sum_up",
]
