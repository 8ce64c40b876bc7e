"""What does tuning gain?  An epoch of the convnet tuned, stock, and as others would train it.

    python -m pytest tests/bench/measure_tuned.py -s [--pairs N] [--images N]
        [--torch-python PYTHON] [--jax-python PYTHON]

Not part of `./run test`: it holds times.  Trains in turn, in fresh processes, on the CPU: stock and
tuned by `runner.supervisor`; a bare `fit` with `steps_per_execution=50`; and, where interpreters
that have them are named, PyTorch's eager loop and JAX's scan.  Prints the seconds of an epoch and
their ratio to stock's, round by round, the medians, and the share of this machine's peak
matmul throughput that ours reach (the aim for tuned is 60 %).  Run nothing else beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bench.datasets.prepared import Prepared, Store
from bench.record.head import Device
from bench.runner.events import ignore
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads import WORKLOADS
from bench.workloads.workload import MODES, Mode, Schedule

EPOCHS = 3
HERE = Path(__file__).parent
WORKLOAD = WORKLOADS["convnet"]

Contestant = Callable[[], float]


def test_an_epoch_tuned_against_stock_and_against_others(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    images = pytestconfig.getoption("images")
    prepared = Store(tmp_path, None, None, synthetic=True).prepare(
        WORKLOAD, Schedule(EPOCHS + 1, images, 1000)
    )
    contestants = _contestants(prepared, worker_python, tmp_path, pytestconfig)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    rounds = pytestconfig.getoption("pairs")
    for number in range(1, rounds + 1):
        for name, epoch in contestants.items():
            seconds[name].append(epoch())
        print(f"round {number}: {_line({name: each[-1] for name, each in seconds.items()})}")
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    print(f"medians: {_line(medians)}")
    assert {len(each) for each in seconds.values()} == {rounds}


def _contestants(
    prepared: Prepared, python: Path, folder: Path, config: pytest.Config
) -> dict[str, Contestant]:
    """What each contestant is called, and how it is made to train."""
    contestants: dict[str, Contestant] = {
        mode: partial(_ours, prepared, python, folder, mode) for mode in MODES
    }
    contestants["fit, 50 steps a call"] = partial(_bare, prepared, python, "bare_fit.py", "50")
    if torch := config.getoption("torch_python"):
        contestants["PyTorch eager"] = partial(_bare, prepared, torch, "bare_torch.py")
    if jax := config.getoption("jax_python"):
        contestants["JAX scan"] = partial(_bare, prepared, jax, "bare_jax.py")
    return contestants


def _line(seconds: dict[str, float]) -> str:
    stock = seconds["stock"]
    return "; ".join(
        f"{name} {each:.3f} s (× {each / stock:.3f})" for name, each in seconds.items()
    )


def _ours(prepared: Prepared, python: Path, folder: Path, mode: Mode) -> float:
    images = len(prepared.dataset.train)
    job = Job(WORKLOAD.name, False, EPOCHS + 1, 1, prepared.files, mode=mode)
    launch = Launch(mode, Device("CPU"), python, DEFAULT_LIMITS, folder)
    with WorkerProcess(job, launch, ignore) as worker:
        epochs = list(worker.epochs())
        rate = worker.outcome().rate
    seconds = statistics.mean(epoch.seconds for epoch in epochs[1:])
    if rate and rate.peak:
        achieved = rate.flop_per_image * images / seconds
        print(
            f"  {mode}: {achieved / 1e9:.0f} GFLOP/s, {100 * achieved / rate.peak:.0f} % of "
            f"this machine's {rate.peak / 1e9:.0f}"
        )
    return seconds


def _bare(prepared: Prepared, python: Path, script: str, *more: str) -> float:
    files = prepared.files["train"]
    arguments = [files["x"], files["y"], str(EPOCHS), str(WORKLOAD.batch), *more]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [str(python), str(HERE / script), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return float(json.loads(done.stdout.splitlines()[-1])["epoch"])
