"""When it is worth training on."""

from __future__ import annotations

import pytest

from bench.compare.comparison import Compared, Evidence, within_reach

MOST = 96


def _unclear(a: int, b: int, times: float | None) -> Compared:
    side_a, side_b = (Evidence("", (1.0,) * count) for count in (a, b))
    return Compared(("mlp", "cpu", "stock"), "UNCLEAR", side_a, side_b, times=times)


@pytest.mark.parametrize(
    ("times", "reached"),
    [(1.5, True), (8.0, True), (16.0, True), (16.1, False), (100.0, False)],
)
def test_two_sides_grow_together_so_the_evidence_grows_with_the_processes(
    times: float, reached: bool
) -> None:
    assert within_reach(_unclear(12, 12, times), MOST, in_turn=True) is reached


@pytest.mark.parametrize(
    ("a", "times", "reached"),
    [(96, 4.0, True), (12, 3.0, True), (12, 4.0, False), (4, 2.0, True), (4, 4.0, False)],
)
def test_a_record_that_is_there_already_bounds_what_more_of_the_other_side_can_tell(
    a: int, times: float, reached: bool
) -> None:
    assert within_reach(_unclear(a, 12, times), MOST, in_turn=False) is reached


def test_where_no_spread_is_known_more_processes_help_only_a_side_that_gets_them() -> None:
    assert within_reach(_unclear(1, 12, None), MOST, in_turn=True)
    assert not within_reach(_unclear(1, 12, None), MOST, in_turn=False)
    assert within_reach(_unclear(12, 1, None), MOST, in_turn=False)


@pytest.mark.parametrize(("a", "b"), [(0, 12), (12, 0)])
def test_a_side_of_which_no_process_counts_is_given_up(a: int, b: int) -> None:
    assert not within_reach(_unclear(a, b, None), MOST, in_turn=True)
