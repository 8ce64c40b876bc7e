"""`python -m bench compare` as a person runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from bench.record.head import Cpu
from bench.record.measured import Measured
from bench.record.model import Concurrent, Finished, Input, Result
from bench.record.repeats import ENOUGH
from bench.record.verdict import Verdict
from tests.conftest import ROOT
from tests.support import records
from tests.support.bench_verbs import Files, compare_command, flagged, refusal
from tests.support.records import CPU, H100, STEADY, failed, repeats, slower

# ---- answers


@pytest.mark.parametrize(
    ("by", "status", "verdict"),
    [(0.002, 0, "SAME: 1 row"), (0.08, 1, "SLOWER: 1 row"), (-0.08, 0, "FASTER: 1 row")],
)
def test_the_first_line_is_the_answer(write: Files, by: float, status: int, verdict: str) -> None:
    a, b = write("a", repeats("mlp")), write("b", repeats("mlp", slower(by)))
    done = compare_command(a, b)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.splitlines()[:3] == [verdict, f"A: {a}", f"B: {b}"]


def test_each_slower_row_has_exactly_one_line(write: Files) -> None:
    a = write("a", [*repeats("mlp"), *repeats("convnet"), *repeats("cnn_large")])
    long = [*repeats("mlp", slower(0.08)), *repeats("convnet", slower(0.2)), *repeats("cnn_large")]
    done = compare_command(a, write("b", long))
    assert done.returncode == 1
    assert done.stdout.startswith("SLOWER: 2 of 3 rows (1 SAME)\n")
    first, second = done.lines("SLOWER")
    assert first.startswith("SLOWER: mlp on cpu: B takes 1.080 times as long as A, 1.0")
    assert f"12 and 12 repeats; A: {a}" in first
    assert second.startswith("SLOWER: convnet on cpu: B takes 1.200 times")


_NOISY = [median**3 for median in STEADY]
_WILD = [median**40 for median in STEADY]
_AGAIN = "pytest bench/ -k mlp --device cpu --processes"


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ([1.0], [1.3], rf"one repeat on a side shows no spread.*{_AGAIN} {ENOUGH}$"),
        (
            _NOISY,
            [1.05 * each for each in _NOISY[:6]],
            rf"about \d+ repeats a side would show .* 5 %, and A has 12; .* {_AGAIN} \d+$",
        ),
        (
            10 * _NOISY,
            [1.05 * each for each in _NOISY[:6]],
            rf"would show a difference of 5 %: {_AGAIN} \d+$",
        ),
        (_WILD, _WILD, "it would take [0-9,]+ a side; find what else runs here"),
    ],
)
def test_what_is_unclear_says_what_would_make_it_clear(
    write: Files, a: list[float], b: list[float], told: str
) -> None:
    done = compare_command(write("a", repeats("mlp", a)), write("b", repeats("mlp", b)))
    assert done.returncode == 2
    (line,) = done.lines("UNCLEAR")
    assert re.match(f"UNCLEAR: mlp on cpu: .*{told}", line)


def test_what_would_make_it_clear_is_trained_as_it_was(write: Files) -> None:
    made = records.settings(rerun_options=("--data-dir=/x y", "--seed=3"))
    at_once = replace(H100, group="all")
    a, b = (write(name, repeats("mlp", [1.0], at_once), settings=made) for name in "ab")
    again = "pytest bench/ -k mlp --device all '--data-dir=/x y' --seed=3 --processes 12"
    assert again in compare_command(a, b).stdout


def test_gpus_that_train_at_once_have_rows_of_their_own(write: Files) -> None:
    at_once = replace(H100, group="all")
    beside = repeats("mlp", [1.0], at_once, concurrent=Concurrent((replace(CPU, index=1),), 1.0))
    rows = [*repeats("mlp", device=H100), *beside]
    a, b = write("a", rows), write("b", rows)
    done = compare_command(a, b)
    assert "UNCLEAR: mlp on gpu:0 of all: one repeat" in done.stdout
    assert "--device all --processes" in done.stdout
    answers = {row["device"]: row["answer"] for row in compare_command(a, b, "--json").rows}
    assert answers == {"gpu:0": "SAME", "gpu:0 of all": "UNCLEAR"}


def test_json_has_the_answers_with_their_intervals_and_the_evidence(write: Files) -> None:
    a = write("a", repeats("mlp"))
    done = compare_command(a, write("b", repeats("mlp", slower(0.08))), "--json")
    assert done.returncode == 1
    (row,) = done.rows
    assert (row["workload"], row["device"], row["mode"]) == ("mlp", "cpu", "stock")
    low, high = row["interval"]
    assert 1.05 < low < row["ratio"] < high < 1.11
    assert row["ratio"] == pytest.approx(1.08)
    assert (row["answer"], row["a"]["processes"]) == ("SLOWER", list(STEADY))
    assert row["a"]["source"] == str(a)


# ---- what may not be compared

_PINNED = records.WORKER.pinned
_LIMIT = records.telemetry(power={"limit": 300.0})
_FILES = Input(source="data-dir", folder="/mnt", file_system="nfs4", bytes=1, waiting=0.5)


@pytest.mark.parametrize(
    ("head", "members", "told"),
    [
        ({"driver": "595.12"}, {}, "driver 580.95.05 → 595.12; go back to that driver, or"),
        ({}, {"device": replace(H100, name="L4")}, f"GPU {H100.name} → L4; compare on one GPU"),
        ({}, {"telemetry": _LIMIT}, "power limit 350 W → 300 W; sudo nvidia-smi -pl"),
        ({}, {"telemetry": None}, "power limit 350 W → not recorded; make a new baseline"),
        (
            {"cpu": Cpu("Xeon", 2, 2, (0, 1), None)},
            {},
            f"processor {CPU.name} → Xeon; compare on one machine",
        ),
        ({}, {"pinned": replace(_PINNED, threads=4)}, "threads 2 → 4; taskset"),
        (
            {},
            {"pinned": replace(_PINNED, environment={"TF_NUM_INTRAOP_THREADS": "1"})},
            "environment none → TF_NUM_INTRAOP_THREADS=1; unset",
        ),
        (
            {},
            {"libraries": {"libcudnn.so.9": "9.1.0 in /opt/cuda"}},
            "libraries its own → libcudnn.so.9 9.1.0 in /opt/cuda; train with the environment's",
        ),
        ({}, {"tensorflow": "2.22.0"}, "TensorFlow 2.21.0 → 2.22.0; train with both in one run"),
        ({}, {"pinned": replace(_PINNED, program=2)}, "program 1 → 2; another Grindstone"),
        ({}, {"pinned": replace(_PINNED, tf32=False)}, "precision float32, TF32 → float32;"),
        (
            {},
            {"model": replace(records.MODEL, workload_sha256="6a" * 32)},
            "network 5f5f5f5f5f5f → 6a6a6a6a6a6a;",
        ),
        (
            {},
            {"dataset": replace(records.dataset(), sha256="7b" * 32)},
            " → synthetic mnist 7b7b7b7b7b7b; train on the same",
        ),
        ({}, {"replicas": 2}, "devices 1 → 2 together; use one --device"),
        (
            {},
            {"concurrent": Concurrent((replace(H100, index=1),), 1.0)},
            "devices 1 → 1, beside 1 other; use one --device",
        ),
        ({}, {"input": _FILES}, "input arrays in memory → files (data-dir, nfs4); use one --input"),
        ({"profile": "full"}, {}, "profile quick, 3 epochs → full, 3 epochs; use one"),
        (
            {"driver": "595.12"},
            {"keras": "3.16.0"},
            "driver 580.95.05 → 595.12, Keras 3.15.1 → 3.16.0; go back to that driver",
        ),
    ],
)
def test_what_differs_is_not_compared_and_the_line_says_what_to_do(
    write: Files, head: dict[str, Any], members: dict[str, Any], told: str
) -> None:
    of_worker = {
        name: members.pop(name)
        for name in list(members)
        if hasattr(records.WORKER, name) and name != "device"
    }
    device = members.pop("device", H100)
    changed = {"worker": replace(records.WORKER, **of_worker), **members}
    profile = {"profile": head.pop("profile")} if "profile" in head else {}
    usual = records.telemetry(power={"limit": 350.0})
    done = compare_command(
        write("a", repeats("mlp", device=H100, telemetry=usual)),
        write(
            "b",
            repeats("mlp", device=device, **{"telemetry": usual, **changed}),
            machine=records.machine(**head),
            settings=records.settings(**profile),
        ),
    )
    assert done.returncode == 2
    (line,) = done.lines("not comparable")
    assert line.startswith("not comparable: mlp on gpu:0: ")
    assert told in line


def test_stock_is_never_compared_with_tuned(write: Files) -> None:
    tuned = repeats("mlp", slower(-0.5), mode="tuned")
    done = compare_command(write("a", repeats("mlp")), write("b", tuned))
    assert done.returncode == 2
    assert "not comparable: mlp on cpu, tuned: it is not in" in done.stdout


def test_a_driver_matters_to_the_rows_of_gpus_alone_which_share_one_line(write: Files) -> None:
    rows = [*repeats("mlp", device=H100), *repeats("convnet", device=H100), *repeats("mlp")]
    a, b = write("a", rows), write("b", rows, machine=records.machine(driver="595.12"))
    done = compare_command(a, b)
    assert done.returncode == 0
    (line,) = done.lines("not comparable")
    assert line.startswith("not comparable: mlp on gpu:0, convnet on gpu:0: driver")
    assert "SAME" in {row["answer"] for row in compare_command(a, b, "--json").rows}


def test_a_gpu_that_tells_no_power_limit_is_comparable_with_itself(write: Files) -> None:
    unknown = Measured[float](None, "not supported by this GPU")
    rows = repeats("mlp", device=H100, telemetry=records.telemetry(power={"limit": unknown}))
    assert compare_command(write("a", rows), write("b", rows)).returncode == 0


def test_repeats_of_one_row_that_differ_in_their_settings_are_not_compared(write: Files) -> None:
    rows = list(repeats("mlp"))
    rows[7] = replace(rows[7], worker=replace(rows[7].worker, tensorflow="2.22.0"))
    done = compare_command(write("a", repeats("mlp")), write("b", rows))
    assert "not comparable: mlp on cpu: TensorFlow 2.21.0 → 2.22.0" in done.stdout


@pytest.mark.parametrize("word", ["THROTTLED", "CONTENDED", "NOISY", "POWER-CAPPED"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_flagged_row_is_neither_a_baseline_nor_judged(write: Files, word: Any, side: int) -> None:
    rows: list[Sequence[Finished]] = [repeats("mlp"), repeats("mlp")]
    rows[side] = flagged(repeats("mlp", slower(0.5)), Verdict(word, "87 C", "cool it"))
    paths = write("a", rows[0]), write("b", rows[1])
    done = compare_command(*paths)
    assert done.returncode == 2
    assert f"UNCLEAR: mlp on cpu: no repeat of {paths[side]} counts (12 {word})" in done.stdout


def test_flagged_and_failed_repeats_are_excluded_and_counted(write: Files) -> None:
    rows: list[Result] = list(repeats("mlp"))
    long = flagged(repeats("mlp", slower(2.0)))
    rows[2], rows[5], rows[7] = long[2], long[5], failed("mlp", CPU, "killed", repeat=8)
    a, b = write("a", repeats("mlp")), write("b", rows)
    assert f"excluded: mlp on cpu, {b}: 2 CONTENDED, 1 failed" in compare_command(a, b).stdout
    (row,) = compare_command(a, b, "--json").rows
    assert (len(row["b"]["processes"]), row["answer"]) == (9, "SAME")


def test_an_interrupted_repeat_has_not_failed_and_has_no_fix(write: Files) -> None:
    cut: list[Result] = [failed("mlp", CPU, "mlp on cpu: interrupted: ended by SIGTERM")]
    a, b = write("a", repeats("mlp")), write("b", [*repeats("mlp")[:4], *cut])
    assert f"excluded: mlp on cpu, {b}: 1 interrupted" in compare_command(a, b).stdout
    alone = write("alone", cut)
    (line,) = compare_command(a, alone).lines("UNCLEAR: mlp")
    assert line.endswith(f"no repeat of {alone} counts (1 interrupted); train again")
    busy = write("busy", flagged(repeats("mlp")))
    (line,) = compare_command(busy, alone).lines("UNCLEAR: mlp")
    assert line.endswith(
        f"no repeat of {busy} counts (12 CONTENDED), and none of {alone} counts (1 interrupted); "
        "apply its fix, and train again"
    )


def test_what_does_not_count_is_told_so_beside_another_machine(write: Files) -> None:
    write("a", repeats("mlp"), machine=records.machine(host="box-2"))
    b = write("b", flagged(repeats("mlp")), hour=1)
    done = compare_command("last", b, "--results-dir", b.parent)
    (line,) = done.lines("not comparable: mlp")
    assert "none of its own repeats counts (12 CONTENDED); apply its fix, and" in line


def test_the_legend_explains_only_columns_that_hold_something(write: Files) -> None:
    a, b = write("a", repeats("mlp")), write("b", flagged(repeats("mlp")))
    assert "B takes longer" not in compare_command(a, b).stdout
    c = write("c", repeats("mlp"), hour=1)
    assert "B takes longer" in compare_command(a, c).stdout


def test_a_record_that_missed_its_floor_is_no_baseline_however_fast_it_was(write: Files) -> None:
    low = records.quality("mlp", 0.1)
    a = write("a", repeats("mlp", slower(-0.5), quality=low))
    done = compare_command(a, write("b", repeats("mlp")))
    assert f"UNCLEAR: mlp on cpu: no repeat of {a} counts (12 BELOW-FLOOR)" in done.stdout


# ---- two environments


def _two_sided(by: float) -> list[Result]:
    rows: list[Result] = []
    for side, version, medians in (("A", "2.20", STEADY), ("B", "2.21", slower(by))):
        worker = replace(records.WORKER, tensorflow=f"{version}.0", keras=f"3.{version[2:]}")
        model = replace(records.MODEL, workload_sha256=version[2:] * 32)
        rows += repeats("mlp", medians, side=side, worker=worker, model=model)  # type: ignore[arg-type]
    return list(rows)


def test_one_record_of_two_environments_is_compared_with_itself(write: Files) -> None:
    done = compare_command(write("both", _two_sided(0.05)))
    assert done.returncode == 1
    assert "SLOWER: mlp on cpu: B takes 1.050 times as long as A" in done.stdout
    assert "(TensorFlow 2.20.0, Keras 3.20)" in done.lines("A:")[0]


def test_a_pair_counts_when_both_of_it_do(write: Files) -> None:
    rows = _two_sided(0.0)
    rows[3] = failed("mlp", CPU, "killed", repeat=4, side="A")
    (row,) = compare_command(write("both", rows), "--json").rows
    assert (row["answer"], row["a"]["left_out"]) == ("SAME", "1 failed")


def test_a_record_of_two_environments_is_no_side_of_a_comparison(write: Files) -> None:
    both, one = write("both", _two_sided(0.0)), write("one", repeats("mlp"))
    for pair in ((both, one), (one, both)):
        assert "holds two environments, A and B" in refusal(*pair)
    assert f"python -m bench compare last {one}" in refusal(one)
    assert f"python -m bench compare last {one}" in refusal("last", "--results-dir", write.folder)
    (row,) = compare_command("both", "--results-dir", write.folder, "--json").rows
    assert row["answer"] == "SAME"


def test_both_sides_are_runs(write: Files) -> None:
    a, b = write("a", repeats("mlp")), write("b", repeats("mlp", slower(0.08)), hour=1)
    for words in (("a", "b"), ("-2", "-1"), ("best:mlp", "last"), ("last", "last"), (a, "b")):
        done = compare_command(*words, "--results-dir", write.folder)
        assert (done.returncode, done.stdout.splitlines()[0]) == (1, "SLOWER: 1 row")
        assert f"B: {b}" in done.stdout
    assert "no run 'c'" in refusal("a", "c", "--results-dir", write.folder)
    assert "a.json; name two" in refusal("a", "a", "--results-dir", write.folder)


# ---- from a shell


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_slower_row_ends_the_command_with_1_in_any_encoding(write: Files, encoding: str) -> None:
    a = write("a", [*repeats("mlp"), *repeats("convnet")])
    b = write("b", [*repeats("mlp", slower(0.08)), *repeats("convnet")])
    done = subprocess.run(
        [sys.executable, "-m", "bench", "compare", str(a), str(b)],
        cwd=ROOT,
        env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        encoding=encoding,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("SLOWER: 1 of 2 rows (1 SAME)\n")
    assert "SLOWER: mlp on cpu: B takes 1.080 times as long as A" in done.stdout


def test_what_cannot_be_read_ends_the_command_with_2_and_one_line(write: Files) -> None:
    good = write("good", repeats("mlp"))
    cut = write.folder / "cut"
    cut.write_bytes(good.read_bytes()[:500])
    for pair in ((cut, good), (good, write.folder / "none.json"), (write.folder, good)):
        refusal(*pair)
