"""How much do processes that do the same differ?  Records the noise that comparisons live with.

    python -m pytest tests/bench/measure_noise.py -s [--trainings N] [--profile quick]

Not part of `./run test`: it holds times.  Trains the perceptron N times on the CPU, each time in a
fresh process with the same seed, one after another, and writes the median steady epoch of each to
`tests/unit/noise.json`.  `tests/unit/test_compare_simulated.py` draws its noise from that file, so
record it where you mean to compare, and run nothing else beside it.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.prepared import Prepared, Store
from bench.devices import Device, cpu_name
from bench.timing import Timings
from bench.trainer import Job, Limits, Training
from bench.workloads.registry import WORKLOADS

RECORDING = Path(__file__).parent.parent / "unit" / "noise.json"
WORKLOAD = WORKLOADS["mlp"]


def test_how_much_processes_that_do_the_same_differ(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    schedule = WORKLOAD.schedules[pytestconfig.getoption("profile")]
    prepared = Store(tmp_path, None, None, synthetic=True).prepare(WORKLOAD, schedule)
    recording = _head(pytestconfig.getoption("profile"), schedule.epochs)
    for number in range(1, pytestconfig.getoption("trainings") + 1):
        process = _trained(prepared, schedule.epochs, worker_python, tmp_path)
        recording["processes"].append(process)
        print(f"process {number}: median steady epoch {process['median']:.4f} s")
        recording["load"]["after"] = os.getloadavg()
        text = json.dumps(recording, indent=1) + "\n"
        pytestconfig.getoption("recording").write_text(text, encoding="utf-8")
    assert len(recording["processes"]) == pytestconfig.getoption("trainings")


def _trained(prepared: Prepared, epochs: int, python: Path, folder: Path) -> dict[str, Any]:
    images = len(prepared.dataset.train)
    job = Job(WORKLOAD, Device("cpu", cpu_name()), epochs, 1, images, prepared.files)
    with Training(job, python, Limits(), folder, lambda _: None) as training:
        timings = Timings(tuple(training.epochs()))
        outcome = training.finish()
    return {
        "begun": timings.epochs[0].begun,
        "median": timings.median,
        "steady": list(timings.steady),
        "tensorflow": outcome.worker["tensorflow"],
    }


def _head(profile: str, epochs: int) -> dict[str, Any]:
    """What the recording was made on.  A load well above nought before it means: not quiet."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "recorded": now.isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "threads": os.cpu_count(),
        "kernel": platform.release(),
        "nice": os.nice(0),
        "load": {"before": os.getloadavg(), "after": None},
        "workload": WORKLOAD.name,
        "profile": profile,
        "epochs": epochs,
        "processes": [],
    }
