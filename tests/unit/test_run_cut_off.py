"""`pytest bench/` that is killed, and one whose output has no room: what was trained is kept."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from bench.record import codec
from tests.conftest import ROOT
from tests.support import bench_command, fake_worker
from tests.support.bench_command import MLP, WORKER, Bench
from tests.support.bench_verbs import command

_KILLS = """
if job["workload"] == "cnn_simple":
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit()
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_command.made(tmp_path)


def test_the_record_of_a_run_that_was_killed_names_the_rest_and_how_to_train_it(
    bench: Bench,
) -> None:
    bench.worker = fake_worker.write(bench.folder, _KILLS + WORKER)
    words = ("--mode=stock", "-k", "mlp or cnn_simple or convnet")
    killed = subprocess.run(
        bench.command(*words),
        cwd=ROOT,
        env=bench.environment({}),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    shown = command("show", "last", "--results-dir", bench.results)
    assert shown.returncode == 0, shown.stderr
    cut_off, left = shown.stdout.splitlines()[:2]
    assert cut_off.startswith("CUT OFF: its run was killed")
    told = "Not trained: 2 of 3: cnn_simple on cpu, convnet on cpu. To train: "
    assert left.startswith(told)
    assert left.endswith(" -k 'cnn_simple or convnet'")
    assert "--mode=stock" in left


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_without_its_streams_a_run_trains(bench: Bench, closed: str) -> None:
    command = shlex.join(bench.command(*MLP))
    ended = subprocess.run(
        ["sh", "-c", f"{command} {closed}"],
        cwd=ROOT,
        env=bench.environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    (path,) = bench.results.glob("*.json")
    assert [each.workload for each in codec.read(path).results] == ["mlp"]


@pytest.mark.parametrize("reader", ["full", "gone"])
def test_an_output_that_cannot_be_written_costs_no_training_and_is_one_line(
    bench: Bench, reader: str
) -> None:
    if reader == "full":
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        gone, output = os.pipe()
        os.close(gone)
    try:
        ended = subprocess.run(
            bench.command(*MLP),
            cwd=ROOT,
            env=bench.environment({}),
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(output)
    (path,) = bench.results.glob("*.json")
    why = "No space left on device" if reader == "full" else "Broken pipe"
    told = f"bench: the output cannot be written: {why}; the record is {path}\n"
    assert ended.stderr == told
    assert ended.returncode == 1
    assert [each.workload for each in codec.read(path).results] == ["mlp"]
