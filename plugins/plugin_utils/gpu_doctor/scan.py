"""Texts of any length held against the rows, in little memory.

A text is read in blocks.  A block is looked at closely only if it holds all the words of a pattern;
most of a log does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from . import normal
from .normal import Languages
from .pattern import Pattern, lowered, words
from .symptoms import Symptom

BLOCK = 1 << 16  # bytes that are looked at together
BEFORE = 1024  # characters of the block before, for what is told over several lines
SHORT = 1 << 18  # characters of a text that a person pastes, which may be cut within words
NEAR = 2000  # characters around a match in which `also` and `unless` are looked for


Sought = tuple[Symptom, Sequence[Pattern]]


@dataclass(frozen=True)
class Sighting:
    """Where a symptom stands in a text.

    line, last: the first and the last line of it, from 1.  said: the first.
    words: the parts that the row's patterns name.
    """

    symptom: Symptom
    line: int
    last: int
    said: str
    words: dict[str, str]


@dataclass(frozen=True)
class Passage:
    """Some lines of a text, each with its number from 0."""

    text: str
    low: str
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, lines: Iterable[tuple[str, int]]) -> Passage:
        """Lines with their numbers, as one text."""
        told = list(lines)
        text = "\n".join(line for line, _number in told)
        if not lowered(text):  # "İ" becomes two signs
            text = text.lower()
        low = lowered(text)
        return cls(text, low, tuple(number for _line, number in told))

    def around(self, start: int, end: int) -> Passage:
        """What stands near a place."""
        left, right = max(0, start - NEAR), end + NEAR
        return Passage(self.text[left:right], self.low[left:right], ())

    def line(self, place: int) -> tuple[str, int]:
        """The line of a place, and its number."""
        start = self.text.rfind("\n", 0, place) + 1
        end = self.text.find("\n", place)
        said = self.text[start : end if end >= 0 else len(self.text)]
        return said, self.numbers[self.text.count("\n", 0, place)]


def look(passage: Passage, sought: Iterable[Sought]) -> Iterator[Sighting]:
    """The symptoms that a passage speaks of."""
    for symptom, patterns in sought:
        for pattern in patterns:
            found = pattern.find(passage.text, passage.low)
            if found is None or _denied(symptom, passage.around(*found.span())):
                continue
            said, number = passage.line(found.start())
            named = {name: part for name, part in found.groupdict().items() if part}
            last = passage.line(max(found.start(), found.end() - 1))[1]
            yield Sighting(symptom, number + 1, last + 1, said, named)
            break


def _denied(symptom: Symptom, near: Passage) -> bool:
    """Whether what stands around a match speaks against it."""

    def there(pattern: Pattern) -> bool:
        return pattern.find(near.text, near.low) is not None

    needed, barred = symptom.with_patterns
    return any(map(there, barred)) or not all(map(there, needed))


def read(text: str, symptoms: Iterable[Symptom], languages: Languages) -> list[Sighting]:
    """What a pasted text speaks of, also where it was cut within words."""
    known = tuple(symptoms)
    if len(text) > SHORT:
        return scan(iter([text.encode("utf-8", "replace")]), known, languages)
    lines = normal.lines(text, languages)
    passages = [Passage.of(zip(lines, range(len(lines)), strict=True))]
    passages.append(Passage.of(normal.rejoined(text, languages)))
    found: dict[str, Sighting] = {}
    for passage in passages:
        for sighting in look(passage, [(row, row.patterns) for row in known]):
            found.setdefault(sighting.symptom.name, sighting)
    return [found[row.name] for row in known if row.name in found]


def scan(
    pieces: Iterable[bytes], symptoms: Iterable[Symptom], languages: Languages
) -> list[Sighting]:
    """What a log speaks of, each symptom by its first line."""
    missing: dict[str, Sought] = {row.name: (row, row.patterns) for row in symptoms}
    order = list(missing)
    found: dict[str, Sighting] = {}
    number, before = 0, b""
    for block in _blocks(pieces):
        worth = _worth(before + block, missing.values(), languages)
        if worth:
            first = number - before.count(b"\n")
            lines = normal.lines((before + block).decode("utf-8", "replace"), languages)
            passage = Passage.of(zip(lines, range(first, first + len(lines)), strict=True))
            for sighting in look(passage, worth):
                found[sighting.symptom.name] = sighting
                del missing[sighting.symptom.name]
        number += block.count(b"\n")
        before = block[-BEFORE:].partition(b"\n")[2]
    return [found[name] for name in order if name in found]


def _worth(text: bytes, missing: Iterable[Sought], languages: Languages) -> list[Sought]:
    """The symptoms whose words the text holds, with the patterns of which it does."""
    if b"\x1b" in text or b"\\" in text:
        text = normal.plain(text.decode("utf-8", "replace")).encode("utf-8", "replace")
    here = words(text)
    if languages.concern(here, text):
        text = languages.english(text.decode("utf-8", "replace")).encode("utf-8", "replace")
        here |= words(text)
    worth = ((row, [each for each in patterns if each.words <= here]) for row, patterns in missing)
    return [(row, patterns) for row, patterns in worth if patterns]


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, about a block at a time; a line that has no end is cut."""
    rest = b""
    for piece in pieces:
        text, start = rest + piece, 0
        while len(text) - start > BLOCK:
            end = text.rfind(b"\n", start, start + BLOCK) + 1 or start + BLOCK
            yield text[start:end]
            start = end
        rest = text[start:]
    yield rest
