"""Which rows may match a block of a log: most blocks match none.

A pattern is tried only where all the words are that a match of it must hold.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from . import normalization
from .normalization import Languages
from .pattern import Pattern, words
from .symptoms import Symptom

Sought = tuple[Symptom, Sequence[Pattern]]


class Prefilter:
    """The rows that a log has not shown yet, by a word that each of their patterns holds."""

    def __init__(self, symptoms: Iterable[Symptom], languages: Languages) -> None:
        self.missing: dict[str, Symptom] = {row.name: row for row in symptoms}
        self._languages = languages
        self._patterns = {name: row.patterns for name, row in self.missing.items()}
        self._seen: dict[bytes, bytes] = {}  # a part -> the word that it was last found in
        self._by_word: dict[bytes, dict[str, Pattern]] = defaultdict(dict)
        for pattern in itertools.chain(*self._patterns.values()):
            rarest = max(pattern.words, key=lambda word: (len(word), word), default=b"")
            self._by_word[rarest][pattern.text] = pattern

    def read(self, text: bytes) -> tuple[list[Sought], list[str]]:
        """The rows whose words a text holds, with the patterns of which it does; and its lines.

        No lines where there are no rows.
        """
        told = text.decode("utf-8", "replace")
        is_plain = normalization.is_disguised(text)
        if is_plain:
            told = normalization.plain(told)
            text = told.encode("utf-8", "replace")
        tokens = set(text.lower().split())  # each once: logs say the same again
        low = b" ".join(tokens)
        here = words(low)
        languages = self._languages.concerned(here, low)
        english = b" ".join({phrase.means for phrase in languages.phrases})
        here |= words(english)
        low += b" " + english
        tokens |= set(english.split())
        sought = self._of(here, tokens, low)
        if not sought:
            return [], []
        plain = told if is_plain else normalization.plain(told)
        return sought, normalization.tidy_lines(plain, languages)

    def _of(self, here: set[bytes], tokens: set[bytes], low: bytes) -> list[Sought]:
        all_words = b" ".join(here)
        maybe = [
            pattern
            for word in self._by_word.keys() & (here | {b""})
            for pattern in self._by_word[word].values()
            if pattern.words <= here
        ]
        parts = frozenset[bytes]().union(*(pattern.parts for pattern in maybe))
        signs = frozenset[bytes]().union(*(pattern.signs for pattern in maybe))
        lacking = {part for part in parts if not self._holds(part, here, all_words)}
        lacking |= {sign for sign in signs if not self._holds(sign, tokens, low)}
        worth = {
            pattern.text
            for pattern in maybe
            if lacking.isdisjoint(pattern.parts) and lacking.isdisjoint(pattern.signs)
        }
        sought = (
            (row, [each for each in self._patterns[name] if each.text in worth])
            for name, row in self.missing.items()
        )
        return [(row, patterns) for row, patterns in sought if patterns]

    def _holds(self, part: bytes, known: set[bytes], text: bytes) -> bool:
        """Whether a text of these words holds a part; its word is looked for first in the next."""
        if self._seen.get(part) in known:
            return True
        place = text.find(part)
        if place < 0:
            return False
        end = text.find(b" ", place)
        self._seen[part] = text[text.rfind(b" ", 0, place) + 1 : end if end >= 0 else None]
        return True
