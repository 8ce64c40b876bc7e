"""Other people's tools around `pytest bench/`: coverage, pytest-benchmark's command line."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from bench.record import codec
from tests.conftest import ROOT
from tests.support import bench_command
from tests.support.bench_command import MLP, Bench
from tests.support.program import to_the_end


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_command.made(tmp_path)


def test_coverage_is_measured_and_changes_no_time(bench: Bench) -> None:
    report = bench.folder / "coverage.json"
    measures = ("--cov=bench", f"--cov-report=json:{report}", "--cov-report=term")
    ended = bench(*MLP, *measures, COVERAGE_FILE=str(bench.folder / ".coverage"))
    assert ended.status == 0, ended.output
    assert ended.trained == ["mlp"]
    assert "mlp         cpu    1.5 s first, 1.5 s per epoch" in ended.output
    assert "tests coverage" in ended.output
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    covered = {name: file["summary"]["covered_lines"] for name, file in files.items()}
    assert covered["bench/runner/session.py"] > 100
    assert covered["bench/worker/training.py"] == 0, "a worker's times would not be its own"
    assert not (ROOT / ".coverage").exists()


def test_coverage_that_is_asked_for_by_itself_is_no_obstacle(bench: Bench) -> None:
    ended = bench(*MLP, "--cov", COVERAGE_FILE=str(bench.folder / ".coverage"))
    assert ended.status == 0, ended.output
    assert "bench/runner/session.py" in ended.output


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bench = bench_command.made(tmp_path_factory.mktemp("saved"))
    path = bench.folder / "saved.json"
    assert bench(*MLP, f"--benchmark-json={path}").status == 0
    return path


@pytest.mark.parametrize("stands", ["", "bench", "tests"])
def test_pytest_benchmarks_own_commands_run_wherever_one_stands(saved: Path, stands: str) -> None:
    command = [str(Path(sys.executable).with_name("pytest-benchmark")), f"--storage={saved.parent}"]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    for words in (["compare", str(saved)], ["list"]):
        done = to_the_end([*command, *words], cwd=ROOT / stands, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stderr.strip() == ""
        assert ("test_mnist[mlp-cpu]" in done.stdout) == (words[0] == "compare")


def test_a_comparison_in_which_no_row_has_an_answer_is_no_success(bench: Bench) -> None:
    assert bench(*MLP).status == 0
    (before,) = bench.results.glob("*.json")
    ended = bench("-k", "convnet", f"--against={before}", "--processes=1")
    (_, now) = sorted(bench.results.glob("*.json"))
    assert [result.workload for result in codec.read(now).results] == ["convnet"]
    assert ended.status == 1
    assert f"not comparable: convnet on cpu: it is not in {before}" in ended.output
    assert "\nbench: --against: no row has an answer; the reasons are above\n" in ended.output
