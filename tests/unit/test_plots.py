"""The plots of a page: their axes, labels and bounds."""

from __future__ import annotations

import re

import pytest

from bench.page import curves, plots
from bench.page.plots import Line


@pytest.mark.parametrize(
    ("least", "most", "count", "told"),
    [
        (0.0, 6.4, 6, [0, 2, 4, 6, 8]),
        (0.0, 0.65, 6, [0, 0.2, 0.4, 0.6, 0.8]),
        (1915.0, 1980.0, 3, [1900, 1950, 2000]),
        (0.0, 0.0, 6, [0, 0.2]),
        (5.0, 5.0, 6, [5, 6]),
    ],
)
def test_an_axis_has_round_values(least: float, most: float, count: int, told: list[float]) -> None:
    assert plots.ticks(least, most, count) == told


@pytest.mark.parametrize(
    ("said", "across"),
    [([20.0, 55.0], ["0", "20", "40", "60"]), ([-286.5, -330.0], ["0", "20", "40", "60"])],
)
def test_dots_far_from_their_line_do_not_press_the_other_axis_together(
    said: list[float], across: list[str]
) -> None:
    actual = [14.0, 53.0]
    series = [plots.Points("pictures", list(zip(actual, said, strict=True)))]
    drawn = plots.scatter("title", "sentence", ("actual", "predicted"), series).svg
    labels = re.findall(r">(-?\d+)</text>", drawn)
    assert [each for each in across if each in labels] == across
    assert ("-400" in labels) == (min(said) < 0)
    assert labels.count("-400") <= 1


def test_a_long_name_is_told_below_its_bar() -> None:
    """Beside the bar it would take all the room, and pygal would look for some without an end."""
    short, long = "cpu, batch 32", "cpu, 10 images, 10 held out, 200 epochs, learning rate 0.003"
    few = plots.bars("title", "sentence", "s", [plots.Bar(short, 1.0, 0.9, 1.1)]).svg
    assert f">{short}</text>" in few
    assert "<ol" not in few
    bars = [plots.Bar(name, 1.0, 0.9, 1.1) for name in (short, f"<b> {long * 2}")]
    drawn = plots.bars("title", "sentence", "s", bars).svg
    assert f"<li>{short}</li><li>&lt;b&gt; {long * 2}</li></ol>" in drawn
    assert re.findall(r">([12])</text>", drawn)[:2] == ["2", "1"]  # then the scale


def test_a_learning_curve_that_begins_nearby_is_drawn_from_there() -> None:
    near = [Line("cpu", (0.90, 0.95, 0.97)), Line("required", (0.93, 0.93, 0.93), dashed=True)]
    assert curves.close_up(near) == near
    far = [Line("cpu", (0.10, 0.95, 0.97)), near[1]]
    assert [line.values for line in curves.close_up(far)] == [
        (None, 0.95, 0.97),
        (None, 0.93, 0.93),
    ]
