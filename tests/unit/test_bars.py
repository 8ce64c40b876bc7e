"""The picture on a terminal."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace

from bench.record.model import Finished
from bench.report import bars, summary
from bench.report.format import Names, Screen
from tests.support import pages
from tests.support.records import CPU, H100, epochs, result


def drawn(*results: Finished) -> list[str]:
    return [line.plain.rstrip() for line in bars.draw(results, Names(results, ()))]


@pytest.mark.parametrize(
    ("share", "told"),
    [(1.0, "████"), (0.5, "██"), (0.0, "▏"), (0.001, "▏"), (0.53125, "██▏"), (2.0, "████")],
)
def test_a_bar_is_true_to_an_eighth_of_a_column(share: float, told: str) -> None:
    assert bars.bar(share, 4) == told


def test_bars_are_as_long_as_the_speed_up_over_the_slowest_of_a_workload() -> None:
    rows = [
        result("mlp", CPU, seconds=(9.0, 2.0, 2.0)),
        result("mlp", H100, seconds=(9.0, 0.5, 0.5)),
        result("post", CPU, seconds=(9.0, 4.0, 4.0)),
        result("post", H100, seconds=(9.0, 0.5, 0.5)),
    ]
    assert drawn(*rows) == [
        " Speed-up over the slowest row of each workload, and the epochs after the first",
        " mlp (cpu)     ███                         1.0×",
        " mlp (gpu:0)   ████████████                4.0×",
        " post (cpu)    ███                         1.0×",
        " post (gpu:0)  ████████████████████████    8.0×",
    ]


def test_what_learned_nothing_is_not_drawn_as_fast() -> None:
    slow = result("mlp", CPU, seconds=(9.0, 2.0, 2.0))
    missed = result("mlp", H100, seconds=(9.0, 0.5, 0.5), value=0.1)
    assert drawn(slow, missed) == []


def test_a_single_short_training_needs_no_picture() -> None:
    assert drawn(result("mlp"), result("post")) == []


def test_epochs_are_a_line_of_blocks() -> None:
    timed = epochs([9.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.4])
    heading, line = drawn(replace(result("mlp"), epochs=timed))
    assert heading == " Epochs after the first, from the shortest ▁ to the longest █"
    assert line.endswith("▁▁▃▅▆█")
    flat = epochs([9.0, *[1.0, 1.001] * 50])
    _, line = drawn(replace(result("mlp"), epochs=flat))
    assert line.split()[-1] == "▁" * 25


def test_pictures_are_for_terminals_alone() -> None:
    made = pages.full()
    shown = summary.text(made, None, Screen(pictures=True), verbose=False)
    assert "█" in shown
    assert "█" not in summary.text(made, None, Screen(), verbose=False)
    assert not Screen.of(io.StringIO()).pictures
