from __future__ import annotations

import pytest

from bench.record.repeats import Process, Side
from bench.report.rows import flagged, one_a_row
from bench.report.table import speed_up
from tests.unit.entries import CPU, H100, failed, finished


def test_rows_of_one_process_stay_as_they_are() -> None:
    entries = [finished("mlp"), failed("post", CPU, "killed"), finished("mlp", H100)]
    assert one_a_row(entries) == entries


def test_a_row_of_many_processes_is_its_middle_one_with_the_spread_of_all() -> None:
    entries = [
        finished("mlp", seconds=(3.0, median, median), process=Process(number))
        for number, median in enumerate((1.3, 1.0, 1.1), start=1)
    ]
    (row,) = one_a_row(entries)
    assert (row["process"], row["epochs"]["median"]) == (3, 1.1)
    assert row["epochs"]["spread"] == pytest.approx(0.1)


def test_the_rows_are_told_apart_by_workload_device_and_side() -> None:
    sides: tuple[Side, Side] = ("A", "B")
    entries = [
        finished(workload, device, process=Process(number, side))
        for number in (1, 2)
        for workload in ("mlp", "convnet")
        for device in (CPU, H100)
        for side in sides
    ]
    names = [(row["workload"], row["device"], row["side"]) for row in one_a_row(entries)]
    assert len(names) == len(set(names)) == 8
    assert names[:3] == [("mlp", "cpu", "A"), ("mlp", "cpu", "B"), ("mlp", "gpu:0", "A")]


def test_a_process_that_missed_its_floor_stands_for_its_row() -> None:
    entries = [
        finished("mlp", quality=quality, process=Process(number))
        for number, quality in enumerate((None, 0.1, None), start=1)
    ]
    (row,) = one_a_row(entries)
    assert (row["process"], row["quality"]["ok"]) == (2, False)


def test_a_failed_process_is_shown_beside_those_that_finished_and_only_once() -> None:
    entries = [
        finished("mlp", process=Process(1)),
        failed("mlp", CPU, "killed", process=Process(2)),
        finished("mlp", process=Process(3)),
        failed("mlp", CPU, "killed again", process=Process(4)),
    ]
    assert [row["status"] for row in one_a_row(entries)] == ["finished", "failed"]


def test_flagged_processes_of_a_row_are_counted_in_one_line() -> None:
    noisy = {"word": "NOISY", "evidence": "x", "mend": None}
    entries = [
        finished("mlp", process=Process(1, "A")),
        {**finished("mlp", process=Process(2, "A")), "verdict": noisy},
        {**finished("mlp", process=Process(3, "A")), "verdict": noisy},
        failed("mlp", CPU, "killed", process=Process(4, "A")),
        {**finished("convnet"), "verdict": noisy},  # alone, its verdict stands in the table
        finished("post", process=Process(1)),
        finished("post", process=Process(2)),
    ]
    assert flagged(entries) == [
        "mlp on cpu, side A: of 4 processes 2 NOISY, 1 failed; comparisons leave them out"
    ]
    (line,) = flagged([{**entry, "mode": "tuned"} for entry in entries[:3]])
    assert line.startswith("mlp on cpu, tuned, side A: of 3 processes 2 NOISY")


def test_a_side_is_as_many_times_as_fast_as_its_own_cpu() -> None:
    a, b = Process(1, "A"), Process(1, "B")
    entries = [
        finished("mlp", CPU, seconds=(9.0, 8.0, 8.0), process=a),
        finished("mlp", H100, seconds=(9.0, 1.0, 1.0), process=a),
        finished("mlp", CPU, seconds=(9.0, 6.0, 6.0), process=b),
        finished("mlp", H100, seconds=(9.0, 1.0, 1.0), process=b),
    ]
    assert [speed_up(entry, entries) for entry in entries] == [None, 8.0, None, 6.0]


def test_side_a_stands_above_side_b_whichever_was_trained_first() -> None:
    sides = [
        {**finished(name, CPU), "side": side, "process": number}
        for number, order in ((1, "BA"), (2, "AB"))
        for name in ("mlp", "convnet")
        for side in order
    ]
    told = [(entry["workload"], entry["side"]) for entry in one_a_row(sides)]
    assert told == [("mlp", "A"), ("mlp", "B"), ("convnet", "A"), ("convnet", "B")]
