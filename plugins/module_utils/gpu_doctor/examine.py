"""Symptoms held against a host, or against a text that somebody pastes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .look import Look
from .symptoms import LAST_RESORTS, ON_A_HOST, SYMPTOMS, Symptom


@dataclass(frozen=True)
class Finding:
    """What is wrong.

    symptom: its name.  cause: why.  evidence: what shows it here, on one line; "" for a text that
    was only asked about.  mend: the command.
    """

    symptom: str
    cause: str
    evidence: str
    mend: str


def examine(look: Look) -> list[Finding]:
    """What is wrong on the host, the most fundamental first, without what follows from it."""
    findings: list[Finding] = []
    covered: set[str] = set()
    for symptom in (*ON_A_HOST, *LAST_RESORTS):
        if symptom.name in covered or (symptom in LAST_RESORTS and findings):
            continue
        evidence = _evidence(symptom, look)
        if evidence:
            findings.append(_finding(symptom, evidence, look))
            covered.update(symptom.covers)
    return findings


def recognise(text: str, look: Look) -> list[Finding]:
    """The symptoms that a text speaks of, each with what shows it on this host, if any."""
    return [
        _finding(symptom, _evidence(symptom, look), look)
        for symptom in SYMPTOMS
        if any(re.search(pattern, text, re.IGNORECASE | re.DOTALL) for pattern in symptom.texts)
    ]


def _evidence(symptom: Symptom, look: Look) -> str:
    """What shows the symptom: its sign, or a stage that failed with its words."""
    return _one_line(symptom.sign(look) or _said(symptom, look))


def _said(symptom: Symptom, look: Look) -> str:
    for stage in look.failures:
        for pattern in symptom.texts:
            if re.search(pattern, stage["found"], re.IGNORECASE | re.DOTALL):
                return f"{stage['stage']}: {stage['found']}"
    return ""


def _finding(symptom: Symptom, evidence: str, look: Look) -> Finding:
    return Finding(symptom.name, symptom.cause, evidence, symptom.mend(look))


def _one_line(text: str, most: int = 1000) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
