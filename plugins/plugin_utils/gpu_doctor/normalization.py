"""Normalizes a text as people paste it into the lines that the program wrote.

Colours, prefixes of logs, quoting, typographic signs, escapes of JSON and runs of blanks go; what
apt, dpkg and pacman say in other languages becomes what they say in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .pattern import words

_COLOUR = re.compile(
    r"(?:\x1b|\\u001b|\\x1b|\\033|\\e|\^\[|#033)"
    r"(?:\[[0-9;:?]{0,20}[A-Za-z]|\][^\x07\n]{0,200}?(?:\x07|\x1b\\)|[()][A-Z0-9])|\x9b[0-9;]{0,20}[A-Za-z]"
)
_COLOURED = ("\x1b", "\\u001b", "\\x1b", "\\033", "\\e[", "^[[", "#033", "\x9b")
# What may stand within a word and goes: colours, escapes; signs without width, wide letters.
_DISGUISES = (b"\x1b", b"\\", b"^[[", b"#033")
_DISGUISES_BEYOND_ASCII = (
    *map(str.encode, "\x9b\u200b\u200c\u200d\u2060\u00ad\ufeff"),
    *(b"\xef\xbc", b"\xef\xbd"),
)
_SIGNS: dict[int, str] = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u00b4`"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033"), '"'),
    **dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2009\u3000\u200a\u2002\u2003"), " "),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u00ad\u2060\u200e\u200f"), ""),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2013\u2014\u2212"), "-"),
    # As Chinese and Japanese write ASCII.
    **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
}
_SIGN = re.compile(f"[{re.escape(''.join(map(chr, _SIGNS)))}]")
_BLANKS = [blank for blank in map(chr, range(0x3001)) if blank.isspace() and blank not in " \n"]
_GAP = re.compile("  +")
_BLANKS_OF_ASCII = [blank for blank in _BLANKS if blank.isascii()]
_BEYOND_SPACED = 0x2000  # Latin, Greek and Cyrillic stand before it
_ENTITIES = {"&#39;": "'", "&quot;": '"', "&gt;": ">", "&lt;": "<", "&amp;": "&", "&nbsp;": " "}
# Once or twice: JSON may hold JSON.
_ESCAPED = re.compile(r"\\{1,4}(?:u([0-9a-fA-F]{4})|([nrt_*\"'/]))")
_ESCAPES = {"n": "\r", "r": " ", "t": " "}  # \r is a blank that does not begin a line

_DATE = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[ ]?[+-]\d\d:?\d\d)?"
_PREFIX = rf"""(?:>[ ]?
    | \[?{_DATE}\]?:?[ ]
    | [A-Z][a-z]{{2}}[ ]\d{{1,2}}[ ]\d\d:\d\d:\d\d(?:\.\d+)?[ ]
      (?:[\w.-]{{1,64}}[ ][\w./-]{{1,40}}(?:\[\d+\])?:[ ])?
    | [\w.-]{{1,64}}[ ](?:kernel|dockerd|containerd|systemd)(?:\[\d+\])?:[ ]
    | \[[ ]?\d{{1,8}}\.\d{{1,6}}\][ ]
    | \[[A-Z][a-z]{{2}}[ ][A-Z][a-z]{{2}}[ ]\d{{1,2}}[ ]\d\d:\d\d:\d\d[ ]\d{{4}}\][ ]
    | \[?\d\d:\d\d:\d\d(?:[.,]\d{{1,6}})?\]?[ ]
    | \#\d{{1,4}}[ ]\d{{1,5}}\.\d{{1,3}}[ ]
    | <\d{{1,3}}>[ ]?
    | (?:kern|user|daemon|syslog)[ ]?:(?:emerg|alert|crit|err|warn|notice|info|debug)[ ]?:[ ]
    | kernel:[ ]
    | NVRM:[ ]
    | \((?:EE|WW|II)\)[ ]
    | (?:stdout|stderr)[ ][FP][ ]
    | [\w.-]{{0,64}}[ ]?\|[ ]
    | [│┃╎╰╭├─▶×]{{1,4}}[ ]
    | \([\w.:-]{{1,64}}[ ]pid=\d+[^)\n]{{0,60}}\)[ ]
    | (?:fatal|failed|ok|changed|skipping|unreachable):[ ]\[[^\]\n]{{1,80}}\]
      (?:[ ]\([^)\n]{{0,80}}\))?(?::[ ]\w+!)?(?:[ ]=>[ ]?)?
    | \{{?[ ]?"(?:msg|stderr|stdout|message|MESSAGE|log|module_stderr|module_stdout|text)":[ ]?"
    | \#\#\[\w+\]
    | "(?=\S)
    )"""
# At most six before one line: a time, a host, a quotation …
_PREFIXES = re.compile(rf"\n(?:{_PREFIX}[ ]?){{1,6}}", re.VERBOSE)


@dataclass(frozen=True)
class Phrase:
    """What a program says elsewhere.

    means: the same in English, in lower case.  told: one word of it.
    literal, words: that word in bytes, and the words of letters in it.
    is_beyond: whether it is written with more than ASCII.
    """

    pattern: re.Pattern[str]
    english: str
    means: bytes
    told: str
    literal: bytes
    words: frozenset[bytes]
    is_beyond: bool

    @classmethod
    def of(cls, english: str, other: str) -> Phrase:
        """other: with … for what stands between."""
        parts = other.split("…")
        text = r"([^\n]{1,160}?)".join(map(_of_whole_words, parts))
        words_of = re.split(r"[\s…]", other.lower())
        told = max(words_of, key=lambda word: (not word.isascii(), len(word)))
        pattern, literal = re.compile(text, re.IGNORECASE), told.encode()
        known = frozenset(words(literal))
        means = english.lower().encode()
        return cls(pattern, english, means, told, literal, known, not told.isascii())

    def replaced(self, text: str) -> str:
        """A text with the phrase in English."""
        return self.pattern.sub(self._english, text)

    def _english(self, match: re.Match[str]) -> str:
        """Each … is what stood there; the lines stay as many."""
        first, *rest = self.english.split("…")
        said = first + "".join(map(str.__add__, match.groups(), rest))
        return said.replace(" ", "\n", match.group().count("\n"))


@dataclass(frozen=True)
class Languages:
    """The phrases of apt, dpkg, pacman and the C library, the longest first."""

    phrases: tuple[Phrase, ...] = ()

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[str]]) -> Languages:
        """rows: an English phrase -> the same in other languages."""
        told = [(each, english) for english, others in rows.items() for each in others]
        told.sort(key=lambda pair: -len(pair[0]))
        return cls(tuple(Phrase.of(english, each) for each, english in told))

    def concerned(self, here: set[bytes], low: bytes) -> Languages:
        """The phrases that may stand in a text in lower case, of which `here` are the words."""
        beyond = not low.isascii()
        may_be = (
            row for row in self.phrases if (beyond or not row.is_beyond) and row.words <= here
        )
        return Languages(tuple(row for row in may_be if row.literal in low))

    def english(self, text: str) -> str:
        """The text with every phrase that is known put into English."""
        low = text.lower()
        if len(low) != len(text):
            return self._put(text, self.phrases)
        literals = {literal: row for row in self.phrases if (literal := row.told) in low}
        places = sorted(place for each in literals for place in _places(low, each))
        told, done = [], 0
        for start, end in _stretches(low, places):
            told += [text[done:start], self._put(text[start:end], self.phrases)]
            done = end
        return "".join([*told, text[done:]])

    def _put(self, text: str, phrases: Sequence[Phrase]) -> str:
        low = text.lower()
        for row in phrases:
            if row.told in low:
                text = row.replaced(text)
                low = text.lower()
        return text


def _of_whole_words(said: str) -> str:
    """A pattern of what is said, as whole words; a line's end may have taken its blanks.

    Chinese and Japanese have no blanks between words.
    """
    told = re.escape(said).replace(r"\ ", r"\s?")
    bare = said.strip(" ")
    if bare and _is_spaced(bare[0]):
        told = re.sub(r"^((?:\\s\?)*)", r"\1\\b", told)
    if bare and _is_spaced(bare[-1]):
        told = re.sub(r"((?:\\s\?)*)$", r"\\b\1", told, count=1)
    return told


def _is_spaced(sign: str) -> bool:
    """Whether it is a letter of a script that has blanks between words."""
    return sign.isalpha() and ord(sign) < _BEYOND_SPACED


def _places(low: str, literal: str) -> Iterator[int]:
    place = low.find(literal)
    while place >= 0:
        yield place
        place = low.find(literal, place + 1)


def _stretches(low: str, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The lines of the places, with those before and after, for a phrase is wrapped."""
    stretch: tuple[int, int] | None = None
    for place in places:
        start = low.rfind("\n", 0, max(0, low.rfind("\n", 0, place))) + 1
        end = low.find("\n", place) + 1
        end = (low.find("\n", end) + 1 or len(low)) if end else len(low)
        if stretch and start < stretch[1]:
            stretch = stretch[0], end
            continue
        if stretch:
            yield stretch
        stretch = start, end
    if stretch:
        yield stretch


def is_disguised(text: bytes) -> bool:
    """Whether words may look otherwise in it than once it is plain."""
    return any(mark in text for mark in _DISGUISES) or (
        not text.isascii() and any(mark in text for mark in _DISGUISES_BEYOND_ASCII)
    )


def plain(text: str) -> str:
    """Without colours, typographic signs and escapes.  The lines stay as many."""
    text = _uncoloured(text.replace("\r\n", "\n"))
    if "\\" in text:
        text = _ESCAPED.sub(_unescaped, text)
        text = _COLOUR.sub("", text) if "\x1b" in text else text
    if "&" in text:
        for entity, sign in _ENTITIES.items():
            text = text.replace(entity, sign)
    if text.isascii():
        return text.replace("`", "'")
    return _SIGN.sub(lambda match: _SIGNS[ord(match.group())], text)


def _uncoloured(text: str) -> str:
    return _COLOUR.sub("", text) if any(mark in text for mark in _COLOURED) else text


def _unescaped(match: re.Match[str]) -> str:
    if match.group(1):
        sign = chr(int(match.group(1), 16))
        return sign if sign.isprintable() else "\x1b" if sign == "\x1b" else " "
    return _ESCAPES.get(match.group(2), match.group(2))


def tidied(text: str) -> str:
    """Each line without what stands before it in a log, a letter or a report."""
    return _PREFIXES.sub("\n", "\n" + _narrowed(text))[1:]


def _narrowed(text: str) -> str:
    """A text whose lines have single blanks, between words alone."""
    for blank in _BLANKS_OF_ASCII if text.isascii() else _BLANKS:
        text = text.replace(blank, " ")
    text = _GAP.sub(" ", text)
    return text.replace("\n ", "\n").replace(" \n", "\n").strip(" ")


def lines(text: str, languages: Languages) -> list[str]:
    """The lines of a text, as many as it has."""
    return tidy_lines(plain(text), languages)


def tidy_lines(text: str, languages: Languages) -> list[str]:
    """The lines of a plain text, as many as it has."""
    return languages.english(tidied(text)).split("\n")


def rejoined(text: str, languages: Languages) -> list[tuple[str, int]]:
    """The lines of a text that was wrapped within words, each with the number of its first.

    A terminal cuts at its width, wherever that is; others cut behind a hyphen.  What was cut may
    stand in a string of JSON, or the string be cut itself.
    """
    raw = _uncoloured(text.replace("\r\n", "\n")).split("\n")
    told = []
    for whole, number in _joined(raw):
        inner = [line for line, _place in _joined(plain(whole).split("\r"))]
        told += [(languages.english(tidied(line)), number) for line in inner]
    return told


def _joined(raw: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Lines put together where they were cut: without prefixes, with the number of the first."""
    # The last line is cut nowhere, and something may stand before the first.
    widths = {max(map(len, lines), default=-1) for lines in (raw[:-1], raw[1:-1])}
    told, first, cut = "", 0, False
    for number, line in enumerate(raw):
        bare = tidied(line)
        if not cut:
            told, first = bare, number
        else:
            told += (" " if raw[number - 1][-1:].isspace() or line[:1].isspace() else "") + bare
        cut = number + 1 < len(raw) and (len(line) in widths or line.endswith(("-", "/", "_")))
        if not cut:
            yield told, first
