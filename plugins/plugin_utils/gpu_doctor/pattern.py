"""One regular expression of a row, and what a text must hold before it is worth trying."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

REACH = 600  # characters that a pattern may look at beyond its own length
_TOKEN = re.compile(
    r"\\[AbB]|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[:=!]|\(\?<[=!]|\(\?P<\w+>|[()|]"
    r"|(?:[*+?]|\{\d*,?\d*\})[?+]?|.",
    re.DOTALL,
)
# What stands in a raw text as it does in a plain one: blanks, quotes and dashes may not.
_UNCHANGED = re.compile(r"[a-z0-9_.:/()\[\]{}*=,@;%+!?#$]{2,}")
JOINED = 3  # letters of a word's end, and of the next one's start
LEAD = 3  # letters from which on it is worth looking for what a pattern begins with
_OPEN, _EDGE = "\0", "\1"  # in a run: what stands here is not known; a word begins or ends here
_WORDS = bytes(
    byte | 0x20 if 65 <= byte <= 90 else byte if 97 <= byte <= 122 else 32 for byte in range(256)
)


def words(text: bytes) -> set[bytes]:
    """The words of letters in a text, in lower case."""
    return set(text.translate(_WORDS).split())


def narrow(text: str) -> str:
    """A text to look for patterns in: of one byte a sign, and as long; that is faster."""
    return text.encode("latin-1", "replace").decode("latin-1")


def lowered(text: str) -> str:
    """A narrow text to find literals in: in lower case, without lines."""
    return text.lower().replace("\n", " ").replace("\r", " ")


def junctions(text: str) -> set[str]:
    """How the words of a lowered text follow each other: the end of each with the next's start."""
    told = text.split(" ")
    return {one[-JOINED:] + next_[:JOINED] for one, next_ in itertools.pairwise(told)}


def _known_junctions(literal: str) -> Iterator[str]:
    """The junctions that a text with this literal has, which may begin and end within a word."""
    told = literal.split(" ")
    last = len(told) - 1
    for place, (one, next_) in enumerate(itertools.pairwise(told)):
        known = len(one) >= JOINED or place > 0
        if known and (len(next_) >= JOINED or place + 1 < last):
            yield one[-JOINED:] + next_[:JOINED]


@dataclass(frozen=True)
class Pattern:
    """text: as the row has it.  regex: where a blank is any blank, also a line's end.

    width: the most characters that a match, and what it looks at beside it, can have.
    literals: parts that every match holds, in lower case, the longest first.
    lead: what it begins with; "" where that is not known.
    words: whole words of letters that it holds.
    parts: letters that stand within its words.  signs: other parts of words.
    junctions: those of its literals.
    """

    text: str
    regex: re.Pattern[str]
    width: int
    literals: tuple[str, ...]
    lead: str
    words: frozenset[bytes]
    parts: frozenset[bytes]
    signs: frozenset[bytes]
    junctions: frozenset[str]

    @property
    def literal(self) -> str:
        """The longest of them."""
        return self.literals[0]

    def find(self, text: str, low: str) -> re.Match[str] | None:
        """The first match.  low: the text as `lowered` has it."""
        return next(self.each(text, low), None)

    def each(self, text: str, low: str) -> Iterator[re.Match[str]]:
        """All matches; where some overlap, all of these or the first."""
        if not all(part in low for part in self.literals):
            return
        if self.lead == self.literal:
            yield from self._led(text, low)
            return
        for start, end in self._windows(low):
            if all(low.find(part, start, end) >= 0 for part in self.literals[1:]):
                yield from self.regex.finditer(text, start, end)

    def _led(self, text: str, low: str) -> Iterator[re.Match[str]]:
        place = low.find(self.lead)
        while place >= 0:
            found = self.regex.match(text, place)
            if found:
                yield found
            place = low.find(self.lead, place + 1)

    def _windows(self, low: str) -> Iterator[tuple[int, int]]:
        """The stretches around the literal; those that touch are one."""
        place = low.find(self.literal)
        while place >= 0:
            start, end = max(0, place - self.width), place + self.width
            place = low.find(self.literal, place + 1)
            while 0 <= place < end + self.width:
                end = place + self.width
                place = low.find(self.literal, place + 1)
            yield start, end


@functools.cache
def compiled(text: str) -> Pattern:
    """A row's pattern.

    Raises:
        ValueError: it is no regular expression, or could take too long, or holds no literal.
    """
    try:
        flags = re.IGNORECASE | re.DOTALL | re.MULTILINE
        regex = re.compile(text.replace(" ", r"\s"), flags)
    except re.error as error:
        raise ValueError(f"bad regular expression {text}: {error}") from None
    runs = [run.lower() for run in _runs(text)]
    parts = {part for run in runs for part in run.strip(f"{_OPEN} ").split(_EDGE)}
    parts = {part for part in parts if len(part) > 1}
    literals = sorted(parts, key=lambda part: (-len(part), part))
    if not literals:
        raise ValueError(f"{text} holds no literal word outside of its groups")
    joined = frozenset(each for literal in literals for each in _known_junctions(literal))
    told = (tuple(literals), _lead(runs[0]), *_required(runs), joined)
    return Pattern(text, regex, _width(text), *told)


def _lead(run: str) -> str:
    """The first run as far as it is known from the start on."""
    lead = run.strip(_OPEN).lstrip(_EDGE).partition(_EDGE)[0]
    return lead if len(lead) >= LEAD else ""


def _width(text: str) -> int:
    """Each token is a character at most, and each repetition adds what it may take."""
    most = [int(number) for number in re.findall(r"\{\d*,?(\d+)\}", text)]
    return len(text) + sum(most)


def _runs(text: str) -> Iterator[str]:
    """The literals that every match holds, with NUL where one may go on as the same word."""
    run, depth = _OPEN, 0
    tokens = _TOKEN.findall(text)
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        repeated = token[0] in "*+?{" and len(token) < 12
        optional = after.startswith(("*", "?", "{,", "{0,"))
        if repeated and run.endswith(_OPEN):
            continue
        if token.startswith("(") or token == ")":
            depth += 1 if token.startswith("(") else -1
            sign = _OPEN
        elif token == "|":
            if depth == 0:
                raise ValueError(f"{text}: write two patterns instead of «|» outside of a group")
            sign = _OPEN
        elif token == r"\b":
            sign = _EDGE
        elif token == r"\s":
            sign = " "
        elif len(token) == 1 and token not in ".^$*+?":
            sign = token
        elif re.fullmatch(r"\\[^\w]", token):
            sign = token[1]
        else:
            sign = _OPEN
        if depth or optional:
            sign = _OPEN
        if sign == _OPEN:
            yield run + sign
            run = _OPEN
        else:
            run += sign
    yield run + _OPEN


def _required(runs: list[str]) -> tuple[frozenset[bytes], frozenset[bytes], frozenset[bytes]]:
    """What a text must hold of the runs: whole words of letters, parts of such, other parts."""
    whole: set[bytes] = set()
    parts: set[bytes] = set()
    signs: set[bytes] = set()
    for bounded in runs:
        run = bounded.replace(f"{_OPEN}{_EDGE}", _EDGE).replace(f"{_EDGE}{_OPEN}", _EDGE)
        for word in re.findall(rf"{_OPEN}?[a-z]+{_OPEN}?", run):
            bare = word.strip(_OPEN)
            if len(bare) > 1:
                (whole if bare == word else parts).add(bare.encode())
        signs |= {word.encode() for word in _UNCHANGED.findall(run) if not word.isalpha()}
    return frozenset(whole), frozenset(parts), frozenset(signs)
