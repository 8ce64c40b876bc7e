"""Where text is shown: how wide it is, and which colours and characters it takes."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

WIDTH_IN_A_FILE = 100
_BOUNDLESS = 1000

# For a terminal or a file that cannot show them; in a line up to four of them become two.
_GROWTH = 4
_PLAIN = str.maketrans(
    {
        "²": "^2",
        "×": "x",
        "÷": "/",
        "°": "",
        "±": "+-",
        "≥": ">=",
        "≤": "<=",
        "→": "->",
        "─": "-",
        "…": "...",
    }
)


@dataclass(frozen=True, slots=True)
class Screen:
    """A terminal, a pipe or a file.

    width: in columns.
    colours: whether it shows them.
    encoding: of what is written to it.
    """

    width: int = WIDTH_IN_A_FILE
    colours: bool = False
    encoding: str = "utf-8"

    @classmethod
    def of(cls, stream: TextIO, *, colours: bool = True) -> Screen:
        """That of a stream.  colours: False where somebody does not want them.

        A terminal that wants none by NO_COLOR or TERM=dumb gets none; rich looks for both.
        """
        terminal = stream.isatty()
        return cls(
            width=shutil.get_terminal_size().columns if terminal else WIDTH_IN_A_FILE,
            colours=terminal and colours,
            encoding=stream.encoding or "ascii",
        )

    def draw(self, *parts: RenderableType) -> str:
        """Tables and lines one below the other, ready to be written."""
        # Not to standard output, whose encoding would have rich draw another table.
        drawn = io.StringIO()
        console = self._console(drawn)
        for part in parts:
            console.print(Text(part) if isinstance(part, str) else part)
        lines = (line.rstrip() for line in drawn.getvalue().splitlines())
        return self.plain("".join(f"{line}\n" for line in lines))

    def first_fitting(self, tables: Iterable[Table]) -> Table:
        """The first of a table's layouts, from roomy to narrow, that has room, else the last."""
        console = self._console(io.StringIO())
        boundless = console.options.update(width=_BOUNDLESS)
        for table in tables:
            if Measurement.get(console, boundless, table).maximum <= console.width:
                break
        return table

    def plain(self, text: str) -> str:
        """The text in the characters that this encoding has."""
        if self._unicode:
            return text
        return text.translate(_PLAIN).encode(self.encoding, "replace").decode(self.encoding)

    @property
    def _unicode(self) -> bool:
        return "utf" in self.encoding.lower()

    def _console(self, file: io.StringIO) -> Console:
        return Console(
            file=file,
            width=self.width if self._unicode else self.width - _GROWTH,
            force_terminal=self.colours,
            color_system="auto" if self.colours else None,
            highlight=False,
        )
