"""Plots as SVG, whose colours are the page's own, by day and by night.

pygal draws them: its SVG takes CSS variables for colours, where matplotlib's has fixed ones, and it
is 200 kB that import in a quarter of a second.
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

_WIDTH = 760
_HEIGHT, _STRIP_HEIGHT, _BAR_HEIGHT = 260, 150, 34
# What there has to be room for: on a phone, where a plot is drawn smaller.  Elsewhere style.css has
# letters of 13 px.
_FONT = 20
# The page's eight, again and again: pygal fails where a plot has more series than there are.
_SERIES = 8
_COLOURS = tuple(f"var(--series-{number})" for number in range(1, _SERIES + 1)) * 16
# Labels below a plot, numbers and dates; letters that stand for a number at most.
_MOST_LABELS, _MOST_LONG_LABELS, _SHORT = 12, 5, 4
_MOST_DOTS = 40
# Letters of a bar's name: a longer one would leave its bar no room, and pygal without an end.
_MOST_OF_A_NAME = 30
_SQUARE = 520
# How many times as far the one axis of dots may go as the other before each has its own scale.
_FAR = 2.5
# What pygal adds that a page neither needs nor should have: its script with the names that it calls
# series by, and the day it was made.
_SCRIPT = re.compile(r"<script\b.*?</script>|<!--.*?-->| id=\"activate-serie-\d+\"", re.DOTALL)
_OPENING = re.compile(r"<svg\b[^>]*?(viewBox=\"[^\"]*\")[^>]*>")


@dataclass(frozen=True, slots=True)
class Line:
    """A named series, a value at each point; None leaves a gap.

    marks: whether its values are marked, each by itself, instead of a line through them.
    dashed: whether it is something to hold the others to.
    colour: its number, where it has another one in other plots of the same; else by its order.
    """

    name: str
    values: Sequence[float | None]
    marks: bool = False
    dashed: bool = False
    colour: int | None = None


@dataclass(frozen=True, slots=True)
class Points:
    """A named series of dots, each across and up.

    marks: whether they are drawn, else a line through them.
    """

    name: str
    at: Sequence[tuple[float, float]]
    marks: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """A named value with the interval that it was measured within, and its colour's number."""

    name: str
    value: float
    least: float
    most: float
    colour: int = 1


@dataclass(frozen=True, slots=True)
class Plot:
    """An SVG with its legend, and the sentence that says the same."""

    title: str
    sentence: str
    svg: Markup
    identity: str = ""

    def within(self, number: int) -> Markup:
        """The SVG on a page that has it for several runs: what it is called by is there once."""
        if not (number and self.identity):  # alone, or a picture, which is called by nothing
            return self.svg
        return self.svg.replace(self.identity, f"{number}-{self.identity}")


def bars(title: str, sentence: str, unit: str, values: Sequence[Bar]) -> Plot:
    """A horizontal bar for each value, with its interval; by numbers where names are long."""
    pygal = _pygal()
    scale = ticks(0.0, max(max(bar.value, bar.most) for bar in values), 6)
    chart = pygal.HorizontalBar(
        height=90 + _BAR_HEIGHT * len(values),
        show_legend=False,
        x_title=unit,
        range=(0, scale[-1]),
        **_settings(),
    )
    names = [bar.name for bar in values]
    long = max(map(len, names)) > _MOST_OF_A_NAME
    labels = [str(number) for number in range(1, len(values) + 1)] if long else names
    upwards = values[::-1]  # the first one is the lowest
    chart.x_labels, chart.y_labels = labels[::-1], scale
    told = [
        {
            "value": bar.value,
            "ci": {"low": bar.least, "high": bar.most},
            "label": bar.name,
            "color": _colour(bar.colour),
        }
        for bar in upwards
    ]
    chart.add(unit, told)
    return _plot(chart, title, sentence, _numbered(names) if long else "")


def _numbered(names: Sequence[str]) -> str:
    entries = "".join(f"<li>{escape(name)}</li>" for name in names)
    return f'\n<ol class="names" aria-hidden="true">{entries}</ol>'


def lines(
    title: str,
    sentence: str,
    unit: str,
    series: Sequence[Line],
    *,
    x_labels: Sequence[str] | None = None,
    strip: bool = False,
    from_zero: bool = True,
    least: float | None = None,
) -> Plot:
    """A line for each series over epochs 1, 2, …, or over named points.

    strip: a low plot, below another.
    from_zero: whether the axis begins at zero, as it has to where lengths are compared.
    least: where it begins, else at the least value.
    """
    pygal = _pygal()
    count = max(len(each.values) for each in series)
    named = list(x_labels or map(str, range(1, count + 1)))
    long = max(map(len, named)) > _SHORT
    step = -(-count // (_MOST_LONG_LABELS if long else _MOST_LABELS))
    shown = {"show_minor_x_labels": False, "x_labels_major_every": step} if step > 1 else {}
    chart = pygal.Line(
        height=_STRIP_HEIGHT if strip else _HEIGHT,
        y_title=unit,
        x_title="" if strip or x_labels else "epoch",
        show_legend=False,
        dots_size=2,
        show_dots=count <= _MOST_DOTS,
        **shown,
        **_settings([_number_of(number, each) for number, each in enumerate(series, start=1)]),
    )
    chart.x_labels = named
    known = [value for each in series for value in each.values if value is not None]
    begin = min(known) if least is None else least
    chart.y_labels = ticks(0.0 if from_zero else begin, max(known), 3 if strip else 6)
    for each in series:
        how: dict[str, Any] = {}
        if each.marks:
            how = {"stroke": False, "show_dots": True, "dots_size": 5}
        elif each.dashed:
            how = {"stroke_style": {"width": 2, "dasharray": "6,5"}, "show_dots": False}
        chart.add(each.name, list(each.values), **how)
    return _plot(chart, title, sentence, _legend(series) if len(series) > 1 else "")


def _legend(series: Sequence[Line | Points]) -> str:
    """As a list below the plot, which takes as much room as its names do: pygal's cuts them off."""
    entries = (
        f'<li class="series-{(_number_of(number, each) - 1) % _SERIES + 1}{_sort(each)}">'
        f"{escape(each.name)}</li>"
        for number, each in enumerate(series, start=1)
    )
    return f'\n<ul class="legend" aria-hidden="true">{"".join(entries)}</ul>'


def _number_of(number: int, series: Line | Points) -> int:
    return series.colour or number if isinstance(series, Line) else number


def _sort(series: Line | Points) -> str:
    dashed = isinstance(series, Line) and series.dashed
    return " marks" if series.marks else " dashed" if dashed else ""


def scatter(title: str, sentence: str, axes: tuple[str, str], series: Sequence[Points]) -> Plot:
    """Dots in a square, and lines through some of them.

    axes: what is told from left to right, and upwards; from zero, and on one scale where neither
        goes far beyond the other.
    """
    pygal = _pygal()
    chart = pygal.XY(
        height=_SQUARE,
        x_title=axes[0],
        y_title=axes[1],
        show_legend=False,
        stroke=False,
        dots_size=2.5,
        **{**_settings(), "formatter": lambda at: ", ".join(map(_number, at))},
        value_formatter=_number,
        x_value_formatter=_number,
    )
    across, upwards = ([at[axis] for each in series for at in each.at] for axis in (0, 1))
    chart.x_labels, chart.y_labels = _scales(across, upwards)
    for each in series:
        drawn = {} if each.marks else {"stroke": True, "show_dots": False}
        chart.add(each.name, each.at, **drawn)
    return _plot(chart, title, sentence, _legend(series))


def _scales(across: Sequence[float], upwards: Sequence[float]) -> tuple[list[float], list[float]]:
    """Those of both axes: one, but where it would press what is on one of them together."""
    ends = [(min(0.0, *values), max(0.0, *values)) for values in (across, upwards)]
    spans = [most - least for least, most in ends]
    if max(spans) > _FAR * min(spans):
        return ticks(*ends[0], 6), ticks(*ends[1], 6)
    both = ticks(min(least for least, _ in ends), max(most for _, most in ends), 6)
    return both, both


def ticks(least: float, most: float, count: int) -> list[float]:
    """Round values that hold a range, about so many: 0, 0.5, 1, 1.5."""
    range_ = (most - least) or abs(most) or 1.0
    power = 10.0 ** math.floor(math.log10(range_ / count))
    step = next(nice * power for nice in (1, 2, 5, 10, 20) if nice * power >= range_ / count)
    first, last = math.floor(least / step), math.ceil(most / step)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def _pygal() -> Any:
    """The library, without the finder of plugins that it leaves among Python's own.

    It has no `find_spec`, of which every later import warns; pytest-benchmark removes it, too.
    """
    import pygal

    plugins = getattr(pygal, "PluginImportFixer", ())
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, plugins)]
    return pygal


def _colour(number: int) -> str:
    return f"var(--series-{(number - 1) % _SERIES + 1})"


def _settings(colours: Sequence[int] = ()) -> dict[str, Any]:
    """colours: the numbers of the series' own, where they are not in their order."""
    from pygal.style import Style

    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--text)",
        foreground_strong="var(--text)",
        foreground_subtle="var(--quiet)",
        guide_stroke_color="var(--line)",
        major_guide_stroke_color="var(--line)",
        colors=tuple(map(_colour, colours)) or _COLOURS,
        font_family="inherit",
        label_font_size=_FONT,
        major_label_font_size=_FONT,
        title_font_size=_FONT,
        value_font_size=_FONT,
        tooltip_font_size=_FONT,
        opacity=".85",
        transition="0s",
    )
    return {
        "style": style,
        "width": _WIDTH,
        "js": (),
        "disable_xml_declaration": True,
        "truncate_label": -1,
        "formatter": _number,
    }


def _number(value: Any) -> str:
    return "" if value is None else f"{float(value):,.4g}"


def _plot(chart: Any, title: str, sentence: str, legend: str) -> Plot:
    # The same plot of the same run is the same text, whenever it is drawn.
    chart.uuid = hashlib.sha256(f"{title}\n{sentence}".encode()).hexdigest()[:8]
    text = _SCRIPT.sub("", str(chart.render()))
    text = text.replace("<title>Pygal</title>", f"<title>{escape(title)}</title>", 1)
    # What a screen reader says of it is the sentence below.
    opening = r'<svg aria-hidden="true" focusable="false" \1'
    identity = f' id="chart-{chart.uuid}" class="pygal-chart">'
    text = _OPENING.sub(lambda found: found.expand(opening) + identity, text, count=1)
    return Plot(title, sentence, Markup(text + legend), chart.uuid)
