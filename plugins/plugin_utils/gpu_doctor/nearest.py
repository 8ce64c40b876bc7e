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
_PATH = re.compile(r"\S{0,400}/\S{1,400}")
_COMPLAINT = re.compile(
    r"\b(?:error|fatal|failed|failure|cannot|can't|could not|couldn't|unable to|not found|no such"
    r"|exception|denied|refused|aborted|killed|segmentation fault|panic)\b"
    r"|\w(?:Error|Exception)\b",
    re.IGNORECASE,
)
# A count or a state, as nvidia-smi's "Correctable Error : 0" or JSON's "failed": false.
_NONE = re.compile(
    r"\b(?:errors?|failed|failures?|exceptions?)\b(?: \w{1,20}){0,2}[\"']?\s?[:=]\s?"
    r"(?:0(?:x0+)?|no|none|false|null|n/a|\[\]|\"\")(?![\w.])"
    r"|\b(?:0|no) (?:errors?|failures?|failed)\b",
    re.IGNORECASE,
)
ENOUGH_WORDS, ENOUGH_LETTERS = 3, 14  # of a cut message, to tell it from a common turn of phrase
NEAR = 0.4  # share of the weight of a line's words
FEW = 12  # lines that someone picks because of what they say
MOST = 200  # lines that are compared


@dataclass(frozen=True)
class Near:
    """The nearest symptom.  share: how much of a line's words it has, 1.0 for all."""

    symptom: Symptom
    share: float
    said: str


def complains(line: str) -> bool:
    """Whether a line reports that something went wrong, not that nothing of the kind did."""
    return bool(_COMPLAINT.search(_NONE.sub("", line)))


def cut_from(lines: Sequence[str], symptoms: Iterable[Symptom]) -> Symptom | None:
    """The one symptom whose message this is a piece of: all of it, or else its first or last line.

    What is cut begins and ends anywhere, also within a word.
    """
    known, told = tuple(symptoms), [line for line in lines if line]
    for piece in dict.fromkeys((" ".join(told), *told[:1], *told[-1:])):
        outside = _words(_PATH.sub(" ", piece))  # the parts of a path tell nothing
        if len(outside) < ENOUGH_WORDS or sum(map(len, outside)) < ENOUGH_LETTERS:
            continue
        words = " ".join(_words(piece))
        held = {row.name: row for row in known if any(words in each for each in _messages(row))}
        if len(held) == 1:
            return next(iter(held.values()))
    return None


def _messages(symptom: Symptom) -> list[str]:
    examples = (each for each in symptom.examples if isinstance(each, str))
    texts = tuple(pattern.text for pattern in symptom.patterns)
    return [_told(texts, each) for each in examples]


@functools.cache
def _told(texts: tuple[str, ...], example: str) -> str:
    """The words of an example, of the lines alone that tell the symptom."""
    literals = {part for text in texts for part in compiled(text).literals if len(part) > 4}
    lines = example.lower().split("\n")
    telling = [line for line in lines if any(each in line for each in literals)]
    return " ".join(_words(" ".join(telling)))


def nearest(lines: Sequence[str], symptoms: Iterable[Symptom]) -> Near | None:
    """The symptom whose example shares most with a line, if that is much."""
    known = [
        (symptom, _bag(line))
        for symptom in symptoms
        for example in symptom.examples
        if isinstance(example, str)
        for line in example.split("\n")
    ]
    counts = Counter(word for _symptom, words in known for word in words)

    def weight(words: Iterable[str]) -> float:
        return sum(math.log((1 + len(known)) / (1 + counts[word])) for word in words)

    best: Near | None = None
    # In a whole report of which no line complains, none is worth a comparison.
    told = [line for line in lines if complains(line)] or (lines if len(lines) <= FEW else [])
    for line in told[:MOST]:
        words = _bag(line)
        whole = weight(words)
        if len(words) < ENOUGH_WORDS or not whole:
            continue
        for symptom, theirs in known:
            share = weight(words & theirs) / max(whole, weight(theirs))
            if share >= NEAR and (best is None or share > best.share):
                best = Near(symptom, share, line)
    return best


@functools.cache
def _bag(line: str) -> frozenset[str]:
    return frozenset(_words(line))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
