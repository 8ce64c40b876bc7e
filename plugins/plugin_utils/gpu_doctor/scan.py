"""Matches texts of any length with the rows, in little memory.

A text is read in blocks.  A block is looked at closely only where the prefilter says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from . import normalization
from .codes import is_told
from .normalization import Languages
from .pattern import Pattern, junctions, lowered, narrow
from .prefilter import Prefilter, Sought
from .symptoms import Symptom

BLOCK = 1 << 17  # bytes that are looked at together
AROUND = 4096  # bytes of a block that are looked at again with the next, for what is around
SHORT = 1 << 18  # characters of a text that a person pastes, which may be cut within words
MANY = 150  # patterns: searched for one by one, so many cost more than all words once
NEAR = 2000  # characters around a match in which `also` and `unless` are looked for


class Sighting(NamedTuple):
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
    """Some lines of a text, each with its number from 0.  text, low: what patterns look at.

    end: the number behind the last line, where that was put together of several.
    """

    lines: Sequence[tuple[str, int]]
    text: str
    low: str
    end: int = 0
    _matches: dict[str, list[re.Match[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[tuple[str, int]], end: int = 0) -> Passage:
        """Lines with their numbers, as one text."""
        told = tuple(lines)
        text = narrow("\n".join(line for line, _number in told))
        return cls(told, text, lowered(text), end)

    def each(self, pattern: Pattern) -> list[re.Match[str]]:
        """All matches of a pattern, which several rows may share."""
        if pattern.text not in self._matches:
            self._matches[pattern.text] = list(pattern.each(self.text, self.low))
        return self._matches[pattern.text]

    def around(self, start: int, end: int) -> Passage:
        """What stands near a place."""
        left, right = max(0, start - NEAR), end + NEAR
        return Passage((), self.text[left:right], self.low[left:right])

    def line(self, place: int) -> tuple[str, int]:
        """The line of a place, and its number."""
        return self.lines[self.text.count("\n", 0, place)]

    def last(self, place: int) -> int:
        """The number of the line that ends what stands at a place."""
        at = self.text.count("\n", 0, place)
        following = self.lines[at + 1][1] if at + 1 < len(self.lines) else self.end
        return max(self.lines[at][1], following - 1)


def look(passage: Passage, sought: Iterable[Sought], since: int = 0) -> Iterator[Sighting]:
    """The symptoms that a passage speaks of behind the line `since`."""
    low = passage.low
    for symptom, patterns in sought:
        # First of all what a pattern cannot do without: most of them end here.
        maybe = [one for one in patterns if one.literals[0] in low]
        matches = [_first(symptom, one, passage, since) for one in maybe]
        told = [found for found in matches if found]
        if told:
            found = min(told, key=re.Match.start)
            said, number = passage.line(found.start())
            last = passage.last(max(found.start(), found.end() - 1))
            named = [
                part for each in (*told, found) for part in each.groupdict().items() if part[1]
            ]
            yield Sighting(symptom, number + 1, last + 1, said, dict(named))


def _first(
    symptom: Symptom, pattern: Pattern, passage: Passage, since: int
) -> re.Match[str] | None:
    for found in passage.each(pattern):
        if not is_told(found, symptom.codes) or passage.line(found.start())[1] < since:
            continue
        if not _denied(symptom, passage.around(*found.span())):
            return found
    return None


def _denied(symptom: Symptom, near: Passage) -> bool:
    """Whether what stands around a match speaks against it."""

    def there(pattern: Pattern) -> bool:
        return pattern.find(near.text, near.low) is not None

    needed, barred = symptom.with_patterns
    if not (needed or barred):
        return False
    return any(map(there, barred)) or not all(map(there, needed))


def read(text: str, symptoms: Iterable[Symptom], languages: Languages) -> list[Sighting]:
    """What a pasted text speaks of, also where it was cut within words."""
    known = tuple(symptoms)
    if len(text) > SHORT:
        return scan(iter([text.encode("utf-8", "replace")]), known, languages)
    lines = normalization.lines(text, languages)
    passages = [Passage.of(zip(lines, range(len(lines)), strict=True))]
    passages.append(Passage.of(normalization.rejoined(text, languages), len(lines)))
    sought = [(row, row.patterns) for row in known]
    found: dict[str, Sighting] = {}
    for passage in passages if passages[0].text != passages[1].text else passages[:1]:
        for sighting in look(passage, sought):
            found.setdefault(sighting.symptom.name, sighting)
    return [found[row.name] for row in known if row.name in found]


def scan(
    pieces: Iterable[bytes],
    symptoms: Iterable[Symptom],
    languages: Languages,
    before: bytes = b"",
) -> list[Sighting]:
    """What a log speaks of, each symptom by its first line.

    before: whole lines that stand before the log, of which nothing is told.
    """
    prefilter = Prefilter(symptoms, languages)
    order = list(prefilter.missing)
    found: dict[str, Sighting] = {}
    number = decided = 0
    for block, is_last in _blocks(pieces):
        text = before + block
        first = number - before.count(b"\n")
        number += block.count(b"\n")
        tail = text[-2 * AROUND :]
        before = tail.partition(b"\n")[2] or tail
        # What stands around a match speaks for or against it: of the last lines that comes yet.
        whole = number + 1 if is_last else max(number - text[-AROUND:].count(b"\n"), first + 1)
        sought, lines = prefilter.read(text)
        if sought:
            passage = Passage.of(zip(lines, range(first, first + len(lines)), strict=True))
            for sighting in look(passage, _worth(passage, sought), decided):
                if sighting.line <= whole:
                    found[sighting.symptom.name] = sighting
                    del prefilter.missing[sighting.symptom.name]
        decided = min(whole, number)
    return [found[name] for name in order if name in found]


def _worth(passage: Passage, sought: list[Sought]) -> list[Sought]:
    """The patterns whose words follow each other there: worth asking where there are many."""
    if sum(len(patterns) for _row, patterns in sought) < MANY:
        return sought
    there = junctions(passage.low)
    left = ((row, [each for each in found if each.junctions <= there]) for row, found in sought)
    return [(row, patterns) for row, patterns in left if patterns]


def _blocks(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Whole lines, about a block at a time, and whether it is the last.

    A line that has no end is cut.
    """
    rest = b""
    for piece in pieces:
        text, start = rest + piece, 0
        while len(text) - start > BLOCK:
            end = text.rfind(b"\n", start, start + BLOCK) + 1 or start + BLOCK
            yield text[start:end], False
            start = end
        rest = text[start:]
    yield rest, True
