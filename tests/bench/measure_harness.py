"""Does the harness add to what it measures?  Its epoch against that of a bare `model.fit`.

    python -m pytest tests/bench/measure_harness.py -s [--pairs N]

Not part of `./run test`: it holds times.  Trains the convnet on the first 12,000 digits through
`bench.trainer` and through `bare_fit.py`, in turn, in fresh processes, and prints the ratio of the
mean steady epochs pair by pair.  Run nothing else beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from pathlib import Path

import pytest

from bench.datasets.prepared import Prepared, Store
from bench.devices import Device
from bench.trainer import Job, Limits, Training
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import Schedule

EPOCHS = 6
IMAGES = 12_000
BARE = Path(__file__).parent / "bare_fit.py"
WORKLOAD = WORKLOADS["convnet"]


def test_an_epoch_of_ours_takes_as_long_as_a_bare_fits(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    prepared = Store(tmp_path, None, None, synthetic=True).prepare(
        WORKLOAD, Schedule(EPOCHS + 1, IMAGES, 1000)
    )
    ratios = []
    for pair in range(pytestconfig.getoption("pairs")):
        ours = _ours(prepared, worker_python, tmp_path)
        bare = _bare(prepared, worker_python)
        ratios.append(ours / bare)
        print(f"pair {pair + 1}: ours {ours:.3f} s, bare fit {bare:.3f} s, ratio {ratios[-1]:.4f}")
    median = statistics.median(ratios)
    print(f"median ratio {median:.4f} ({min(ratios):.4f} to {max(ratios):.4f})")
    assert len(ratios) == pytestconfig.getoption("pairs")


def _ours(prepared: Prepared, python: Path, folder: Path) -> float:
    job = Job(WORKLOAD, Device("cpu", "CPU"), EPOCHS + 1, 1, IMAGES, prepared.files)
    with Training(job, python, Limits(), folder, lambda _: None) as training:
        epochs = list(training.epochs())
    return statistics.mean(epoch.seconds for epoch in epochs[1:])


def _bare(prepared: Prepared, python: Path) -> float:
    files = prepared.files["train"]
    command = [str(python), str(BARE), files["x"], files["y"], str(EPOCHS), str(WORKLOAD.batch)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(json.loads(done.stdout.splitlines()[-1])["epoch"])
