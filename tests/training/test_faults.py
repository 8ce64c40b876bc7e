"""Trainings that do not go well: what the person is told, and what goes on all the same."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pynvml
import pytest

from bench.record.model import Failed, Finished
from bench.worker.messages import Job
from tests.conftest import ROOT
from tests.support import fake_worker
from tests.training.command import PATIENCE, Command, Ended

# As the perceptron and the simple convolutions do it, in no time.
_TRAINS = """
for number in range(1, job["epochs"] + 1):
    epoch(number)
end(0.89)
wait_for_ever()
"""
_CNN_SIMPLE_ALONE_ENDS = f"""
begin()
if job["workload"] != "cnn_simple":
    wait_for_ever()
{_TRAINS}
"""


def _training(workload: str) -> str:
    return rf"trainings .* {workload} on cpu: (epoch \d|evaluation)"


def _failure(ended: Ended, test: str) -> list[str]:
    """The lines of a failed test, none of which may be a traceback's."""
    lines = ended.failures()[test]
    assert not [line for line in lines if line.startswith(("Traceback", "E  ", ">"))]
    return lines


def _program(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


# ---- the worker


@pytest.mark.usefixtures("heeded_signals")
def test_a_killed_worker_fails_its_own_test_and_ctrl_c_keeps_what_finished_behind_it(
    command: Command, tmp_path: Path, ended: Callable[[int], bool]
) -> None:
    python = fake_worker.write(tmp_path, _CNN_SIMPLE_ALONE_ENDS)
    rig = dataclasses.replace(command, worker_python=python)
    with rig.in_terminal("-k", "mlp or cnn_simple or convnet") as terminal:
        terminal.wait_for(_training("mlp"))
        terminal.worker().send_signal(signal.SIGKILL)
        terminal.wait_for(_training("convnet"))
        worker = terminal.worker()
        terminal.press_ctrl_c()
        run = terminal.end()
    assert run.status == 2
    assert ended(worker.pid)
    assert command.left_behind() == []
    told = r"mlp on cpu: worker killed by SIGKILL, during epoch 1"
    assert re.match(told, _failure(run, "test_mnist[mlp-cpu]")[0])
    assert re.match(told, command.result("mlp").reason)
    assert re.search(r"mlp +FAILED", run.output)
    assert isinstance(command.result("cnn_simple"), Finished)
    assert re.search(r"cnn_simple +[\d.]+ m?s .*≥", run.output)
    assert command.result("convnet").reason == "convnet on cpu: interrupted"
    assert "INTERRUPTED in convnet" in run.output
    assert "KeyboardInterrupt" in run.output


def test_a_worker_that_stops_is_hung_after_its_limit(
    command: Command, ended: Callable[[int], bool]
) -> None:
    with command.in_terminal("-k", "mlp", "--limit=5") as terminal:
        terminal.wait_for("TensorFlow's import")
        worker = terminal.worker()
        worker.send_signal(signal.SIGSTOP)
        run = terminal.end()
    assert run.status == 1
    (line, *_) = _failure(run, "test_mnist[mlp-cpu]")
    assert line.startswith("mlp on cpu: worker hung: nothing heard for 5 s (--limit allows more)")
    assert ended(worker.pid)
    assert command.left_behind() == []


def test_a_worker_that_the_kernel_ends_for_want_of_memory_is_told_so(
    command: Command, memory_cage: Callable[[int], Path], tmp_path: Path
) -> None:
    program = f"""
        with open("{memory_cage(100)}", "w") as file:
            file.write(str(os.getpid()))
        begin()
        held = [b"x" * (1 << 20) for _ in range(400)]
    """
    rig = dataclasses.replace(command, worker_python=fake_worker.write(tmp_path, program))
    ended = rig.run("-k", "mlp")
    assert ended.status == 1
    lines = _failure(ended, "test_mnist[mlp-cpu]")
    assert re.match(
        r"mlp on cpu: worker killed by SIGKILL: the kernel ran out of memory; see .*, "
        r"during epoch 1",
        lines[0],
    )
    assert rig.result("mlp").reason.splitlines()[0] == lines[0]


def test_a_python_without_tensorflow_is_one_line_before_anything_is_trained(
    command: Command, tmp_path: Path
) -> None:
    bare = _program(tmp_path, f'exec "{sys.executable}" -I -S "$@"')
    ended = dataclasses.replace(command, worker_python=bare).run("-k", "mlp or post")
    assert ended.status == 4
    (line,) = [line for line in ended.output.splitlines() if line.startswith("ERROR")]
    told = f"ERROR: bench: {bare} (--worker-python) has no TensorFlow; run `./run site`"
    assert line.startswith(told)
    assert not command.results.exists()


def test_a_gpu_that_tensorflow_does_not_see_fails_and_the_cpu_trains(
    command: Command, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "pynvml.py").write_text(_TWO_GPUS, encoding="utf-8")
    variables = {"PYTHONPATH": str(library), "CUDA_VISIBLE_DEVICES": "0,1"}
    pretends = fake_worker.write(tmp_path, f"begin()\n{_TRAINS}")
    real = command.worker_python
    choice = f'[ "$CUDA_VISIBLE_DEVICES" = -1 ] && exec "{pretends}" "$@"; exec "{real}" "$@"'
    python = _program(tmp_path, choice)
    rig = dataclasses.replace(command, variables=variables, worker_python=python)
    ended = rig.run("-k", "mlp", "--device=cpu,gpu:1")
    assert ended.status == 1
    (line, *_) = _failure(ended, "test_mnist[mlp-gpu:1]")
    assert "mlp on gpu:1: worker" in line
    assert "TensorFlow sees 0 GPUs where one was given to it" in line
    assert isinstance(rig.result("mlp"), Finished)
    lost = rig.result("mlp", "gpu:1")
    assert isinstance(lost, Failed)
    assert lost.device.name == "NVIDIA GeForce GT 1030"
    assert lost.telemetry is not None
    assert lost.telemetry.power.mean.value is None
    assert "FAILED 1 of 2: mlp (gpu:1)" in ended.output


_TWO_GPUS = f'''
"""nvidia-ml-py on a machine with two GPUs, of which the driver tells no more than their names."""

exec(open({pynvml.__file__!r}, encoding="utf-8").read())
_GPUS = (
    ("NVIDIA H100 80GB HBM3", "GPU-8f6d0c9e-2f33-4e0b-9d8f-1c2b3a4d5e6f"),
    ("NVIDIA GeForce GT 1030", "GPU-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
)


def _nvmlGetFunctionPointer(name): raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
def nvmlInit(): ...
def nvmlShutdown(): ...
def nvmlSystemGetDriverVersion(): return "580.95.05"
def nvmlDeviceGetCount(): return len(_GPUS)
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetHandleByUUID(uuid): return [each for _, each in _GPUS].index(uuid)
def nvmlDeviceGetName(handle): return _GPUS[handle][0]
def nvmlDeviceGetUUID(handle): return _GPUS[handle][1]
'''


# ---- the run


def test_a_terminal_sees_the_epochs_go_by_and_no_worker_outlives_a_killed_run(
    command: Command, ended: Callable[[int], bool]
) -> None:
    with command.in_terminal("-k", "cnn_simple") as terminal:
        terminal.wait_for(r"0 of 1 trainings .* cnn_simple on cpu: epoch 1, time left unknown")
        worker = terminal.worker()
        terminal.wait_for(r"cnn_simple on cpu: (epoch [23] of 3|evaluation), \d+:\d\d left")
        assert "\x1b[" in terminal.raw
        terminal.kill()
        assert ended(worker.pid)
        assert terminal.end().status == -signal.SIGKILL
    assert not psutil.pid_exists(worker.pid) or worker.status() == psutil.STATUS_ZOMBIE


def test_a_worker_ends_as_soon_as_its_parent_has_gone_whatever_it_is_doing(
    worker_python: Path,
) -> None:
    files = {"x": "/nonexistent/x.npy", "y": "/nonexistent/y.npy"}  # it would stumble over them
    job = Job("mlp", is_gpu=False, epochs=3, seed=1, data={"train": files, "test": files})
    done = subprocess.run(
        [worker_python, "-m", "bench.worker"],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        input=job.line() + "\n",  # and then its standard input ends
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert '"error"' not in done.stdout


# ---- the disks


def test_a_record_that_finds_no_room_is_one_line_before_anything_is_trained(
    command: Command, tiny_disk: Callable[[int], Path]
) -> None:
    full = tiny_disk(4)  # one block, and the folder's first file needs it
    (full / "something").write_bytes(b"x" * 4096)
    ended = dataclasses.replace(command, results=full / "results").run("-k", "mlp")
    assert ended.status == 4
    (line,) = [line for line in ended.output.splitlines() if line.startswith("ERROR")]
    assert "cannot be written: No space left on device" in line
    assert "--results-dir" in line


def test_a_temporary_folder_without_room_is_one_line_for_each_test(
    command: Command, tiny_disk: Callable[[int], Path]
) -> None:
    small = tiny_disk(256)
    ended = dataclasses.replace(command, scratch=small).run("-k", "mlp or cnn_simple")
    assert ended.status == 1
    for name in ("mlp", "cnn_simple"):
        (line,) = _failure(ended, f"test_mnist[{name}-cpu]")
        assert "cannot be laid out" in line
        assert "TMPDIR" in line
    assert list(small.iterdir()) == []
