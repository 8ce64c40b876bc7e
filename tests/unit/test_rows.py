"""What the figures of a run say beside each other, and how they are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bench.record import ending
from bench.record.head import Device
from bench.record.model import Concurrent, Result
from bench.record.repeats import Side
from bench.record.verdict import Verdict
from bench.report import format as shown
from bench.report import rows, table
from tests.support.records import CPU, H100, conditions, failed, result

SIDES: tuple[Side, Side] = ("A", "B")


def test_rows_of_one_repeat_stay_as_they_are() -> None:
    results: list[Result] = [result(), failed("post", CPU, "killed"), result("mlp", H100)]
    assert rows.one_a_row(results) == results


def test_a_row_of_many_repeats_is_its_middle_one_with_the_spread_of_all() -> None:
    medians = enumerate((1.3, 1.0, 1.1), start=1)
    (row,) = rows.one_a_row(result(seconds=(3.0, each, each), repeat=n) for n, each in medians)
    assert (row.repeat, rows.finished([row])[0].epochs.median) == (3, 1.1)
    assert rows.finished([row])[0].epochs.spread == pytest.approx(0.1)


def test_rows_are_told_apart_by_workload_device_and_side_with_side_a_first() -> None:
    results = [
        result(workload, device, repeat=number, side=side)
        for number, order in ((1, SIDES[::-1]), (2, SIDES))
        for workload in ("mlp", "convnet")
        for device in (CPU, H100)
        for side in order
    ]
    names = [(row.workload, row.device.id, row.side) for row in rows.one_a_row(results)]
    assert len(names) == len(set(names)) == 8
    assert names[:3] == [("mlp", "cpu", "A"), ("mlp", "cpu", "B"), ("mlp", "gpu:0", "A")]


def test_a_repeat_that_missed_its_floor_or_failed_is_shown() -> None:
    results = [result(repeat=1), result(repeat=2, value=0.1), result(repeat=3)]
    assert [row.repeat for row in rows.one_a_row(results)] == [2]
    wrong = [failed("mlp", CPU, "killed", repeat=number) for number in (4, 5)]
    assert [row.repeat for row in rows.one_a_row([*results, *wrong])] == [2, 4]


def test_each_side_is_as_many_times_as_fast_as_its_own_cpu() -> None:
    results = [
        result(device=device, seconds=(9.0, seconds, seconds), side=side)
        for side, cpu in zip(SIDES, (8.0, 6.0), strict=True)
        for device, seconds in ((CPU, cpu), (H100, 1.0))
    ]
    assert [rows.speed_up(each, results) for each in results] == [None, 8.0, None, 6.0]


@pytest.mark.parametrize(
    "other",
    [
        failed("mlp", CPU, "killed"),
        result("convnet", CPU),
        result("mlp", CPU, mode="tuned"),
        result("mlp", CPU, value=0.1),
        result("mlp", H100),
    ],
)
def test_a_gpu_has_no_ratio_to_what_is_not_the_same_on_the_cpu_or_did_not_learn(
    other: Result,
) -> None:
    gpu = result("mlp", H100)
    assert rows.speed_up(gpu, [other, gpu]) is None
    assert rows.speed_up(result("mlp", H100, value=0.1), [result("mlp", CPU)]) is None


def test_a_gpu_beside_others_is_not_the_best_one_alone() -> None:
    of_all = replace(H100, group="all")
    beside = result("post", of_all, concurrent=Concurrent((of_all,), 1.0))
    both = result("post", Device("2 × H100", group="gpus"))
    assert rows.scaling(both, [beside, both]) is None
    assert rows.concurrent_pace(beside, [beside, both]) is None
    alone = result("post", H100, seconds=(9.0, 2.5, 2.5))
    assert rows.scaling(both, [beside, both, alone]) == 2.0
    assert rows.scaling(both, [beside, both, replace(alone, mode="tuned")]) is None


def test_a_result_has_one_word() -> None:
    noisy = Verdict("NOISY", "epochs vary by 6.7 % (MAD)", "pytest bench/ -k mlp")
    stopped = failed("mlp", CPU, "mlp on cpu: interrupted: ended by SIGTERM")
    cut: list[Result] = [failed("mlp", CPU, "x"), stopped]
    told = [*cut, result(value=0.1), result(verdict=noisy)]
    words = ["FAILED", "INTERRUPTED", "BELOW-FLOOR", "NOISY"]
    assert [ending.word(each) for each in told] == words
    assert {*words, "OK"} < set(ending.words())
    assert ending.word(result()) == "OK"


def test_energy_is_the_packages_on_the_cpu_where_it_can_be_read() -> None:
    measured = conditions(energy={"per_epoch": 1234.0})
    assert table.energy(result(conditions=measured)) == 1234.0
    assert table.energy(result()) is None


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (shown.seconds, 0.000123, "0.123 ms"),
        (shown.seconds, 0.0832, "83.2 ms"),
        (shown.seconds, 0.9996, "1 s"),
        (shown.seconds, 1.3149, "1.31 s"),
        (shown.seconds, 999.7, "1,000 s"),
        (shown.seconds, 12345.6, "12,346 s"),
        (shown.joules, 620.4, "620 J"),
        (shown.joules, 999.7, "1 kJ"),
        (shown.accuracy, 0.98123, "98.12 %"),
        (shown.squares, 52.13, "52.1"),
        (shown.squares, 127_250.4, "127,250"),
        (shown.share, 0.0666, "6.7 %"),
        (shown.share, 0.0999, "10 %"),
        (shown.times, 0.517, "0.52"),
        (shown.times, 0.996, "1.0"),
        (shown.times, 9.96, "10"),
        (shown.megabytes, 14_200_000, "14.2 MB"),
    ],
)
def test_a_number_has_its_unit_and_no_false_digits(
    write: Callable[[float], str], value: float, expected: str
) -> None:
    assert write(value) == expected


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 80GB HBM3"),
        ("Intel(R) Xeon(R) Processor @ 2.60GHz", "Intel Xeon"),
        ("AMD EPYC 9454P 48-Core Processor", "AMD EPYC 9454P"),
        ("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "Intel Core i7-8700K"),
        ("aarch64", "aarch64"),
    ],
)
def test_a_device_is_named_by_its_model(name: str, short: str) -> None:
    assert shown.short_name(name) == short
