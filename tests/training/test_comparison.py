"""`pytest bench/` with a comparison at its end, as a person runs it.

The worker only pretends: it says at once what it was told to take, so that the answers are known.
"""

from __future__ import annotations

import dataclasses
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.judge.floors import read_evidence
from tests.conftest import ROOT
from tests.record_schema import validate
from tests.training.command import Command, Ended

_QUALITY = statistics.median(
    row.quality
    for row in read_evidence()
    if (row.workload, row.data, row.profile) == ("mlp", "synthetic", "smoke")
)
_WORKER = """#!{python}
import json, pathlib, sys
if sys.argv[1] == "-c":
    sys.exit()
def say(event, **fields):
    print(json.dumps({{"event": event, **fields}}), flush=True)
told = pathlib.Path(__file__).with_suffix(".json")
seconds = json.loads(told.read_text())
count = told.with_suffix(".count")
number = int(count.read_text()) if count.exists() else 0
count.write_text(str(number + 1))
median = seconds[number % len(seconds)]
job = json.loads(sys.stdin.readline())
say("ready", python="3.11.2", interpreter=sys.argv[0], tensorflow="{tensorflow}", keras="3.15.1",
    numpy="2.4.0", device="CPU", pinned=dict(xla=False, tf32=True, precision="float32",
    deterministic_ops=False, threads=2, environment=dict(CUDA_VISIBLE_DEVICES="-1")))
say("model", parameters=623290, workload_sha256="5f" * 32)
for number in range(1, job["epochs"] + 1):
    say("epoch", number=number, begun=0.0, ended=median, loss=0.5, quality=None)
say("quality", value={quality}, untrained=0.1, memory_peak=None)
"""
_QUIET = (1.0, 1.004, 0.997, 1.001, 0.999, 1.003)
_NOISY = tuple(1 + share for share in (0.04, -0.05, 0.01, 0.06, -0.02, -0.04, 0.0, 0.05))


def _worker(folder: Path, seconds: tuple[float, ...], tensorflow: str = "2.21.0") -> Path:
    """An interpreter whose processes take so many seconds an epoch, one after another."""
    folder.mkdir(exist_ok=True)
    path = folder / "python"
    script = _WORKER.format(python=sys.executable, tensorflow=tensorflow, quality=_QUALITY)
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    path.with_suffix(".json").write_text(json.dumps(seconds), encoding="utf-8")
    path.with_suffix(".count").unlink(missing_ok=True)
    return path


def _longer(by: float) -> tuple[float, ...]:
    return tuple(seconds * (1 + by) for seconds in _QUIET)


@pytest.fixture
def pretending(command: Command, tmp_path: Path) -> Command:
    """The command with such a worker; what it compares with is told by each test."""
    return dataclasses.replace(command, worker_python=_worker(tmp_path / "a", _QUIET))


def _run(command: Command, *options: str) -> Ended:
    return command.run("-k", "mlp", "--device=cpu", *options)


def _slower(ended: Ended) -> list[str]:
    return [line for line in ended.output.splitlines() if line.startswith("SLOWER")]


def _records(command: Command) -> list[dict[str, Any]]:
    made = []
    for path in sorted(command.results.glob("*.json")):
        made.append(json.loads(path.read_text(encoding="utf-8")))
        validate(made[-1])
    return made


# ---- two environments


def test_an_environment_that_is_slower_ends_the_run_with_1_and_one_line(
    pretending: Command, tmp_path: Path
) -> None:
    other = _worker(tmp_path / "b", _longer(0.1), tensorflow="2.22.0")
    ended = _run(pretending, f"--worker-python={other}", "--processes=8")
    assert ended.status == 1, ended.output
    (line,) = _slower(ended)
    assert line.startswith("SLOWER: mlp on cpu: B takes 1.100 times as long as A")
    assert (
        f"A: side A, {pretending.worker_python} (TensorFlow 2.21.0, Keras 3.15.1)" in ended.output
    )
    assert f"B: side B, {other} (TensorFlow 2.22.0, Keras 3.15.1)" in ended.output
    assert "16 passed" in ended.output


def test_the_record_of_two_environments_has_their_processes_in_turn(
    pretending: Command, tmp_path: Path
) -> None:
    other = _worker(tmp_path / "b", _QUIET)
    ended = _run(pretending, f"--worker-python={other}", "--processes=4")
    assert ended.status == 0, ended.output
    assert _slower(ended) == []
    assert re.search(r"mlp +cpu +stock .* SAME$", ended.output, re.MULTILINE)
    (record,) = _records(pretending)
    order = [f"{entry['side']}{entry['process']}" for entry in record["results"]]
    assert [set(order[at : at + 2]) for at in range(0, 8, 2)] == [
        {f"A{number}", f"B{number}"} for number in range(1, 5)
    ]
    used = {entry["side"]: entry["worker"]["interpreter"] for entry in record["results"]}
    assert used == {"A": str(pretending.worker_python), "B": str(other)}
    assert record["settings"]["second_worker"] == str(other)
    assert record["settings"]["processes"] == 4


def test_two_environments_are_trained_until_it_is_clear(
    pretending: Command, tmp_path: Path
) -> None:
    other = _worker(tmp_path / "b", _longer(0.1))
    ended = _run(pretending, f"--worker-python={other}")
    assert ended.status == 1, ended.output
    assert "processes: 12, 24, 48 or 96 a side, until it is clear, of every row" in ended.output
    assert "24 passed" in ended.output
    assert len(_slower(ended)) == 1
    (record,) = _records(pretending)
    assert record["settings"]["looks"] == [12, 24, 48, 96]


def test_what_is_not_clear_after_the_first_processes_gets_more(
    pretending: Command, tmp_path: Path
) -> None:
    shifted = (*_NOISY[3:], *_NOISY[:3])
    other = _worker(tmp_path / "b", tuple(1.05 * seconds for seconds in shifted))
    this = dataclasses.replace(pretending, worker_python=_worker(tmp_path / "c", _NOISY))
    ended = _run(this, f"--worker-python={other}")
    (record,) = _records(this)
    trained = [entry["process"] for entry in record["results"]]
    assert max(trained) in (24, 48)
    assert f"{len(trained)} passed" in ended.output
    assert ended.status == 1, ended.output


def test_a_row_of_which_no_process_counts_gets_no_more(pretending: Command, tmp_path: Path) -> None:
    other = _worker(tmp_path / "b", _QUIET)
    other.write_text(
        other.read_text(encoding="utf-8").replace(f"value={_QUALITY}", "value=0.5"), "utf-8"
    )
    ended = _run(pretending, f"--worker-python={other}")
    assert ended.status == 1, ended.output
    assert "12 failed, 12 passed" in ended.output
    assert "UNCLEAR: mlp on cpu: no process of side B counts (12 BELOW-FLOOR)" in ended.output


def test_each_side_has_a_row_in_the_table(pretending: Command, tmp_path: Path) -> None:
    other = _worker(tmp_path / "b", _longer(1.0))
    ended = _run(pretending, f"--worker-python={other}", "--processes=3")
    rows = [line.split() for line in ended.table() if line.strip().startswith("mlp ")]
    assert [row[:2] for row in rows] == [["mlp", "A"], ["mlp", "B"]]


# ---- against a record


def test_against_the_last_record_a_run_that_is_alike_passes_and_a_slower_one_does_not(
    pretending: Command, tmp_path: Path
) -> None:
    assert _run(pretending, "--processes=6").status == 0
    ended = _run(pretending, "--processes=6", "--against=last")
    assert ended.status == 0, ended.output
    assert re.search(r"mlp +cpu +stock .* SAME$", ended.output, re.MULTILINE)
    _worker(tmp_path / "a", _longer(0.1))
    ended = _run(pretending, "--processes=6", "--against=last")
    assert ended.status == 1, ended.output
    (line,) = _slower(ended)
    assert "B takes 1.100 times as long as A" in line
    assert [record["settings"]["against"] for record in _records(pretending)] == [
        None,
        "last",
        "last",
    ]


def test_against_a_record_it_is_trained_until_it_is_clear(
    pretending: Command, tmp_path: Path
) -> None:
    assert _run(pretending, "--processes=12").status == 0
    _worker(tmp_path / "a", _longer(0.1))
    ended = _run(pretending, "--against=last")
    assert ended.status == 1, ended.output
    assert "processes: 12, 24, 48 or 96, until it is clear, of every row" in ended.output
    assert "12 passed" in ended.output
    assert len(_slower(ended)) == 1


def test_what_is_not_clear_against_a_record_gets_more_processes(
    pretending: Command, tmp_path: Path
) -> None:
    this = dataclasses.replace(pretending, worker_python=_worker(tmp_path / "c", _NOISY))
    assert _run(this, "--processes=96").status == 0
    _worker(tmp_path / "c", tuple(1.05 * seconds for seconds in _NOISY))
    ended = _run(this, "--against=last")
    assert ended.status == 1, ended.output
    assert "24 passed" in ended.output
    assert len(_slower(ended)) == 1


def test_a_record_of_too_few_processes_for_any_answer_is_told_of_after_the_first_look(
    pretending: Command, tmp_path: Path
) -> None:
    this = dataclasses.replace(pretending, worker_python=_worker(tmp_path / "c", _NOISY))
    assert _run(this, "--processes=4").status == 0
    ended = _run(this, "--against=last")
    assert ended.status == 0, ended.output
    assert "12 passed" in ended.output
    (line,) = [line for line in ended.output.splitlines() if line.startswith("UNCLEAR")]
    assert re.search(
        r"about (\d+) processes a side would tell 5 %, and A has 4; train both sides with "
        r"pytest bench/ -k mlp --device cpu --processes \1$",
        line,
    )


def test_against_a_file_of_one_process_it_says_what_would_make_it_clear(
    pretending: Command,
) -> None:
    assert _run(pretending).status == 0
    (path,) = pretending.results.iterdir()
    ended = _run(pretending, "--processes=3", f"--against={path}")
    assert ended.status == 0, ended.output
    (line,) = [line for line in ended.output.splitlines() if line.startswith("UNCLEAR")]
    assert "a process on a side shows no spread" in line
    assert "pytest bench/ -k mlp --device cpu --processes 12" in line


def test_against_another_tensorflow_it_is_not_compared_and_the_line_says_how_it_can_be(
    pretending: Command, tmp_path: Path
) -> None:
    assert _run(pretending, "--processes=3").status == 0
    _worker(tmp_path / "a", _longer(0.5), tensorflow="2.22.0")
    ended = _run(pretending, "--processes=3", "--against=last")
    assert ended.status == 0, ended.output
    (line,) = [line for line in ended.output.splitlines() if line.startswith("not comparable")]
    assert "TensorFlow 2.21.0 → 2.22.0; train with both in one run: --worker-python A" in line


@pytest.mark.parametrize("against", ["last", "best", "none.json"])
def test_with_nothing_to_compare_with_nothing_is_trained(pretending: Command, against: str) -> None:
    ended = _run(pretending, f"--against={against}")
    assert ended.status == 4
    (line,) = [line for line in ended.output.splitlines() if line.strip()]
    told = "cannot be read: No such file" if against == "none.json" else "there is no record in"
    assert line.startswith("ERROR: bench: ")
    assert told in line
    assert not pretending.results.exists()


# ---- other people's tools


def test_pytest_benchmark_still_compares_our_files(pretending: Command, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.json" for name in ("one", "other")]
    for path in paths:
        ended = _run(pretending, "--processes=3", "--benchmark-json", str(path))
        assert ended.status == 0, ended.output
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, paths)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for number in (1, 2, 3):
        assert done.stdout.count(f"test_mnist[mlp-cpu-p{number}]") == 2
    rows = json.loads(paths[0].read_text(encoding="utf-8"))["benchmarks"]
    assert [row["extra_info"]["process"] for row in rows] == [1, 2, 3]
    assert [row["stats"]["data"] for row in rows] == [[seconds] * 2 for seconds in _QUIET[:3]]


def test_what_killed_one_process_is_not_told_of_the_next(command: Command, tmp_path: Path) -> None:
    worker = _worker(tmp_path / "a", _QUIET)
    text = worker.read_text(encoding="utf-8")
    dying = (
        "if number == 0:\n    sys.exit('std::bad_alloc')\n"
        "if number == 1:\n    sys.exit('a cable came loose')\n"
    )
    worker.write_text(text.replace("job = ", f"{dying}job = "), encoding="utf-8")
    command = dataclasses.replace(command, worker_python=worker)
    ended = _run(command, "--processes=3")
    assert ended.status == 1
    reasons = [entry["reason"] for entry in _records(command)[0]["results"]]
    assert "it ran out of memory" in reasons[0]
    assert "a cable came loose" in reasons[1]
    assert "memory" not in reasons[1]
    assert reasons[2] is None


def test_the_real_command_is_what_the_documentation_calls_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "bench/", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    for option in ("--processes=N", "--against=FILE|last|best"):
        assert option in done.stdout
