"""Texts that no pattern knows: a known message that was cut, or the one that is nearest."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .pattern import compiled
from .symptoms import Symptom

_WORD = re.compile(r"[^\W\d_]{2,}")
_PATH = re.compile(r"(?<!\S)/\S{1,400}")  # whose parts tell nothing
_COMPLAINT = re.compile(
    r"\b(?:error|fatal|failed|failure|cannot|can't|could not|couldn't|unable to|not found|no such"
    r"|exception|denied|refused|aborted|killed|segmentation fault|panic)\b"
    r"|\w(?:Error|Exception)\b",
    re.IGNORECASE,
)
ENOUGH_WORDS, ENOUGH_LETTERS = 3, 14  # of a cut message, to tell it from a common turn of phrase
NEAR = 0.4  # share of the weight of a line's words
MOST = 200  # lines that are compared


@dataclass(frozen=True)
class Near:
    """The nearest symptom.  share: how much of a line's words it has, 1.0 for all."""

    symptom: Symptom
    share: float
    said: str


def complains(line: str) -> bool:
    """Whether a line reports that something went wrong."""
    return bool(_COMPLAINT.search(line))


def cut_from(lines: Sequence[str], symptoms: Iterable[Symptom]) -> Symptom | None:
    """The one symptom whose message this is a piece of."""
    said = _words(_PATH.sub(" ", " ".join(lines)))
    whole = f" {' '.join(said)} "
    inner = said[1:-1] if len(said) > ENOUGH_WORDS + 1 else said  # either end may be half a word
    if len(inner) < ENOUGH_WORDS or sum(map(len, inner)) < ENOUGH_LETTERS:
        return None
    piece = f" {' '.join(inner)} "
    held = {
        symptom.name: (symptom, _told(symptom.texts, example))
        for symptom in symptoms
        for example in symptom.examples
        if isinstance(example, str) and piece in _told(symptom.texts, example)
    }
    exact = [row for row, told in held.values() if whole in told]
    candidates = exact or [row for row, _told_by in held.values()]
    return candidates[0] if len(candidates) == 1 else None


@functools.cache
def _told(texts: tuple[str, ...], example: str) -> str:
    """The words of an example, of the lines alone that tell the symptom."""
    literals = {part for text in texts for part in compiled(text).literals if len(part) > 4}
    lines = example.lower().split("\n")
    telling = [line for line in lines if any(each in line for each in literals)]
    return f" {' '.join(_words(_PATH.sub(' ', ' '.join(telling))))} "


def nearest(lines: Sequence[str], symptoms: Iterable[Symptom]) -> Near | None:
    """The symptom whose example shares most with a line, if that is much."""
    known = [
        (symptom, frozenset(_words(line)))
        for symptom in symptoms
        for example in symptom.examples
        if isinstance(example, str)
        for line in example.split("\n")
    ]
    counts = Counter(word for _symptom, words in known for word in words)

    def weight(words: Iterable[str]) -> float:
        return sum(math.log((1 + len(known)) / (1 + counts[word])) for word in words)

    best: Near | None = None
    for line in [line for line in lines if complains(line)][:MOST] or list(lines)[:MOST]:
        words = frozenset(_words(line))
        whole = weight(words)
        if len(words) < ENOUGH_WORDS or not whole:
            continue
        for symptom, theirs in known:
            share = weight(words & theirs) / max(whole, weight(theirs))
            if share >= NEAR and (best is None or share > best.share):
                best = Near(symptom, share, line)
    return best


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
