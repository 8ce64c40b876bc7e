"""Wraps texts for a terminal; words and commands stay whole."""

from __future__ import annotations

import textwrap


def wrapped(text: str, width: int, first: str = "", indent: int = 0) -> list[str]:
    """The text's lines.  first: what the first begins with; indent: of the others."""
    return textwrap.wrap(
        text,
        width=width,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
