"""The rows of `roles/doctor/vars/symptoms/`, parsed and validated once.

A row is all that a symptom is: what is seen, why, and what fixes it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from types import MappingProxyType
from typing import Any, Literal

from .. import row_files
from ..requirements import msgspec
from ..typed import InvalidDataError, decode
from .codes import FAMILIES, is_told
from .host import Host
from .pattern import Pattern, compiled, lowered, narrow
from .signs import SIGNS
from .situations import SITUATIONS, WORDS

NOTHING: Mapping[str, str] = MappingProxyType({})
_RUN = str.maketrans("", "", "$`")
_TAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:/-]{0,99}")

Where = Literal["host", "kernel", "container host", "windows", "firmware", "program", "nowhere"]
Log = Literal["kernel", "builds", "packages", "gpus"]


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """run: the command, with words to fill in.  when: the situations that all must hold.

    where: as the row's, where this fix is for another place.
    """

    run: str
    when: tuple[str, ...] = ()
    where: Where | None = None


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
    texts: what is seen, as it is searched for: regular expressions, without regard to case.  A
        blank is any blank, also a line's end; a named group is a word for cause and fix.
    codes: numbers of errors by their family in codes.py, in all the ways that programs tell them.
    only_with, not_with: what must stand near it in a text, all of them, and what must not.
    in_logs: the logs of a host in which the texts show it too.
    when: the situations without which sign, kernel_log and releases show nothing.
    sign: the function of signs.py that shows it on a host.
    kernel_log: regular expressions; the last line that matches shows it.
    releases: the versions of TensorFlow that have it.
    cause: why, in a sentence or two.
    where: where to act: "host"; "kernel", which is the container's host's inside a container and
        Windows' in WSL2; or elsewhere.  At "nowhere" it is harmless.
    aside: it is told beside what is asked for, and never alone.
    fix: the command; of several the first that fits the situation.
    words: what the named groups are where they have matched nothing.
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
    codes: dict[str, tuple[int, ...]] = {}  # noqa: RUF012 (msgspec makes a new one each time)
    only_with: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()
    in_logs: tuple[Log, ...] = ()
    where: Where = "host"
    aside: bool = False
    words: dict[str, str] = {}  # noqa: RUF012 (msgspec makes a new one each time)
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

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The texts, ready to be looked for."""
        return _patterns(self.texts, tuple(self.codes))

    @property
    def with_patterns(self) -> tuple[tuple[Pattern, ...], tuple[Pattern, ...]]:
        """What must stand near, and what must not."""
        return tuple(map(compiled, self.only_with)), tuple(map(compiled, self.not_with))

    def matches(self, text: str) -> bool:
        """Whether a short text, free of prefixes, speaks of it."""
        text = narrow(text)
        low = lowered(text)

        def there(pattern: Pattern) -> bool:
            return any(is_told(found, self.codes) for found in pattern.each(text, low))

        needed, barred = self.with_patterns
        return (
            any(map(there, self.patterns))
            and all(map(there, needed))
            and not any(map(there, barred))
        )

    def explanation(self, host: Host, said: Mapping[str, str] = NOTHING) -> str:
        """The cause, filled in.  said: what a text says the row's words are."""
        return self._filled(self.cause, host, said)

    def chosen(self, host: Host) -> Fix:
        """What fixes it on this host, with words to fill in."""
        return next(fix for fix in self.fixes if hold(fix.when, host))

    def command(self, host: Host, said: Mapping[str, str] = NOTHING) -> str:
        """The same, filled in."""
        return self._filled(self.chosen(host).run, host, said)

    def _filled(self, text: str, host: Host, said: Mapping[str, str]) -> str:
        own = {word: _tame(said.get(word, ""), usual) for word, usual in self.words.items()}
        of_host = (word for word in _words(text) if word not in own)
        return text.format(**own, **{word: _inert(WORDS[word](host)) for word in of_host})


@functools.cache
def _patterns(texts: tuple[str, ...], families: tuple[str, ...]) -> tuple[Pattern, ...]:
    coded = (text for family in families for text in FAMILIES[family])
    return tuple(map(compiled, (*texts, *coded)))


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
        rows = decode(row_files.parsed(text), File, file).doctor_symptoms
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
    if not (
        symptom.texts or symptom.codes or symptom.sign or symptom.kernel_log or symptom.releases
    ):
        yield "nothing shows it: texts, codes, sign, kernel_log or releases"
    yield from (f"unknown family of codes {each}" for each in symptom.codes.keys() - FAMILIES)
    for pattern in (*symptom.texts, *symptom.only_with, *symptom.not_with):
        try:
            compiled(pattern)
        except ValueError as error:
            yield str(error)
    for pattern in symptom.kernel_log:
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
            for word in _words(text):
                if word not in WORDS and word not in symptom.words:
                    yield f"unknown word {{{word}}}"
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


def _inert(told: str) -> str:
    """A word of a host on one line, without what a shell runs: not every shell has comments."""
    return " ".join(told.translate(_RUN).split())


def _tame(said: str, usual: str) -> str:
    """A word of a text that may stand in a command: the text is a stranger's."""
    return said if _TAME.fullmatch(said) else usual
