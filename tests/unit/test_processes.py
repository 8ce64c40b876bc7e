from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.processes import ALONE, Process, in_turn
from tests.conftest import ROOT


def test_one_training_a_row_is_process_1_of_no_side() -> None:
    assert in_turn(1, sides=False) == [ALONE]


def test_processes_of_one_side_come_by_their_number() -> None:
    assert [process.id for process in in_turn(4, sides=False)] == ["p1", "p2", "p3", "p4"]


def test_the_sides_stand_in_pairs_and_take_turns_at_coming_first() -> None:
    assert " ".join(process.id for process in in_turn(4, sides=True)) == "A1 B1 B2 A2 A3 B3 B4 A4"


@pytest.mark.parametrize("count", [2, 12, 30])
def test_a_steady_drift_favours_neither_side(count: int) -> None:
    places: dict[str, list[int]] = {side: [] for side in "AB"}
    for place, process in enumerate(in_turn(count, sides=True)):
        places[process.side or ""].append(place)
    assert sum(places["A"]) == sum(places["B"])


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
    assert _collected(tmp_path, *sides) == [
        *("post-cpu-A1", "post-cpu-B1", "mlp-cpu-A1", "mlp-cpu-B1"),
        *("post-cpu-B2", "post-cpu-A2", "mlp-cpu-B2", "mlp-cpu-A2"),
    ]


def test_a_process_says_its_side_and_number() -> None:
    assert (Process(3).id, Process(2, "B").id) == ("p3", "B2")
