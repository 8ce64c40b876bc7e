"""The rows of `roles/doctor/vars/symptoms/`, parsed and validated once.

A row is all that a symptom is: what is seen, why, and what fixes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from typing import Any

import yaml

from ..requirements import msgspec
from ..typed import InvalidDataError, decode
from .host import Host
from .signs import SIGNS
from .situations import SITUATIONS, WORDS


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """run: the command, with words to fill in.  when: the situations that all must hold."""

    run: str
    when: tuple[str, ...] = ()


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host that shows the symptom, for the tests.

    host: the states of tests/unit/doctor/hosts.yml that it is in.  changes: facts by their path.
    failed_stage: what the stage on the GPU found.
    evidence: a regular expression that the finding's must match.  fix: a part of its fix.
    """

    evidence: str
    fix: str
    host: tuple[str, ...] = ()
    changes: dict[str, Any] = {}  # noqa: RUF012 (msgspec makes a new one each time)
    failed_stage: str = ""


class Symptom(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row.

    name: what is wrong, in a few words.
    rank: the lower, the more fundamental; no two symptoms have the same.
    texts: what is seen, as it is searched for: regular expressions, without regard to case.
    when: the situations without which sign, kernel_log and releases show nothing.
    sign: the function of signs.py that shows it on a host.
    kernel_log: regular expressions; the last line that matches shows it.
    releases: the versions of TensorFlow that have it.
    cause: why, in a sentence or two.
    fix: the command; of several the first that fits the situation.
    covers: its consequences, which are not told beside it.
    last_resort: it is told only where nothing else is found.
    source: where people met it.
    """

    name: str
    rank: int
    cause: str
    fix: str | tuple[Fix, ...]
    source: str
    examples: tuple[str | Example, ...]
    texts: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    sign: str = ""
    kernel_log: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    last_resort: bool = False

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """The fix's rows, the last of which fits always."""
        return (Fix(self.fix),) if isinstance(self.fix, str) else self.fix

    def matches(self, text: str) -> bool:
        """Whether a text speaks of it."""
        return any(re.search(each, text, re.IGNORECASE | re.DOTALL) for each in self.texts)

    def explanation(self, host: Host) -> str:
        """The cause, filled in."""
        return _filled(self.cause, host)

    def command(self, host: Host) -> str:
        """What fixes it on this host."""
        fix = next(fix for fix in self.fixes if hold(fix.when, host))
        return _filled(fix.run, host)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a family: a variable of the role, as ansible-lint wants it."""

    doctor_symptoms: tuple[Any, ...]


def hold(situations: Iterable[str], host: Host) -> bool:
    """Whether the host is in all the situations."""
    return all(SITUATIONS[name](host) for name in situations)


def parse(files: Mapping[str, str]) -> tuple[Symptom, ...]:
    """The symptoms of the files, the most fundamental first.

    files: each file's text by its name.

    Raises:
        InvalidDataError: a row is wrong, in one line that names the file and the row.
    """
    symptoms: list[Symptom] = []
    for file, text in files.items():
        rows = decode(yaml.safe_load(text), File, file).doctor_symptoms
        for number, row in enumerate(rows, 1):
            named = row.get("name", number) if isinstance(row, dict) else number
            place = f"{file}, {named}"
            symptom = decode(row, Symptom, place)
            wrong = next(_faults(symptom, symptoms), "")
            if wrong:
                raise InvalidDataError(f"{place}: {wrong}")
            symptoms.append(symptom)
    symptoms.sort(key=lambda symptom: symptom.rank)
    _check_covers(symptoms)
    return tuple(symptoms)


def _faults(symptom: Symptom, others: list[Symptom]) -> Iterator[str]:
    """What is wrong with a row, beyond its shape."""
    if not symptom.source.strip():
        yield "source is empty"
    for other in others:
        if other.name == symptom.name:
            yield "another row has this name"
        if other.rank == symptom.rank:
            yield f"rank {other.rank} is that of {other.name}"
    if symptom.sign and symptom.sign not in SIGNS:
        yield f"unknown sign {symptom.sign}"
    if not (symptom.texts or symptom.sign or symptom.kernel_log or symptom.releases):
        yield "nothing shows it: texts, sign, kernel_log or releases"
    for pattern in (*symptom.texts, *symptom.kernel_log):
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"bad regular expression {pattern}: {error}"
    if not symptom.fixes or symptom.fixes[-1].when:
        yield "the last fix must have no when"
    for name in (*symptom.when, *(name for fix in symptom.fixes for name in fix.when)):
        if name not in SITUATIONS:
            yield f"unknown situation {name}"
    for text in (symptom.cause, *(fix.run for fix in symptom.fixes)):
        try:
            yield from (f"unknown word {{{word}}}" for word in _words(text) if word not in WORDS)
        except ValueError as error:
            yield f"bad braces in {text}: {error}"


def _check_covers(symptoms: list[Symptom]) -> None:
    told: set[str] = set()
    names = {symptom.name for symptom in symptoms}
    for symptom in symptoms:
        told.add(symptom.name)
        for name in symptom.covers:
            if name not in names:
                raise InvalidDataError(f"{symptom.name}: covers {name}, which is no symptom")
            if name in told:
                raise InvalidDataError(f"{symptom.name}: covers {name}, which is told first")


def _words(text: str) -> list[str]:
    return [part[1] for part in Formatter().parse(text) if part[1] is not None]


def _filled(text: str, host: Host) -> str:
    return text.format(**{word: WORDS[word](host) for word in _words(text)})
