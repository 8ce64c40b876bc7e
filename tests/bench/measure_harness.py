"""Does the harness add to what it measures?  Its epoch against that of a bare `model.fit`.

    python -m pytest tests/bench/measure_harness.py -s [--pairs N]

Not part of `./run test`: it holds times.  Trains the convnet on the first 12,000 digits through
`bench.trainer`, with telemetry and the conditions watched (watched.py), and through `bare_fit.py`:
both at once, each on its half of the processors (beside.py).  What the harness does beside an epoch
it has to do on the half of its training, so this is the most that it can cost.  Run nothing else
beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from functools import partial
from pathlib import Path

import pytest

from bench.datasets.prepared import Prepared
from tests.bench import beside
from tests.bench.watched import EPOCHS, WORKLOAD, Watched

BARE = Path(__file__).parent / "bare_fit.py"


def test_an_epoch_of_ours_takes_as_long_as_a_bare_fits(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    watched = Watched.on_cpu(tmp_path, worker_python)
    bare_fit = partial(_bare, watched.prepared, watched.python)
    ours, bare, shares, alls = [], [], [], []
    print(f"\ntrained on {watched.trained.name}, watched: {watched.device.name}")
    for pair in range(1, pytestconfig.getoption("pairs") + 1):
        mine, others = beside.at_once(watched.train, bare_fit)
        ours.append(mine)
        bare.append(others)
        shares.append(watched.share)
        alls.append(watched.share_of_all)
        print(f"pair {pair}: ours {mine:.3f} s, bare fit {others:.3f} s, ratio {mine / others:.4f}")
    print(beside.in_words(ours, bare))
    print(
        f"beside its epochs the harness took {100 * statistics.median(alls):.2f} % of one CPU, "
        f"{100 * statistics.median(shares):.2f} % of it the telemetry thread's"
    )
    assert len(ours) == pytestconfig.getoption("pairs")


def _bare(prepared: Prepared, python: Path) -> beside.Epochs:
    files = prepared.files["train"]
    command = [str(python), str(BARE), files["x"], files["y"], str(EPOCHS), str(WORKLOAD.batch)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return beside.Epochs(json.loads(done.stdout.splitlines()[-1])["spans"])
