"""How what a run has not trained is trained: the command, for every way that a run was called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.record import codec
from bench.record.head import Due, Experiment
from bench.record.model import Record
from bench.record.store import RecordFile
from bench.runner import remaining, rerun_options
from tests.conftest import ROOT
from tests.support import records
from tests.support.bench_verbs import command
from tests.support.records import CPU, H100, failed, result, time_to_target

_POST, _MLP, _LAST = (
    Due(title=f"{name} on cpu", workload=name) for name in ("post", "mlp", "last")
)
_OWN = Due(title="mine on cpu", workload="mine", path="/mine.py")


@pytest.mark.parametrize(
    ("files", "words", "left", "told"),
    [
        ([str(ROOT / "bench")], [], [_MLP], "-k mlp"),
        (["bench/"], ["-kmlp or last", "--lf"], [_LAST, _MLP], "-k 'last or mlp'"),
        (["bench/"], ["-x", "--batch", "8", "-k", "mlp"], [_MLP, _MLP], "-x --batch=8 -k mlp"),
        (
            ["bench/test_mnist.py"],
            ["-vxp", "no:x"],
            [_MLP],
            "bench/test_mnist.py -v -x -pno:x -k mlp",
        ),
        (["bench/"], ["-xvk", "mlp", "-qn0"], [_MLP], "-x -v -q -k mlp"),
        ([], ["--workload=/a.py", "--workload", "/mine.py"], [_OWN], "--workload=/mine.py"),
        (
            ["bench/"],
            ["--no-page", "--token=a1", "--key", "b2", "-o", "c3=4"],
            [_MLP],
            "--no-page -k mlp",
        ),
    ],
)
def test_the_command_is_what_was_typed_with_another_choice_of_rows_and_no_other_plugins_options(
    monkeypatch: pytest.MonkeyPatch, files: list[str], words: list[str], left: list[Due], told: str
) -> None:
    monkeypatch.chdir(ROOT)
    kept = rerun_options.typed([*files, *words], files)
    line = remaining.line(records.record([result("post")], due=(_POST, *left), words=kept))
    assert line is not None
    assert line.startswith(f"Not trained: {len(left)} of {len(left) + 1}: {left[0].title}")
    assert line.endswith(f"pytest bench/ {told}")


def test_a_plugins_letter_among_those_of_pytest_ends_no_run() -> None:
    assert "3" not in "".join(rerun_options.typed(["-x", "-vZ3"]))


_STOPPED = failed("mlp", CPU, "mlp on cpu: interrupted")
_ALL = replace(H100, group="all")


@pytest.mark.parametrize(
    ("due", "trained", "left"),
    [
        ([_POST, _MLP, _LAST], [result("post"), _STOPPED], ["mlp on cpu", "last on cpu"]),
        ([_POST, _MLP], [result("post"), failed("mlp", CPU, "killed")], []),
        # What could not be trained has no result, and is behind us all the same.
        ([_POST, _MLP, _LAST], [result("mlp")], ["last on cpu"]),
        (
            [_MLP, Due(title="mlp on cpu, 2", workload="mlp")],
            [result("mlp", CPU)],
            ["mlp on cpu, 2"],
        ),
        (
            [Due(title="mlp on all", workload="mlp"), Due(title="mlp on gpu:0", workload="mlp")],
            [result("mlp", _ALL)],
            ["mlp on gpu:0"],
        ),
        (
            [Due(title="mlp on cpu, to target", workload="mlp"), _MLP],
            [time_to_target("mlp")],
            ["mlp on cpu"],
        ),
    ],
)
def test_what_is_behind_the_last_that_came_to_its_end_is_left(
    due: list[Due], trained: list[Any], left: list[str]
) -> None:
    to_target = [each for each in trained if hasattr(each, "targets")]
    others = [each for each in trained if each not in to_target]
    line = remaining.line(records.record(others, to_target, due=tuple(due)))
    told = f"Not trained: {len(left)} of {len(due)}: {', '.join(left)}. To train: "
    assert (line or "").startswith(told if left else "")
    assert (line is None) == (not left)


def _journal(folder: Path, made: Record) -> RecordFile:
    file = RecordFile(folder / "run.json", codec.head_of(made))
    for each in made.results:
        file.add(each)
    return file


_CUT_OFF = "CUT OFF: its run was killed, lost its power, or"


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"due": (_POST, _MLP)}, ["Not trained: 1 of 2: mlp on cpu. To train: pytest"]),
        ({"due": (_POST,)}, []),
        ({}, ["It does not tell what else was to be trained."]),
        (
            {"settings": records.settings(experiment=Experiment(name="x"))},
            ["The same command goes on with it."],
        ),
    ],
)
def test_a_record_whose_run_is_gone_says_so_first_and_one_whose_run_goes_on_that_it_does(
    tmp_path: Path, head: dict[str, Any], told: list[str]
) -> None:
    made = records.record([result("post")], **head)
    file = _journal(tmp_path, made)
    coming = f", {len(made.due) - 1} to come" if made.due else ""
    read = codec.read(file.path)
    assert [*remaining.unfinished(file.path, read)] == [f"GOES ON: 1 training so far{coming}"]
    file._let_go()
    for path in (file.path, file.journal):
        first, *others = remaining.unfinished(path, codec.read(path))
        assert first == f"{_CUT_OFF} had no room to write it whole"
        assert len(others) == len(told)
        assert all(line.startswith(start) for line, start in zip(others, told, strict=True))
    file.close()
    assert [*remaining.unfinished(file.path, codec.read(file.path))] == []


def test_a_record_that_was_cut_off_says_so_also_where_it_is_shared(tmp_path: Path) -> None:
    file = _journal(tmp_path, records.record([result("post")], due=(_POST, _MLP)))
    file._let_go()
    copy = tmp_path / "shared.json"
    assert command("share", file.journal, "--out", copy).returncode == 0
    cut_off, left, *_ = command("show", copy).stdout.splitlines()
    assert cut_off == f"{_CUT_OFF} still went on"
    assert left.startswith("Not trained: 1 of 2: mlp on cpu. To train: ")


def test_a_run_that_was_killed_in_its_first_training_is_one(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.json", records.head(due=(_POST,)))
    file.begin()
    listed = ("list", "--results-dir", tmp_path)
    shown = ("show", "last", "--results-dir", tmp_path)
    assert command(*shown).stdout.startswith("GOES ON: 0 trainings so far, 1 to come\n")
    assert "  nothing trained, goes on  " in command(*listed).stdout
    file._let_go()
    cut_off, left, *_ = command(*shown).stdout.splitlines()
    assert cut_off.startswith(_CUT_OFF)
    assert left.startswith("Not trained: 1 of 1: post on cpu. To train: ")
    assert "  nothing trained, cut off  " in command(*listed).stdout


def test_an_experiment_that_somebody_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    settings = records.settings(experiment=Experiment(name="x"))
    path = records.write(tmp_path, "run.json", records.record([_STOPPED], settings=settings))
    assert command("show", path).stdout.startswith("The same command goes on with it.\n")


def test_of_a_run_that_somebody_interrupted_the_rest_is_named_too(tmp_path: Path) -> None:
    made = records.record([result("post"), _STOPPED], due=(_POST, _MLP))
    path = records.write(tmp_path, "run.json", made)
    (line,) = remaining.unfinished(path, made)
    assert line.startswith("Not trained: 1 of 2: mlp on cpu. To train: pytest")
