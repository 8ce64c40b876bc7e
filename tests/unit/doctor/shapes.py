"""The shapes in which a text is pasted: wrapped, coloured, behind prefixes, with other signs."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from collections.abc import Callable, Iterator

Shape = Callable[[str], str]


def before(prefix: str, text: str) -> str:
    """A prefix on each line."""
    return "\n".join(f"{prefix}{line}" for line in text.split("\n"))


def wrapped(text: str) -> str:
    """As a mail program does it, between words."""
    return "\n".join(
        part for line in text.split("\n") for part in textwrap.wrap(line, 60) or [line]
    )


def cut(text: str) -> str:
    """As a terminal does it, within words."""
    lines = (line[at : at + 50] for line in text.split("\n") for at in range(0, len(line) or 1, 50))
    return "\n".join(lines)


def coloured(text: str) -> str:
    return re.sub(r"(\w+)", "\x1b[1m\\1\x1b[0m", text)


def of_dmesg(text: str) -> str:
    return before("[ 1234.567890] ", text)


def of_dmesg_with_dates(text: str) -> str:
    return before("[Tue Nov 25 10:00:01 2025] ", text)


def of_the_journal(text: str) -> str:
    return before("Nov 25 10:00:01 gpu1 kernel: ", text)


def of_a_container(text: str) -> str:
    return before("2025-11-25T10:00:01.123456789Z stderr F ", text)


def of_compose(text: str) -> str:
    return before("\x1b[36mtrain-1  |\x1b[0m ", text)


def of_mail(text: str) -> str:
    return before("> > ", text)


def of_ansible(text: str) -> str:
    return 'fatal: [gpu1]: FAILED! => {"changed": false, "msg": ' + json.dumps(text) + "}"


def of_json(text: str) -> str:
    return json.dumps({"log": text, "stream": "stderr"})


def typographic(text: str) -> str:
    """As a word processor sets quotes."""
    text = re.sub(r"'([^'\n]*)'", "\u2018\\1\u2019", text.replace("`", "'")).replace("'", "\u2019")
    return re.sub(r'"([^"\n]*)"', "\u201c\\1\u201d", text)


def with_fixed_blanks(text: str) -> str:
    return text.replace(" ", "\u00a0")


def of_windows(text: str) -> str:
    return text.replace("\n", "\r\n") + "\r\n"


ONE: tuple[Shape, ...] = (
    *(str, wrapped, cut, coloured, of_dmesg, of_dmesg_with_dates, of_the_journal),
    *(of_a_container, of_compose, of_mail, of_ansible, of_json, typographic, with_fixed_blanks),
    *(of_windows, str.upper, str.lower),
)


def two() -> Iterator[tuple[str, Shape]]:
    """Two of them, one after the other, with the names of both.

    A terminal cuts by what is seen, so that nothing is cut after it was coloured; and nobody
    writes the escapes of JSON in capitals.
    """
    seen, escaped, case = {coloured, of_compose}, {of_ansible, of_json}, {str.upper, str.lower}
    for first, second in itertools.permutations(ONE[1:], 2):
        if (first in seen and second in {cut, wrapped}) or (first in escaped and second in case):
            continue
        yield f"{first.__name__}, {second.__name__}", _after(first, second)


def _after(first: Shape, second: Shape) -> Shape:
    return lambda text: second(first(text))
