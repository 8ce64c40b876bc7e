"""`pytest bench/ --workload FILE` and `python -m bench run FILE`, the worker being pretended."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.record.codec import read
from bench.record.model import Finished
from bench.runner.option_table import OPTIONS
from tests.support import fake_worker
from tests.support.program import Ended, python
from tests.unit.test_own_session import WORKER

_TEXT = "raise SystemExit('the parent ran it')\ndef model(): pass\ndef data(): pass\n"


def _ran(folder: Path, *words: str) -> Ended:
    options = [
        f"--worker-python={fake_worker.write(folder, WORKER)}",
        f"--results-dir={folder / 'results'}",
        f"--plan={folder / 'none.json'}",
        *("--device=cpu", "-p", "no:cacheprovider", "-p", "no:randomly"),
    ]
    return python(*words, *options, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})


@pytest.mark.parametrize(
    "words", [("pytest", "bench/", "--workload"), ("bench", "run")], ids=["pytest", "run"]
)
def test_a_file_is_trained_alone_and_recorded(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "my_model.py"
    file.write_text(_TEXT, encoding="utf-8")
    ended = _ran(tmp_path, *words, str(file), "--mode=stock,tuned")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(
        r"^ my_model .* val_accuracy 75\.00 % \(a guess: 12\.00 %\)", ended.stdout, re.MULTILINE
    )
    assert "my_model on cpu, tuned: left out: data() returns a tf.data, and tuned" in ended.stdout
    assert "1 passed, 1 skipped" in ended.stdout
    (path,) = (tmp_path / "results").glob("*.json")
    (result,) = read(path).results
    assert isinstance(result, Finished)
    assert (result.workload, result.mode) == ("my_model", "stock")


def test_without_a_file_it_trains_grindstone_s_workloads(tmp_path: Path) -> None:
    ended = _ran(tmp_path, "bench", "run", "-k", "mlp or post", "--collect-only", "-q")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.findall(r"::test_(\w+)", ended.stdout) == ["grind", "mnist"]


def test_its_help_lists_the_options_that_are_grindstone_s(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("usage: python -m bench run [FILE ...] [options]\n")
    assert re.findall(r"^  (--[\w-]+)", told, re.MULTILINE) == list(OPTIONS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("bench", "run", "--nope"), "unrecognized arguments: --nope"),
        (("bench", "run", "-p"), "argument -p: expected one argument"),
        (("pytest", "bench/", "--profile"), "argument --profile: expected one argument"),
    ],
)
def test_a_wrong_option_is_one_line(words: tuple[str, ...], told: str) -> None:
    ended = python(*words)
    assert ended.returncode == 4
    assert (ended.stdout + ended.stderr).strip() == (
        f"ERROR: bench: {told}; `python -m bench run --help` lists the options"
    )


def test_nothing_trained_is_no_success(tmp_path: Path) -> None:
    file = tmp_path / "my_model.py"
    file.write_text(_TEXT, encoding="utf-8")
    ended = _ran(tmp_path, "bench", "run", str(file), "--mode=tuned")
    assert ended.returncode == 1
    assert "my_model on cpu, tuned: left out: data() returns a tf.data, and tuned" in ended.stdout
    assert "1 failed" in ended.stdout


def test_a_file_that_is_none_is_one_line_and_exit_4_before_anything(tmp_path: Path) -> None:
    file = tmp_path / "my_model.py"
    file.write_text("def model(): pass\n", encoding="utf-8")
    ended = _ran(tmp_path, "bench", "run", str(file))
    assert ended.returncode == 4
    (line,) = (ended.stdout + ended.stderr).split("\n\n")[0].strip().splitlines()
    assert line == (
        f"ERROR: bench: {file} has no function data(): put what reads the data into `def data():`, "
        "which returns (x, y), (x_validation, y_validation); see docs/own-models.md"
    )
    assert not (tmp_path / "results").exists()


def test_a_file_behind_an_option_is_not_taken_for_tests_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "my_model.py"
    file.write_text(_TEXT, encoding="utf-8")
    ended = _ran(tmp_path, "bench", "run", "--mode=stock", str(file))
    assert ended.returncode == 4
    told = f"ERROR: bench: {file} is a model of your own; name it as --workload={file}"
    assert told in (ended.stdout + ended.stderr).splitlines()
    assert not (tmp_path / "results").exists()
