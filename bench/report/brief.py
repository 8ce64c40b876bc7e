"""Commands as short as they can be where the run that advises them is at hand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from bench.record.model import Record


def brief(line: str, record: Record, path: Path | None) -> str:
    """A line whose command has `--like RUN` in the place of the options that the run was given.

    It has them all as the run had them, or with another value behind them, which counts.  It stays
    as it is where that is no longer, or where there is no record; and where options are apart from
    their values, as in an older record, for these may be words of the line.
    """
    words = record.settings.rerun_options
    if path is None or not words or not all(word.startswith("--") for word in words):
        return line
    like = f" --like {shlex.quote(str(path))}"
    given = "|".join(re.escape(f" {shlex.quote(word)}") for word in words)

    def shorter(found: re.Match[str]) -> str:
        return like if len(like) < len(found[0]) else found[0]

    return re.sub(rf"(?:(?:{given})(?=[\s,;.]|$))+", shorter, line)
