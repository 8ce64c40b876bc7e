"""The benchmark's run on a host: one at a time, told, and found again."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

import pytest

from plugins.modules import benchmark_job as module
from plugins.modules import benchmark_tree
from tests.conftest import ROOT
from tests.support import program

WANTED = {"tree": "tree-1", "options": ["-k", "mlp"]}
LIVES = "#!/bin/sh\n"  # it stands for the environment's Python


def made(folder: Path, script: str) -> Path:
    python = folder / "environment/bin/python"
    python.parent.mkdir(parents=True)
    program.script(python, LIVES + script)
    (folder / "tree-1").mkdir()
    return folder


def ran(folder: Path, **how: bool) -> tuple[Path, str]:
    run, told = module.run_of(folder, WANTED, **how)
    while module.goes_on(folder):
        time.sleep(0.01)
    return run, told


RECORDS = 'mkdir -p "$8" && echo "{}" >"$8/a.json"\n'


def test_a_run_has_the_options_and_ends_with_its_record(tmp_path: Path) -> None:
    run, told = ran(made(tmp_path, 'echo "$@"\n' + RECORDS + "exit 1\n"))
    assert (told, module.problem(run)) == ("", "")
    assert module.record_of(run) == str(run / "records/a.json")
    said = (run / "output.txt").read_text(encoding="utf-8").split()
    assert said[:3] == ["-m", "pytest", "bench/"]
    assert said[-2:] == ["-k", "mlp"]


def test_a_run_knows_what_the_inventory_calls_its_host(tmp_path: Path) -> None:
    made(tmp_path, f'echo "$GRINDSTONE_FLEET_HOST"\n{RECORDS}')
    run, _ = module.run_of(tmp_path, {**WANTED, "host": "gpu1"})
    while module.goes_on(tmp_path):
        time.sleep(0.01)
    assert (run / "output.txt").read_text(encoding="utf-8") == "gpu1\n"


def test_what_has_ended_unseen_is_collected_once(tmp_path: Path) -> None:
    first, _ = ran(made(tmp_path, RECORDS))
    again, told = ran(tmp_path)
    assert again == first
    assert "was not collected" in told
    first.rename(first.with_name("20190101T000000Z"))
    first, _ = ran(tmp_path, anew=True)
    assert first.name != "20190101T000000Z"
    (first / module.COLLECTED).touch()
    first.rename(first.with_name("20200101T000000Z"))  # the next one may begin in the same second
    assert ran(tmp_path)[0].name != "20200101T000000Z"


def test_what_goes_on_is_waited_for_and_another_is_refused(tmp_path: Path) -> None:
    run = made(tmp_path, "") / "runs/20260101T000000Z"
    run.mkdir(parents=True)
    job = {**WANTED, "began": "noon", "pid": 7}
    (run / module.JOB).write_text(json.dumps(job), encoding="utf-8")
    lock = os.open(tmp_path / module.LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert module.run_of(tmp_path, WANTED) == (run, "it has been running since noon")
    with pytest.raises(module.BusyError, match=r"\(-k mlp\) .*since noon: .*kill -- -7"):
        module.run_of(tmp_path, {**WANTED, "options": []})
    with pytest.raises(module.BusyError):
        module.run_of(tmp_path, WANTED, anew=True)
    assert module.end_of(tmp_path, run.name)["goes_on"]
    os.close(lock)
    begun, told = ran(tmp_path)
    assert begun != run
    assert told == "that of noon was cut off, and is begun anew"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'ERROR: bench: no such GPU'; exit 4",
            "ended with exit status 4: bench: no such GPU",
        ),
        ("echo going; kill -9 $$", "was killed by SIGKILL: going"),
        ("echo full", "left no record: full"),
    ],
)
def test_what_is_no_result_is_one_line(tmp_path: Path, script: str, said: str) -> None:
    run, _ = ran(made(tmp_path, script + "\n"))
    assert module.problem(run) == f"the benchmark {said}"


def test_what_failed_in_a_record_is_told_by_its_first_lines(tmp_path: Path) -> None:
    results = [
        {"status": "failed", "reason": "gpu2 is gone\nits last lines:"},
        {"status": "finished", "quality": {"reason": None}},
        {"status": "finished", "quality": {"reason": "below its floor"}},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"results": results}), encoding="utf-8")
    assert module.failures(tmp_path / "a.json") == ["gpu2 is gone", "below its floor"]
    assert module.failures(tmp_path / "none") == []


def test_the_tree_is_what_git_tracks_and_its_mark_comes_last(tmp_path: Path) -> None:
    names = benchmark_tree.tracked(ROOT)
    assert names[-1] == "pyproject.toml"
    assert {name.split("/")[0] for name in names} == {"bench", "requirements", "pyproject.toml"}
    assert benchmark_tree.pack(ROOT, names)[0] == benchmark_tree.pack(ROOT, names)[0]
    with pytest.raises(ValueError, match="is no git checkout of Grindstone"):
        benchmark_tree.tracked(tmp_path)
