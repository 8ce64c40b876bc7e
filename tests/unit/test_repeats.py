from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.record.repeats import ALONE, Process, in_turn
from tests.conftest import ROOT


def test_one_training_a_row_is_process_1_of_no_side() -> None:
    assert in_turn(1, sides=False) == [ALONE]


def test_processes_of_one_side_come_by_their_number() -> None:
    assert [process.id for process in in_turn(4, sides=False)] == ["p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("coin", range(5))
def test_the_sides_stand_in_pairs(coin: int) -> None:
    order = [process.id for process in in_turn(4, sides=True, coin=coin)]
    assert [set(order[at : at + 2]) for at in range(0, 8, 2)] == [
        {f"A{number}", f"B{number}"} for number in range(1, 5)
    ]


def test_a_fair_coin_says_which_of_a_pair_is_first_whatever_the_pair_before_it() -> None:
    runs = [in_turn(12, sides=True, coin=coin)[::2] for coin in range(2000)]
    first = [[process.side == "A" for process in run] for run in runs]
    for pair in range(12):
        assert sum(run[pair] for run in first) == pytest.approx(1000, abs=100)
    for pair in range(11):
        assert sum(run[pair] == run[pair + 1] for run in first) == pytest.approx(1000, abs=100)


def _collected(tmp_path: Path, *options: str) -> list[str]:
    """The names of the tests in the order that they would run in."""
    command = [
        *(sys.executable, "-m", "pytest", "bench/", "--collect-only", "-q", "--device=cpu"),
        *("-p", "no:cacheprovider", f"--plan={tmp_path / 'none'}", "-k", "mlp or post"),
    ]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return re.findall(r"::test_\w+\[(\S+)\]$", done.stdout, re.MULTILINE)


def test_without_processes_a_tests_name_is_its_workload_and_device(tmp_path: Path) -> None:
    assert _collected(tmp_path) == ["post-cpu", "mlp-cpu"]


def test_all_rows_have_their_first_process_before_any_has_its_second(tmp_path: Path) -> None:
    assert _collected(tmp_path, "--processes=3") == [
        *("post-cpu-p1", "mlp-cpu-p1"),
        *("post-cpu-p2", "mlp-cpu-p2"),
        *("post-cpu-p3", "mlp-cpu-p3"),
    ]


def test_the_sides_of_a_row_are_trained_one_behind_the_other(tmp_path: Path) -> None:
    sides = ("--worker-python=one", "--worker-python=other", "--processes=2")
    order = _collected(tmp_path, *sides)
    assert [set(order[at : at + 2]) for at in range(0, 8, 2)] == [
        {"post-cpu-A1", "post-cpu-B1"},
        {"mlp-cpu-A1", "mlp-cpu-B1"},
        {"post-cpu-A2", "post-cpu-B2"},
        {"mlp-cpu-A2", "mlp-cpu-B2"},
    ]
    assert [order[0][-2:], order[4][-2:]] == [order[2][-2:], order[6][-2:]]  # one toss for all rows


def test_the_tosses_are_others_in_every_run(tmp_path: Path) -> None:
    sides = ("--worker-python=one", "--worker-python=other", "--processes=40")
    assert _collected(tmp_path, *sides) != _collected(tmp_path, *sides)


def test_a_process_says_its_side_and_number() -> None:
    assert (Process(3).id, Process(2, "B").id) == ("p3", "B2")
