"""`python -m bench compare` as a person runs it."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import operator
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.compare import key
from bench.record.repeats import ENOUGH, Process
from tests.conftest import ROOT
from tests.unit.entries import CPU, H100, failed
from tests.unit.records import STEADY, document, entries, old, slower, write


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def _compare(*arguments: str | Path) -> Done:
    """The command within this process, which does not import scipy for every test."""
    written = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(each, encoding="utf-8", write_through=True) for each in written)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["compare", *map(str, arguments)])
    return Done(status, *(each.getvalue().decode() for each in written))


def _as_typed(*arguments: str | Path, encoding: str = "utf-8") -> Done:
    """The command in a process of its own, as from a shell."""
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "compare", *map(str, arguments)],
        cwd=ROOT,
        env={**kept, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        encoding=encoding,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _refusal(*arguments: str | Path) -> str:
    """The one line on standard error of a comparison that cannot be made."""
    done = _compare(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: ")
    return line


def _answers(done: Done) -> dict[str, str]:
    """The answers of `--json` by workload and device."""
    rows = json.loads(done.stdout)["rows"]
    return {f"{row['workload']} {row['device']}": row["answer"] for row in rows}


# ---- answers


def test_a_record_against_one_that_is_alike_is_the_same_and_passes(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", entries("mlp"))
    b = write(tmp_path, "b.json", entries("mlp", slower(0.002)))
    done = _compare(a, b)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"A: {a}" in done.stdout
    assert f"B: {b}" in done.stdout
    assert "SAME" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("SLOWER")]


def test_each_slower_row_has_exactly_one_line_and_the_exit_status_is_1(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", [*entries("mlp"), *entries("convnet"), *entries("cnn_large")])
    b = write(
        tmp_path,
        "b.json",
        [*entries("mlp", slower(0.08)), *entries("convnet", slower(0.2)), *entries("cnn_large")],
    )
    done = _compare(a, b)
    assert done.returncode == 1
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if line.startswith("SLOWER")]
    assert [line.split(":")[1] for line in lines] == [" mlp on cpu", " convnet on cpu"]
    assert "B takes 1.080 times as long as A, 1.0" in lines[0]
    assert f"12 and 12 processes; A: {a}" in lines[0]


def test_a_faster_record_passes(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", entries("mlp", slower(0.08)))
    b = write(tmp_path, "b.json", entries("mlp"))
    done = _compare(a, b)
    assert done.returncode == 0
    assert "FASTER" in done.stdout


def test_single_processes_are_unclear_and_told_what_would_make_them_clear(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", entries("mlp", [1.0]))
    b = write(tmp_path, "b.json", entries("mlp", [1.3]))
    done = _compare(a, b)
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("UNCLEAR")]
    assert line.startswith("UNCLEAR: mlp on cpu: a process on a side shows no spread")
    assert line.endswith(f"pytest bench/ -k mlp --device cpu --processes {ENOUGH}")


def test_a_noisy_comparison_says_how_many_processes_it_would_take(tmp_path: Path) -> None:
    noisy = [median**3 for median in STEADY]
    done = _compare(
        write(tmp_path, "a.json", entries("mlp", noisy)),
        write(tmp_path, "b.json", entries("mlp", [1.05 * median for median in noisy[:6]])),
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("UNCLEAR")]
    assert f"processes a side would tell 5 %, and A has {len(noisy)}; train both sides with" in line
    assert re.search(r"pytest bench/ -k mlp --device cpu --processes \d+$", line)


def test_where_a_has_as_many_as_it_takes_b_alone_is_to_be_trained_again(tmp_path: Path) -> None:
    noisy = [median**3 for median in STEADY]
    done = _compare(
        write(tmp_path, "a.json", entries("mlp", 10 * noisy)),
        write(tmp_path, "b.json", entries("mlp", [1.05 * median for median in noisy[:6]])),
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("UNCLEAR")]
    assert re.search(r"a side would tell 5 %: pytest bench/ .* --processes \d+$", line)


def test_gpus_that_train_at_once_have_rows_of_their_own(tmp_path: Path) -> None:
    beside = {**entries("mlp", [1.0], H100)[0], "device": "gpu:0 of all"}
    rows = [*entries("mlp", device=H100), {**beside, "at_once": {"beside": ["gpu:1"], "share": 1}}]
    a, b = write(tmp_path, "a.json", rows), write(tmp_path, "b.json", rows)
    done = _compare(a, b)
    assert "UNCLEAR: mlp on gpu:0 of all: a process" in done.stdout
    assert "--device all --processes" in done.stdout
    assert _answers(_compare(a, b, "--json"))["mlp gpu:0"] == "SAME"


def test_a_machine_that_is_beyond_help_is_not_sent_to_train_thousands(tmp_path: Path) -> None:
    wild = [median**40 for median in STEADY]
    done = _compare(
        write(tmp_path, "a.json", entries("mlp", wild)),
        write(tmp_path, "b.json", entries("mlp", wild)),
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("UNCLEAR")]
    assert "find what else runs here" in line


def test_json_has_the_answers_with_their_intervals_and_the_evidence(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", entries("mlp"))
    b = write(tmp_path, "b.json", entries("mlp", slower(0.08)))
    done = _compare(a, b, "--json")
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["workload"], row["device"], row["mode"]) == ("mlp", "cpu", "stock")
    assert row["answer"] == "SLOWER"
    low, high = row["interval"]
    assert 1.05 < low < row["ratio"] < high < 1.11
    assert row["ratio"] == pytest.approx(1.08)
    assert row["a"]["processes"] == list(STEADY)
    assert row["a"]["source"] == str(a)


# ---- what may not be compared


def _gpu_record(tmp_path: Path, name: str, **changes: Any) -> Path:
    """A record of the perceptron on an H100, with members of its entries or its head changed."""
    made = document(entries("mlp", device=H100))
    for path, value in changes.items():
        *parents, last = path.split("__")
        of_entry = parents[0] == "entry"
        for tree in made["results"] if of_entry else [made]:
            functools.reduce(operator.getitem, parents[of_entry:], tree)[last] = value
    file = tmp_path / name
    file.write_text(json.dumps(made), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"machine__driver": "595.12"}, "driver 580.95.05 → 595.12; go back to that driver, or"),
        ({"entry__device_name": "NVIDIA L4"}, f"GPU {H100.name} → NVIDIA L4; compare on one GPU"),
        (
            {"entry__telemetry__power__limit": {"value": 300.0, "why": None}},
            "power limit 350 W → 300 W; sudo nvidia-smi -pl",
        ),
        ({"entry__telemetry": None}, "power limit 350 W → not recorded; make a new baseline"),
        ({"machine__cpu__name": "Xeon"}, f"processor {CPU.name} → Xeon; compare on one machine"),
        ({"entry__worker__pinned__threads": 4}, "threads 2 → 4; taskset"),
        (
            {"entry__worker__pinned__environment": {"TF_NUM_INTRAOP_THREADS": "1"}},
            "thread settings none → TF_NUM_INTRAOP_THREADS=1; unset",
        ),
        (
            {"entry__worker__tensorflow": "2.22.0"},
            "TensorFlow 2.21.0 → 2.22.0; train with both in one run: --worker-python A",
        ),
        ({"entry__worker__keras": "3.16.0"}, "Keras 3.15.1 → 3.16.0; train with both in one run"),
        ({"entry__worker__pinned__program": 2}, "program 1 → 2; another Grindstone trains this"),
        ({"entry__worker__pinned__xla": True}, "XLA off → on; train both alike"),
        ({"entry__worker__pinned__tf32": False}, "precision float32, TF32 → float32;"),
        ({"entry__worker__pinned__precision": "mixed_bfloat16"}, "precision float32, TF32 → mixed"),
        ({"entry__model__workload_sha256": "6a" * 32}, "network 5f5f5f5f5f5f → 6a6a6a6a6a6a;"),
        ({"entry__dataset__sha256": "7b" * 32}, " → synthetic 7b7b7b7b7b7b; train on the same"),
        ({"entry__worker__replicas": 2}, "devices 1 → 2 together; use one --device"),
        (
            {"entry__at_once": {"beside": ["gpu:1 of all"], "share": 1.0}},
            "devices 1 → 1, beside 1 other; use one --device",
        ),
        (
            {
                "entry__input": {
                    "from": "data-dir",
                    "folder": "/mnt/photographs",
                    "file_system": "nfs4",
                    "bytes": 1,
                    "waiting": 0.5,
                }
            },
            "input arrays in memory → files (data-dir, nfs4); use one --input",
        ),
        ({"settings__profile": "full"}, "profile quick, 3 epochs → full, 3 epochs; use one"),
        (
            {"machine__driver": "595.12", "entry__worker__keras": "3.16.0"},
            "driver 580.95.05 → 595.12, Keras 3.15.1 → 3.16.0; go back to that driver",
        ),
    ],
)
def test_what_differs_is_not_compared_and_the_line_says_what_mends_it(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    a, b = _gpu_record(tmp_path, "a.json"), _gpu_record(tmp_path, "b.json", **change)
    done = _compare(a, b)
    assert done.returncode == 2
    lines = [line for line in done.stdout.splitlines() if line.startswith("not comparable")]
    assert len(lines) == 1
    assert lines[0].startswith("not comparable: mlp on gpu:0: ")
    assert told in lines[0]


def test_stock_is_never_compared_with_tuned(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", entries("mlp"))
    tuned = [{**entry, "mode": "tuned"} for entry in entries("mlp", slower(-0.5))]
    done = _compare(a, write(tmp_path, "b.json", tuned))
    assert done.returncode == 2
    assert "not comparable: mlp on cpu, tuned: it is not in" in done.stdout
    assert key.of(tuned[0], document([]))["mode"] == "tuned"


def test_another_nvidia_driver_is_nothing_to_a_cpus_row(tmp_path: Path) -> None:
    made = document(entries("mlp"))
    made["machine"]["driver"] = "595.12"
    b = tmp_path / "b.json"
    b.write_text(json.dumps(made), encoding="utf-8")
    assert _compare(write(tmp_path, "a.json", entries("mlp")), b).returncode == 0


def test_a_gpu_that_tells_no_power_limit_is_comparable_with_itself(tmp_path: Path) -> None:
    limit = {"value": None, "why": "not supported by this GPU"}
    a = _gpu_record(tmp_path, "a.json", entry__telemetry__power__limit=limit)
    b = _gpu_record(tmp_path, "b.json", entry__telemetry__power__limit=limit)
    assert _compare(a, b).returncode == 0


def test_rows_for_one_reason_share_one_line_and_the_others_are_compared(tmp_path: Path) -> None:
    rows = [*entries("mlp", device=H100), *entries("convnet", device=H100), *entries("mlp")]
    a = write(tmp_path, "a.json", rows)
    made = document(rows)
    made["machine"]["driver"] = "595.12"
    b = tmp_path / "b.json"
    b.write_text(json.dumps(made), encoding="utf-8")
    done = _compare(a, b)
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("not comparable")]
    assert len(lines) == 1
    assert lines[0].startswith("not comparable: mlp on gpu:0, convnet on gpu:0: driver")
    assert _answers(_compare(a, b, "--json"))["mlp cpu"] == "SAME"


def test_processes_of_one_row_that_differ_in_their_settings_are_not_compared(
    tmp_path: Path,
) -> None:
    rows = entries("mlp")
    rows[7]["worker"] = {**rows[7]["worker"], "tensorflow": "2.22.0"}
    a, b = write(tmp_path, "a.json", entries("mlp")), write(tmp_path, "b.json", rows)
    assert "not comparable: mlp on cpu: TensorFlow 2.21.0 → 2.22.0" in _compare(a, b).stdout


def test_a_row_that_the_other_record_has_not_is_not_compared(tmp_path: Path) -> None:
    a = write(tmp_path, "a.json", entries("mlp"))
    b = write(tmp_path, "b.json", [*entries("mlp"), *entries("convnet")])
    done = _compare(a, b)
    assert done.returncode == 0
    assert f"not comparable: convnet on cpu: it is not in {a}" in done.stdout


@pytest.mark.parametrize("word", ["THROTTLED", "CONTENDED", "NOISY", "POWER-CAPPED"])
@pytest.mark.parametrize("side", ["a", "b"])
def test_a_flagged_row_is_neither_a_baseline_nor_judged(
    tmp_path: Path, word: str, side: str
) -> None:
    verdict = {"word": word, "evidence": "87 C for 40 % of the epoch", "mend": None}
    flagged = [{**entry, "verdict": verdict} for entry in entries("mlp", slower(0.5))]
    rows = {"a": entries("mlp"), "b": entries("mlp"), side: flagged}
    paths = {name: write(tmp_path, f"{name}.json", rows[name]) for name in ("a", "b")}
    done = _compare(paths["a"], paths["b"])
    assert done.returncode == 0
    told = f"UNCLEAR: mlp on cpu: no process of {paths[side]} counts (12 {word})"
    assert told in done.stdout


def test_flagged_and_failed_processes_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = entries("mlp")
    verdict = {"word": "CONTENDED", "evidence": "others used 60 % of the CPU", "mend": None}
    for number in (2, 5):
        rows[number] = {**entries("mlp", slower(2.0))[number], "verdict": verdict}
    rows[7] = failed("mlp", CPU, "killed", process=Process(8))
    a, b = write(tmp_path, "a.json", entries("mlp")), write(tmp_path, "b.json", rows)
    done = _compare(a, b)
    assert done.returncode == 0
    assert f"left out: mlp on cpu, {b}: 2 CONTENDED, 1 failed" in done.stdout
    (row,) = json.loads(_compare(a, b, "--json").stdout)["rows"]
    assert len(row["b"]["processes"]) == 9
    assert row["answer"] == "SAME"


def test_a_record_that_missed_its_floor_is_no_baseline_however_fast_it_was(tmp_path: Path) -> None:
    rows = entries("mlp", slower(-0.5))
    for row in rows:
        row["quality"] = {**row["quality"], "ok": False, "value": 0.1, "reason": "below its floor"}
    a, b = write(tmp_path, "a.json", rows), write(tmp_path, "b.json", entries("mlp"))
    done = _compare(a, b)
    assert done.returncode == 0
    assert f"UNCLEAR: mlp on cpu: no process of {a} counts (12 BELOW-FLOOR)" in done.stdout


# ---- `last` and `best`


def test_last_is_the_newest_comparable_record_before_the_one_that_is_judged(
    tmp_path: Path,
) -> None:
    results = tmp_path / "results"
    write(results, "1.json", entries("mlp", slower(-0.2)), started="2026-11-20T08:00:00+00:00")
    last = write(results, "2.json", entries("mlp"), started="2026-11-20T09:00:00+00:00")
    other = document(entries("mlp", slower(0.4)), started="2026-11-20T10:00:00+00:00")
    other["settings"]["profile"] = "full"
    (results / "3.json").write_text(json.dumps(other), encoding="utf-8")
    now = write(results, "4.json", entries("mlp"), started="2026-11-20T11:00:00+00:00")
    write(results, "5.json", entries("mlp", slower(0.4)), started="2026-11-20T12:00:00+00:00")
    done = _compare("last", now, "--results-dir", results, "--json")
    assert done.returncode == 0
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["answer"], row["a"]["source"]) == ("SAME", str(last))


def test_best_is_the_fastest_clean_record(tmp_path: Path) -> None:
    results = tmp_path / "results"
    verdict = {"word": "CONTENDED", "evidence": "others used 60 % of the CPU", "mend": None}
    flagged = [{**entry, "verdict": verdict} for entry in entries("mlp", slower(-0.5))]
    write(results, "1.json", flagged, started="2026-11-20T08:00:00+00:00")
    best = write(
        results, "2.json", entries("mlp", slower(-0.1)), started="2026-11-20T09:00:00+00:00"
    )
    write(results, "3.json", entries("mlp"), started="2026-11-20T10:00:00+00:00")
    now = write(results, "4.json", entries("mlp"), started="2026-11-20T11:00:00+00:00")
    done = _compare("best", now, "--results-dir", results, "--json")
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["answer"], row["a"]["source"]) == ("SLOWER", str(best))


@pytest.mark.parametrize("which", ["last", "best"])
def test_a_quick_look_does_not_take_the_place_of_a_baseline_of_many_processes(
    tmp_path: Path, which: str
) -> None:
    results = tmp_path / "results"
    many = write(results, "1.json", entries("mlp"), started="2026-11-20T08:00:00+00:00")
    write(results, "2.json", entries("mlp", [0.9]), started="2026-11-20T09:00:00+00:00")
    now = write(results, "3.json", entries("mlp"), started="2026-11-20T11:00:00+00:00")
    done = _compare(which, now, "--results-dir", results, "--json")
    (row,) = json.loads(done.stdout)["rows"]
    assert row["a"]["source"] == str(many)


def test_where_no_record_is_comparable_the_nearest_says_why(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    _gpu_record(results, "1.json", machine__driver="570.10")
    now = _gpu_record(tmp_path, "now.json")
    done = _compare("last", now, "--results-dir", results)
    assert done.returncode == 2
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not comparable")]
    assert "driver 570.10 → 580.95.05" in line
    assert line.endswith(f"(nearest: {results / '1.json'})")


def test_where_no_record_is_clean_its_flags_are_told(tmp_path: Path) -> None:
    results = tmp_path / "results"
    path = write(results, "1.json", [failed("mlp", CPU, "killed")])
    now = write(tmp_path, "now.json", entries("mlp"))
    told = f"no record has a clean row of it ({path}: 1 failed)"
    assert told in _compare("best", now, "--results-dir", results).stdout


@pytest.mark.parametrize("which", ["last", "best"])
def test_an_empty_folder_has_no_last_and_no_best(tmp_path: Path, which: str) -> None:
    now = write(tmp_path, "now.json", entries("mlp"))
    (tmp_path / "results").mkdir()
    for folder in (tmp_path / "results", tmp_path / "nowhere"):
        line = _refusal(which, now, "--results-dir", folder)
        assert f"there is no record in {folder} to compare with; run `pytest bench/` first" in line


def test_the_record_that_is_judged_is_not_its_own_baseline(tmp_path: Path) -> None:
    now = write(tmp_path, "now.json", entries("mlp"))
    assert "there is no record in" in _refusal("last", now, "--results-dir", tmp_path)


def test_a_damaged_file_beside_good_ones_is_passed_over_in_a_line(tmp_path: Path) -> None:
    results = tmp_path / "results"
    good = write(results, "1.json", entries("mlp"), started="2026-11-20T08:00:00+00:00")
    (results / "2.json").write_text('{"schema": 2, "resul', encoding="utf-8")
    now = write(tmp_path, "now.json", entries("mlp"))
    done = _compare("last", now, "--results-dir", results)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bench: passed over: {results / '2.json'} is damaged")
    assert f"A: the last comparable record of each row in {results}\n   {good} (mlp on cpu)" in (
        done.stdout
    )


# ---- files that are no good


def test_no_such_file_is_one_line(tmp_path: Path) -> None:
    good = write(tmp_path, "good.json", entries("mlp"))
    for pair in ((tmp_path / "none.json", good), (good, tmp_path / "none.json")):
        assert "none.json cannot be read: No such file or directory" in _refusal(*pair)
    assert "cannot be read: Is a directory" in _refusal(tmp_path, good)


def test_a_file_that_was_cut_short_is_one_line(tmp_path: Path) -> None:
    good = write(tmp_path, "good.json", entries("mlp"))
    whole = good.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        cut = tmp_path / "cut.json"
        cut.write_bytes(whole[:length])
        assert "cut.json is damaged: it is no JSON" in _refusal(cut, good)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe\x00", "is damaged"),
        (b"[]", "is no record of Grindstone's"),
        (b'{"benchmarks": []}', "is no record of Grindstone's"),
        (b'{"schema": "2"}', "is no record of Grindstone's"),
        (b'{"schema": 99}', "is a record of schema 99, and this Grindstone reads 1 to 2"),
        (b'{"schema": 2}', "is not whole: its head lacks"),
        (b'{"schema": 2, "results": [{"workload": "mlp"}]}', "is not whole: results[0] lacks"),
        (b'{"schema": 2, "results": [1]}', "is not whole: results[0] lacks"),
        (b'{"schema": 2, "results": 1}', "is not whole: its head lacks"),
    ],
)
def test_a_file_that_is_no_record_is_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    good = write(tmp_path, "good.json", entries("mlp"))
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    assert f"{bad} {told}" in _refusal(bad, good)


@pytest.mark.parametrize("missing", ["worker", "epochs", "model", "dataset", "quality", "status"])
def test_an_entry_that_lacks_what_a_comparison_needs_is_one_line(
    tmp_path: Path, missing: str
) -> None:
    good = write(tmp_path, "good.json", entries("mlp"))
    made = document(entries("mlp"))
    del made["results"][4][missing]
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(made), encoding="utf-8")
    assert f"{bad} is not whole: results[4] lacks what a record has (KeyError: '{missing}')" in (
        _refusal(good, bad)
    )


@pytest.mark.parametrize("median", [0, -1.0, None, "1.0 s"])
def test_a_time_that_is_none_is_one_line(tmp_path: Path, median: object) -> None:
    good = write(tmp_path, "good.json", entries("mlp"))
    made = document(entries("mlp"))
    made["results"][0]["epochs"]["median"] = median
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(made), encoding="utf-8")
    assert "is not whole: results[0] lacks" in _refusal(good, bad)


# ---- records of schema 1


def _old(path: Path, *processes: Any) -> Path:
    path.write_text(json.dumps(old(document(entries("mlp", *processes)))), encoding="utf-8")
    return path


def test_two_records_of_schema_1_are_still_compared(tmp_path: Path) -> None:
    done = _compare(_old(tmp_path / "a.json", [1.0]), _old(tmp_path / "b.json", [1.0]))
    assert done.returncode == 0
    assert "UNCLEAR: mlp on cpu: a process on a side shows no spread" in done.stdout


def test_an_epoch_of_schema_1_held_pauses_that_no_later_one_holds(tmp_path: Path) -> None:
    done = _compare(_old(tmp_path / "a.json"), write(tmp_path, "b.json", entries("mlp")))
    assert done.returncode == 2
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not comparable")]
    assert "mlp on cpu: clock with pauses → without pauses; make a new baseline" in line


def test_a_gpus_record_of_schema_1_does_not_say_its_power_limit(tmp_path: Path) -> None:
    a = _old(tmp_path / "old.json", [1.0], H100)
    done = _compare(a, _gpu_record(tmp_path, "b.json"))
    assert done.returncode == 2
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not comparable")]
    assert "power limit not recorded → 350 W; make a new baseline" in line


# ---- two environments


def _two_sided(by: float) -> list[dict[str, Any]]:
    rows = [*entries("mlp", side="A"), *entries("mlp", slower(by), side="B")]
    for row in rows:
        version = "2.20.0" if row["side"] == "A" else "2.21.0"
        row["worker"] = {**row["worker"], "tensorflow": version, "keras": f"3.{version[2:4]}"}
        row["model"] = {**row["model"], "workload_sha256": f"{version[2:4]}" * 32}
    return rows


def test_one_record_of_two_environments_is_compared_with_itself(tmp_path: Path) -> None:
    done = _compare(write(tmp_path, "both.json", _two_sided(0.05)))
    assert done.returncode == 1
    assert "SLOWER: mlp on cpu: B takes 1.050 times as long as A" in done.stdout


def test_a_pair_counts_when_both_of_it_do(tmp_path: Path) -> None:
    rows = _two_sided(0.0)
    rows[3] = failed("mlp", CPU, "killed", process=Process(4, "A"))
    done = _compare(write(tmp_path, "both.json", rows), "--json")
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["answer"], row["a"]["left_out"]) == ("SAME", "1 failed")


def test_a_record_of_two_environments_is_no_side_of_a_comparison(tmp_path: Path) -> None:
    both = write(tmp_path, "both.json", _two_sided(0.0))
    one = write(tmp_path, "one.json", entries("mlp"))
    for pair in ((both, one), (one, both)):
        assert "holds two environments, A and B" in _refusal(*pair)
    assert f"there is no record in {tmp_path}" not in _compare("last", one).stderr


def test_one_record_of_one_environment_needs_another_to_be_compared_with(tmp_path: Path) -> None:
    one = write(tmp_path, "one.json", entries("mlp"))
    assert f"python -m bench compare last {one}" in _refusal(one)
    assert "python -m bench compare last FILE" in _refusal("last")


# ---- from a shell


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_slower_row_ends_the_command_with_1_and_one_line_in_any_encoding(
    tmp_path: Path, encoding: str
) -> None:
    a = write(tmp_path, "a.json", [*entries("mlp"), *entries("convnet")])
    b = write(tmp_path, "b.json", [*entries("mlp", slower(0.08)), *entries("convnet")])
    done = _as_typed(a, b, encoding=encoding)
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SLOWER")]
    assert line.startswith("SLOWER: mlp on cpu: B takes 1.080 times as long as A")
    assert [line for line in done.stdout.splitlines() if "convnet" in line and "SAME" in line]


def test_another_driver_ends_the_command_with_2_and_one_line(tmp_path: Path) -> None:
    a, b = (
        _gpu_record(tmp_path, "a.json"),
        _gpu_record(tmp_path, "b.json", machine__driver="595.12"),
    )
    done = _as_typed(a, b)
    assert (done.returncode, done.stderr) == (2, "")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not comparable")]
    assert "driver 580.95.05 → 595.12" in line


def test_what_cannot_be_read_ends_the_command_with_2_and_one_line(tmp_path: Path) -> None:
    good = write(tmp_path, "good.json", entries("mlp"))
    cut = tmp_path / "cut.json"
    cut.write_bytes(good.read_bytes()[:500])
    (tmp_path / "empty").mkdir()
    for arguments in (
        (cut, good),
        (good, tmp_path / "none.json"),
        ("last", good, "--results-dir", tmp_path / "empty"),
    ):
        done = _as_typed(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("bench: ")


def test_help_names_the_verb_and_what_its_exit_status_means() -> None:
    done = _as_typed("--help")
    assert done.returncode == 0
    assert "Exit status: 0, 1 when a row is SLOWER, 2 when nothing could be compared." in (
        done.stdout
    )
