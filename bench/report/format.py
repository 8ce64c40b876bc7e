"""Numbers and names as a person reads them, and the screen that they are printed on."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from bench.errors import lines
from bench.record.model import Training
from bench.workloads.own import is_accuracy
from bench.workloads.workload import ERRORS

if TYPE_CHECKING:  # rich is imported where it is used: collecting the tests does not wait for it
    from rich.console import Console, RenderableType
    from rich.table import Table

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")

# What a device's name says besides its model.
_NOISE = re.compile(r"\((R|TM|C)\)|\b(NVIDIA|CPU|Processor|\d+-Core)\b|@.*")


def seconds(value: float) -> str:
    """A time with three significant digits: `83.2 ms`, `1.31 s`, `12,346 s`."""
    if value < 0.9995:  # from there on it would round to 1000 ms
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 999.5 else f"{value:,.0f} s"


def joules(value: float) -> str:
    """An energy: `620 J`, `1.23 kJ`."""
    return f"{value:.3g} J" if value < 999.5 else f"{value / 1000:,.3g} kJ"


def accuracy(value: float) -> str:
    """An accuracy: `98.12 %`."""
    return f"{100 * value:.2f} %"


def squares(value: float) -> str:
    """An MSE without its unit: `52.1`, `127,250`."""
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def quality(metric: str, value: float | None) -> str:
    """A quality with its unit: `98.12 %`, `59.0 s²`; `n/a` where the training diverged.

    A metric of a model of one's own has none but a share of right answers: `0.3112`.
    """
    if value is None:
        return "n/a"
    if metric in ERRORS:
        return f"{squares(value)} {ERRORS[metric]}"
    return accuracy(value) if _is_share(metric) else f"{value:.4g}"


def axis(metric: str) -> tuple[str, float]:
    """What a quality's axis is called, with its unit, and what its values are multiplied by."""
    if metric in ERRORS:
        return f"MSE, {ERRORS[metric]}", 1.0
    return (f"{metric}, %", 100.0) if _is_share(metric) else (metric, 1.0)


def _is_share(metric: str) -> bool:
    return metric == "accuracy" or is_accuracy(metric)


def share(value: float) -> str:
    """A part of a whole: `6.7 %`, `12 %`."""
    return f"{100 * value:.0f} %" if value >= 0.095 else f"{100 * value:.1f} %"


def times(ratio: float) -> str:
    """A ratio with two digits: `0.52`, `4.0`, `40`."""
    if ratio < 0.995:
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def count(value: float) -> str:
    """A number of things: `7,537`."""
    return f"{value:,.0f}"


def megabytes(value: float) -> str:
    """A size: `14.2 MB`, `1.86 GB`."""
    return f"{value / 1e6:.1f} MB" if value < 999.95e6 else f"{value / 1e9:,.3g} GB"


def one_or_range(least: str, most: str) -> str:
    """`12`, `12 to 40`."""
    return least if least == most else f"{least} to {most}"


def and_so(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def short_name(device: str) -> str:
    """A device's name by its model alone: `H100 80GB HBM3`, `Intel Xeon`."""
    return " ".join(_NOISE.sub(" ", device).split()) or device


class Names:
    """What tells a training from the others of its run: `mlp`, `mlp (gpu:0, tuned, side B)`."""

    def __init__(self, results: Sequence[Training], time_to_target: Sequence[Training]) -> None:
        self._several_devices = len({each.device.id for each in (*results, *time_to_target)}) > 1
        self._to_target = time_to_target

    def __call__(self, training: Training) -> str:
        """The name of one; its device is in it where there are several."""
        details = [
            training.device.id if self._several_devices else "",
            training.way.suffix[2:],
            f"side {training.side}" if training.side else "",
            "to target" if any(training is each for each in self._to_target) else "",
        ]
        told = ", ".join(filter(None, details))
        return f"{training.workload} ({told})" if told else training.workload


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


class Unbroken(str):
    """A line in which a screen breaks nothing, so that its command can be copied."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Screen:
    """A terminal, a pipe or a file.

    width: in columns.
    pictures: whether it is shown pictures of blocks: a terminal that has them, and nobody minds.
    """

    width: int = WIDTH_IN_A_FILE
    colours: bool = False
    encoding: str = "utf-8"
    pictures: bool = False

    @classmethod
    def of(cls, stream: TextIO, *, colours: bool = True, pictures: bool = True) -> Screen:
        """That of a stream.  colours, pictures: False where somebody does not want them.

        A terminal that wants none by NO_COLOR or TERM=dumb gets none; rich looks for both.
        """
        terminal = stream.isatty()
        named = os.environ.get("COLUMNS", "").isdecimal()  # as for a log that is read in a window
        return cls(
            width=shutil.get_terminal_size().columns if terminal or named else WIDTH_IN_A_FILE,
            colours=terminal and colours,
            encoding=stream.encoding or "ascii",
            pictures=terminal and pictures and "utf" in (stream.encoding or "").lower(),
        )

    def draw(self, *parts: RenderableType) -> str:
        """Tables and lines one below the other, ready to be written."""
        from rich.text import Text

        # Not to standard output, whose encoding would have rich draw another table.
        drawn = io.StringIO()
        console = self._console(drawn)
        for part in parts:
            whole = isinstance(part, Unbroken)
            console.print(Text(part) if isinstance(part, str) else part, soft_wrap=whole)
        lines = (line.rstrip() for line in drawn.getvalue().splitlines())
        return self.plain("".join(f"{line}\n" for line in lines))

    def first_fitting(self, tables: Iterable[Table]) -> Table:
        """The first of a table's layouts, from roomy to narrow, that has room, else the last."""
        for table in tables:
            if self.has_room(table):
                break
        return table

    def has_room(self, table: Table) -> bool:
        """Whether it is no wider."""
        from rich.measure import Measurement

        console = self._console(io.StringIO())
        boundless = console.options.update(width=_BOUNDLESS)
        return Measurement.get(console, boundless, table).maximum <= console.width

    def plain(self, text: str) -> str:
        """The text in the characters that this encoding has, of which none moves a cursor."""
        # Of what begins with an escape only Rich's own colours, which are every second part.
        parts = _COLOUR.split(text) if self.colours else [text]
        text = "".join(part if at % 2 else lines(part) for at, part in enumerate(parts))
        if self._unicode:
            return text
        return text.translate(_PLAIN).encode(self.encoding, "replace").decode(self.encoding)

    @property
    def _unicode(self) -> bool:
        return "utf" in self.encoding.lower()

    def _console(self, file: io.StringIO) -> Console:
        from rich.console import Console

        return Console(
            file=file,
            width=self.width if self._unicode else self.width - _GROWTH,
            force_terminal=self.colours,
            color_system="auto" if self.colours else None,
            highlight=False,
        )
