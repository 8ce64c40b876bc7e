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
        self._patterns = {name: row.patterns for name, row in self.missing.items()}
        self._by_word: dict[bytes, dict[str, Pattern]] = defaultdict(dict)
        for pattern in itertools.chain(*self._patterns.values()):
            rarest = max(pattern.words, key=lambda word: (len(word), word), default=b"")
            self._by_word[rarest][pattern.text] = pattern

    def read(self, text: bytes) -> tuple[list[Sought], list[str]]:
        """The rows whose words a text holds, with the patterns of which it does; and its lines.

        No lines where there are no rows.
        """
        told = text.decode("utf-8", "replace")
        is_plain = normal.is_disguised(text)
        if is_plain:
            told = normal.plain(told)
            text = told.encode("utf-8", "replace")
        low = b" ".join(set(text.lower().split()))  # each word once: logs say the same again
        here = words(low)
        languages = self._languages.concerned(here, low)
        english = b" ".join({phrase.means for phrase in languages.phrases})
        here |= words(english)
        low += b" " + english
        sought = self._of(here, low)
        if not sought:
            return [], []
        return sought, normal.tidy_lines(told if is_plain else normal.plain(told), languages)

    def _of(self, here: set[bytes], low: bytes) -> list[Sought]:
        all_words = b" ".join(here)
        held: dict[bytes, bool] = {}

        def holds(parts: Iterable[bytes], text: bytes) -> bool:
            for part in parts:
                if part not in held:
                    held[part] = part in text
                if not held[part]:
                    return False
            return True

        worth = {
            pattern.text
            for word in self._by_word.keys() & (here | {b""})
            for pattern in self._by_word[word].values()
            if pattern.words <= here
            if holds(pattern.parts, all_words) and holds(pattern.signs, low)
        }
        sought = (
            (row, [each for each in self._patterns[name] if each.text in worth])
            for name, row in self.missing.items()
        )
        return [(row, patterns) for row, patterns in sought if patterns]
