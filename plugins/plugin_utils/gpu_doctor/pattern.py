"""One regular expression of a row, and what a text must hold before it is worth trying."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

REACH = 600  # characters that a match may have before and behind its literal
_TOKEN = re.compile(
    r"\\[AbB]|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[:=!]|\(\?<[=!]|\(\?P<\w+>|[()|]"
    r"|(?:[*+?]|\{\d*,?\d*\})[?+]?|.",
    re.DOTALL,
)
_WORDS = bytes(
    byte | 0x20 if 65 <= byte <= 90 else byte if 97 <= byte <= 122 else 32 for byte in range(256)
)


def words(text: bytes) -> set[bytes]:
    """The words of letters in a text, in lower case."""
    return set(text.translate(_WORDS).split())


def lowered(text: str) -> str:
    """A text to find literals in: in lower case, without lines; "" where its length changes."""
    low = text.lower().replace("\n", " ").replace("\r", " ")
    return low if len(low) == len(text) else ""


@dataclass(frozen=True)
class Pattern:
    """text: as the row has it.  regex: where a blank is any blank, also a line's end.

    literals: parts that every match holds, in lower case, the longest first.
    words: whole words that it holds.
    """

    text: str
    regex: re.Pattern[str]
    literals: tuple[str, ...]
    words: frozenset[bytes]

    @property
    def literal(self) -> str:
        """The longest of them."""
        return self.literals[0]

    def find(self, text: str, low: str) -> re.Match[str] | None:
        """The first match.  low: the text as `lowered` has it."""
        place = low.find(self.literal)
        while place >= 0:
            start, end = max(0, place - REACH), place + REACH
            if all(low.find(part, start, end) >= 0 for part in self.literals[1:]):
                found = self.regex.search(text, start, end)
                if found:
                    return found
            place = low.find(self.literal, place + REACH // 2)
        return None


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
    runs = list(_runs(text))
    parts = {run.strip("\0 ").lower() for run in runs}
    literals = sorted(
        (part for part in parts if len(part) > 1), key=lambda part: (-len(part), part)
    )
    if not literals:
        raise ValueError(f"{text} holds no literal word outside of its groups")
    return Pattern(text, regex, tuple(literals), frozenset(_whole_words(runs)))


def _runs(text: str) -> Iterator[str]:
    """The literals that every match holds, with NUL where one may go on as the same word."""
    run, depth = "", 0
    tokens = _TOKEN.findall(text)
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        repeated = bool(re.match(r"[*+?{]", token)) and len(token) < 12
        optional = bool(re.match(r"[*?]|\{0?,", after))
        if repeated and run.endswith("\0"):
            continue
        if token.startswith("(") or token == ")":
            depth += 1 if token.startswith("(") else -1
            sign = "\0"
        elif token == "|":
            if depth == 0:
                raise ValueError(f"{text}: write two patterns instead of «|» outside of a group")
            sign = "\0"
        elif re.fullmatch(r"\\[bB]", token):
            sign = "" if token == r"\b" else "\0"
        elif token == r"\s":
            sign = " "
        elif len(token) == 1 and token not in ".^$*+?":
            sign = token
        elif re.fullmatch(r"\\[^\w]", token):
            sign = token[1]
        else:
            sign = "\0"
        if depth or optional:
            sign = "\0"
        if sign == "\0":
            yield run + sign
            run = "\0"
        else:
            run += sign
    yield run


def _whole_words(runs: list[str]) -> Iterator[bytes]:
    """Words that stand as such in every match: none that may go on outside of its run."""
    for run in runs:
        for word in re.findall(r"\0?[a-z]+\0?", run.lower()):
            if "\0" not in word and len(word) > 1:
                yield word.encode()
