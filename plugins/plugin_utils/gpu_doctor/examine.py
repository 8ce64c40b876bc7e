"""Symptoms held against a host, or against a text that somebody pastes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .host import Host
from .signs import SIGNS
from .symptoms import Symptom, hold


@dataclass(frozen=True)
class Finding:
    """What is wrong.

    symptom: its name.  cause: why.  evidence: what shows it here, on one line; "" for a text that
    was only asked about.  fix: the command.
    """

    symptom: str
    cause: str
    evidence: str
    fix: str


def examine(host: Host, symptoms: Iterable[Symptom]) -> list[Finding]:
    """What is wrong on the host, the most fundamental first, without what follows from it."""
    findings: list[Finding] = []
    covered: set[str] = set()
    for symptom in symptoms:
        if symptom.name in covered or (symptom.last_resort and findings):
            continue
        evidence = _evidence(symptom, host)
        if evidence:
            findings.append(_finding(symptom, evidence, host))
            covered.update(symptom.covers)
    return findings


def recognise(text: str, host: Host, symptoms: Iterable[Symptom]) -> list[Finding]:
    """The symptoms that a text speaks of, each with what shows it on this host, if any."""
    return [
        _finding(symptom, _evidence(symptom, host), host)
        for symptom in symptoms
        if symptom.matches(text)
    ]


def _evidence(symptom: Symptom, host: Host) -> str:
    """What shows the symptom: the host itself, or a stage that failed with its words."""
    seen = _on_the_host(symptom, host) if hold(symptom.when, host) else ""
    return _one_line(seen or _in_a_stage(symptom, host))


def _on_the_host(symptom: Symptom, host: Host) -> str:
    seen = SIGNS[symptom.sign](host) if symptom.sign else ""
    installed = host.facts.environment.tensorflow
    if not seen and installed in symptom.releases:
        seen = f"TensorFlow {installed} is installed"
    return seen or _in_the_kernel_log(symptom, host)


def _in_the_kernel_log(symptom: Symptom, host: Host) -> str:
    """The last line that says so: the log begins at boot, and things may have changed."""
    for line in reversed(host.logs.kernel):
        if any(re.search(pattern, line, re.IGNORECASE) for pattern in symptom.kernel_log):
            return line
    return ""


def _in_a_stage(symptom: Symptom, host: Host) -> str:
    failures = [stage for stage in host.failures if symptom.matches(stage.found)]
    return f"{failures[0].stage}: {failures[0].found}" if failures else ""


def _finding(symptom: Symptom, evidence: str, host: Host) -> Finding:
    return Finding(symptom.name, symptom.explanation(host), evidence, symptom.command(host))


def _one_line(text: str, most: int = 1000) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
