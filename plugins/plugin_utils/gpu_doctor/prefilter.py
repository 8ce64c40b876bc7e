"""Which rows a block of a log is worth a close look for: most of a log is for none.

A pattern is tried only where all the words are that a match of it must hold.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from . import normal
from .normal import Languages
from .pattern import Pattern, words
from .symptoms import Symptom

Sought = tuple[Symptom, Sequence[Pattern]]


class Prefilter:
    """The rows that a log has not shown yet, by a word that each of their patterns holds."""

    def __init__(self, symptoms: Iterable[Symptom], languages: Languages) -> None:
        self.missing: dict[str, Symptom] = {row.name: row for row in symptoms}
        self._languages = languages
        self._by_word: dict[bytes, list[tuple[str, Pattern]]] = defaultdict(list)
        self._others: list[tuple[str, Pattern]] = []
        for row in self.missing.values():
            for pattern in row.patterns:
                rarest = max(pattern.words, key=lambda word: (len(word), word), default=b"")
                place = self._by_word[rarest] if rarest else self._others
                place.append((row.name, pattern))

    def read(self, text: bytes) -> tuple[list[Sought], list[str]]:
        """The rows whose words a text holds, with the patterns of which it does; and its lines.

        No lines where there are no rows.
        """
        told = text.decode("utf-8", "replace")
        is_plain = normal.is_disguised(text)
        if is_plain:
            told = normal.plain(told)
            text = told.encode("utf-8", "replace")
        here, low = words(text), text.lower()
        languages = self._languages.concerned(here, low)
        for phrase in languages.phrases:
            english = phrase.english.encode().lower()
            here |= words(english)
            low += english
        sought = self._of(here, low)
        if not sought:
            return [], []
        return sought, normal.tidy_lines(told if is_plain else normal.plain(told), languages)

    def _of(self, here: set[bytes], low: bytes) -> list[Sought]:
        all_words = b" ".join(here)
        seen: dict[str, set[str]] = defaultdict(set)
        held: dict[bytes, bool] = {}

        def holds(parts: Iterable[bytes], text: bytes) -> bool:
            for part in parts:
                if part not in held:
                    held[part] = part in text
                if not held[part]:
                    return False
            return True

        worded = [self._by_word[word] for word in self._by_word.keys() & here]
        for name, pattern in itertools.chain(self._others, *worded):
            if name not in self.missing or not pattern.words <= here:
                continue
            if holds(pattern.parts, all_words) and holds(pattern.signs, low):
                seen[name].add(pattern.text)
        rows = [row for name, row in self.missing.items() if name in seen]
        return [
            (row, [each for each in row.patterns if each.text in seen[row.name]]) for row in rows
        ]
