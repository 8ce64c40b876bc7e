from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.record.repeats import ALONE, Repeat, in_turn
from tests.support.program import python
from tests.support.records import record, result, write


def test_one_training_a_row_is_repeat_1_of_no_side() -> None:
    assert in_turn(1, sides=False) == [ALONE]


def test_repeats_of_one_side_come_by_their_number() -> None:
    assert [repeat.id for repeat in in_turn(4, sides=False)] == ["p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("order_seed", range(5))
def test_the_sides_stand_in_pairs(order_seed: int) -> None:
    order = [repeat.id for repeat in in_turn(4, sides=True, order_seed=order_seed)]
    assert [set(order[at : at + 2]) for at in range(0, 8, 2)] == [
        {f"A{number}", f"B{number}"} for number in range(1, 5)
    ]


def test_it_is_drawn_fairly_which_of_a_pair_is_first_whatever_the_pair_before_it() -> None:
    runs = [in_turn(12, sides=True, order_seed=order_seed)[::2] for order_seed in range(2000)]
    first = [[repeat.side == "A" for repeat in run] for run in runs]
    for pair in range(12):
        assert sum(run[pair] for run in first) == pytest.approx(1000, abs=100)
    for pair in range(11):
        assert sum(run[pair] == run[pair + 1] for run in first) == pytest.approx(1000, abs=100)


def _collected(tmp_path: Path, *options: str) -> list[str]:
    """The tests in the order that they would run in."""
    done = python(
        *("pytest", "bench/", "--collect-only", "-q", "--device=cpu"),
        *("-p", "no:cacheprovider", f"--plan={tmp_path / 'none'}", "-k", "mlp or post"),
        *options,
    )
    assert done.returncode == 0, done.stdout
    return re.findall(r"^bench/\w+\.py::(\S+)$", done.stdout, re.MULTILINE)


def test_without_processes_a_tests_name_is_its_workload_and_device(tmp_path: Path) -> None:
    assert _collected(tmp_path) == ["test_grind[post-cpu]", "test_mnist[mlp-cpu]"]


def test_all_rows_have_their_first_repeat_before_any_has_its_second(tmp_path: Path) -> None:
    assert _collected(tmp_path, "--processes=2") == [
        *("test_grind[post-cpu-p1]", "test_mnist[mlp-cpu-p1]"),
        *("test_grind[post-cpu-p2]", "test_mnist[mlp-cpu-p2]"),
    ]


def test_what_is_not_clear_is_trained_on_behind_all_others(tmp_path: Path) -> None:
    before = write(tmp_path, "before", record([result("mlp")]))
    *first, last = _collected(tmp_path, f"--against={before}")
    assert (len(first), last) == (2 * 12, "test_against")
    assert len(_collected(tmp_path, f"--against={before}", "--processes=2")) == 4


def test_a_repeat_says_its_side_and_number() -> None:
    assert (Repeat(3).id, Repeat(2, "B").id) == ("p3", "B2")
