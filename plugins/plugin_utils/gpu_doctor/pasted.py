"""A text alone, without its host: where it is from, and the answer to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..host_facts import parse as parse_facts
from . import normalization, rows
from .examine import Finding, Reading, sort_out
from .host import Host
from .knowledge import Knowledge
from .nearest import Near, complains, cut_from, nearest
from .normalization import Languages
from .parallel import scan_log
from .pattern import Pattern, lowered, narrow
from .scan import SHORT, Sighting, read
from .symptoms import Symptom

MANAGERS = {"arch": "pacman"}
NAMES = {"ubuntu": "Ubuntu", "debian": "Debian", "arch": "Arch"}
# What a text has in it that only this system writes.
_SYSTEMS = {
    "arch": r"\bpacman\b|-arch\d|-zen1-|==> ERROR|\bmakepkg\b|archlinux|error: target not found",
    "ubuntu": r"ubuntu|-(?:generic|aws|azure|gcp|oem)\b|\b0ubuntu",
    "debian": r"\+deb\d|\bdeb1[2-9]|debian|-(?:cloud-)?amd64\b|bookworm|trixie",
}
# A prompt of Docker's, whose host is named by its number, or what systemd says.
_CONTAINER = r"\w@[0-9a-f]{12}:|systemd-detect-virt\s{1,3}(?:lxc|docker|podman|systemd-nspawn)\b"
_WSL = r"microsoft-standard-WSL|/usr/lib/wsl|\bWSL2?\b|libdxcore"


@dataclass(frozen=True)
class Answer:
    """What a text means.  cut: it is a piece of a known message.  near: the nearest known one.

    rest: the first line that complains of something else.
    """

    reading: Reading
    cut: bool = False
    near: Near | None = None
    rest: str = ""

    @property
    def known(self) -> bool:
        """Whether it is explained."""
        calm = self.reading.harmless or self.reading.asides
        return bool(self.reading.wrong or (calm and not self.rest))


def host_of(text: str, known: Knowledge, system: str = "", inside: str = "") -> Host:
    """The host that a text is from, as far as it shows; it may not be this one.

    system: "ubuntu", "debian", "arch" or ""; inside: "container", "wsl" or "".
    """
    found = [name for name, pattern in _SYSTEMS.items() if re.search(pattern, text)]
    system = system or next(iter(found), "")
    shown = not inside and re.search(_CONTAINER, text)
    facts: dict[str, Any] = {
        "distribution": {"id": system, "name": NAMES.get(system, "an unknown system")},
        "packages": {"manager": MANAGERS.get(system, "apt" if system else "")},
        "wsl": inside == "wsl" or (not inside and bool(re.search(_WSL, text))),
        "container": "container" if inside == "container" or shown else "",
    }
    return Host(facts=parse_facts(facts), known=known)


def recognise(
    text: str, host: Host, symptoms: Iterable[Symptom], languages: Languages | None = None
) -> list[Finding]:
    """The symptoms that a text speaks of; what is harmless only where nothing else is said."""
    told = _read(text, host, tuple(symptoms), languages or rows.languages())
    return list(told.reading.wrong or (told.reading.harmless if told.known else ()))


def answer(text: str, host: Host, symptoms: Iterable[Symptom], languages: Languages) -> Answer:
    """What a pasted text means."""
    known = tuple(symptoms)
    told = _read(text, host, known, languages)
    if told.known:
        return told
    calm = told.reading.harmless or told.reading.asides
    lines = [told.rest] if calm else normalization.lines(text, languages)
    return replace(told, near=nearest(lines, known))


def _read(text: str, host: Host, known: tuple[Symptom, ...], languages: Languages) -> Answer:
    """The same, without what is near to a text that is not known."""
    told = normalization.lines(text, languages)
    sightings = read(text, known, languages)
    rest = _rest(told, sightings)
    if sightings:
        reading = sort_out(sightings, host)
        return Answer(reading, rest="" if reading.wrong else rest)
    piece = cut_from(told, known)
    if piece:
        first = next(line for line in told if line)
        return Answer(sort_out([Sighting(piece, 1, 1, first, {})], host), cut=True)
    return Answer(Reading(), rest=rest)


def answer_log(
    pieces: Iterable[bytes], host: Host, symptoms: Iterable[Symptom], languages: Languages
) -> Answer:
    """What a log of any length means."""
    return Answer(sort_out(scan_log(pieces, symptoms, languages), host))


def _rest(lines: list[str], sightings: Sequence[Sighting]) -> str:
    """The first line that complains and that nothing was seen in, nor the same as elsewhere."""
    seen = {line for each in sightings for line in range(each.line, each.last + 1)}
    patterns = [pattern for each in sightings for pattern in each.symptom.patterns]
    for number, line in enumerate(lines[:SHORT], 1):
        if number not in seen and complains(line) and not _is_told(line, patterns):
            return line
    return ""


def _is_told(line: str, patterns: Iterable[Pattern]) -> bool:
    text = narrow(line)
    low = lowered(text)
    return any(pattern.find(text, low) for pattern in patterns)
