"""Which symptoms a host has, or a text that somebody pastes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .host import Host
from .scan import Sighting
from .signs import SIGNS
from .symptoms import Fix, Symptom, hold

_MOST = 1000  # letters of a line that is quoted
_PLACES = {
    "container host": "the container's host",
    "windows": "Windows",
    "firmware": "the firmware's setup",
    "program": "your own program",
    "nowhere": "nowhere: it is harmless",
}


@dataclass(frozen=True)
class Finding:
    """What is wrong.

    symptom: its name.  cause: why.  evidence: what shows it here, on one line; "" for a text that
    was only asked about.  fix: the command.  where: where to act.
    line, said: where a text speaks of it, and with what words; 0 and "" for a host.
    """

    symptom: str
    cause: str
    evidence: str
    fix: str
    where: str = ""
    line: int = 0
    said: str = ""


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


@dataclass(frozen=True)
class Reading:
    """What a text speaks of: what is wrong, what follows from that, and what is harmless.

    asides: harmless, too, and worth a word only beside other things.
    """

    wrong: tuple[Finding, ...] = ()
    following: tuple[Finding, ...] = ()
    harmless: tuple[Finding, ...] = ()
    asides: tuple[Finding, ...] = ()


def sort_out(sightings: Iterable[Sighting], host: Host) -> Reading:
    """What was sighted, by what is to be done about it; the most fundamental first."""
    wrong, following, harmless, asides = [], [], [], []
    covered: set[str] = set()
    for sighting in sightings:
        symptom = sighting.symptom
        finding = _finding(symptom, _evidence(symptom, host), host, sighting)
        if symptom.aside:
            asides.append(finding)
        elif symptom.where == "nowhere":
            harmless.append(finding)
        elif symptom.name in covered:
            following.append(finding)
        else:
            wrong.append(finding)
            covered.update(symptom.covers)
    return Reading(tuple(wrong), tuple(following), tuple(harmless), tuple(asides))


def _evidence(symptom: Symptom, host: Host) -> str:
    """What shows the symptom: the host itself, or a stage that failed with its words."""
    seen = _on_the_host(symptom, host) if hold(symptom.when, host) else ""
    return _one_line(seen or _in_a_stage(symptom, host))


def _on_the_host(symptom: Symptom, host: Host) -> str:
    seen = SIGNS[symptom.sign](host) if symptom.sign else ""
    installed = host.facts.environment.tensorflow
    if not seen and installed in symptom.releases:
        seen = f"TensorFlow {installed} is installed"
    return seen or _in_the_kernel_log(symptom, host) or _in_the_logs(symptom, host)


def _in_the_kernel_log(symptom: Symptom, host: Host) -> str:
    """The last line that says so: the log begins at boot, and things may have changed."""
    for line in reversed(host.logs.kernel):
        if any(re.search(pattern, line, re.IGNORECASE) for pattern in symptom.kernel_log):
            return line
    return ""


def _in_the_logs(symptom: Symptom, host: Host) -> str:
    for log in symptom.in_logs:
        for line in host.said(log):
            if symptom.matches(line):
                return line
    return ""


def _in_a_stage(symptom: Symptom, host: Host) -> str:
    failures = [stage for stage in host.failures if symptom.matches(stage.found)]
    return f"{failures[0].stage}: {failures[0].found}" if failures else ""


def _finding(
    symptom: Symptom, evidence: str, host: Host, sighting: Sighting | None = None
) -> Finding:
    said = sighting.words if sighting else {}
    fix = symptom.chosen(host)
    where = _place(symptom, fix, host)
    return Finding(
        symptom.name,
        symptom.explanation(host, said),
        evidence,
        _from_here(symptom, fix, host, symptom.command(host, said)),
        where,
        sighting.line if sighting else 0,
        _one_line(sighting.said) if sighting else "",
    )


def _from_here(symptom: Symptom, fix: Fix, host: Host, command: str) -> str:
    """The command as it is told here: what is the kernel's cannot be mended inside of it."""
    kernel = (fix.where or symptom.where) == "kernel" and not fix.when
    if kernel and host.facts.container:
        return f"on the host of this container:  {command}"
    if kernel and host.facts.wsl:
        return "wsl.exe --shutdown   # in Windows, once NVIDIA's driver there is the newest"
    return command


def _place(symptom: Symptom, fix: Fix, host: Host) -> str:
    where = fix.where or symptom.where
    if where == "kernel" and host.facts.container:
        where = "container host"
    elif where == "kernel" and host.facts.wsl:
        where = "windows"
    here = "this container" if host.facts.container else "this host"
    return _PLACES.get(where, here)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST else line[: _MOST - 1] + "…"
