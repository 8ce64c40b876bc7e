"""Does the harness add to what it measures?  Its epoch against that of a bare `model.fit`.

    python -m pytest tests/bench/measure_harness.py -s [-k bare|unwatched] [--pairs N]

Not part of `./run test`: it holds times.  Trains the convnet on the first 12,000 digits through
`runner.supervisor`, with telemetry and the conditions watched (watched.py), and `bare_fit.py`, or
the same without watching: on the first GPU in turn; without one at once, each on its half of the
processors (beside.py).  What the harness does beside an epoch it has to do on the half of its
training, so this is the most that it can cost.  Prints the ratio of the mean steady epochs, and the
CPU time of the telemetry's thread.  Run nothing else beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from bench.observe import devices
from tests.bench import beside
from tests.bench.watched import EPOCHS, WORKLOAD, Watched

BARE = Path(__file__).parent / "bare_fit.py"


@pytest.mark.parametrize("rival", ["bare fit", "unwatched"])
def test_an_epoch_of_ours_takes_as_long_as_its_rival_s(
    rival: str, tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    on_gpu = Watched.on_gpu(tmp_path, worker_python)
    watched = on_gpu or Watched.on_cpu(tmp_path, worker_python)
    together = beside.in_turn if on_gpu else beside.at_once
    its = partial(_bare, watched) if rival == "bare fit" else watched.train_unwatched
    print(f"\ntrained on {watched.trained.name}, watched: {watched.device.name}")
    pairs = pytestconfig.getoption("pairs")
    beside.print_ratio({"ours": watched.train, rival: its}, together, pairs)
    print(watched.cost())
    assert len(watched.shares) == 2 * pairs


def _bare(watched: Watched) -> beside.Epochs:
    files = watched.prepared.files["train"]
    arguments = (str(BARE), files["x"], files["y"], str(EPOCHS), str(WORKLOAD.batch))
    environment = {**os.environ, **devices.environment(watched.trained)}
    done = subprocess.run(
        [str(watched.python), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return beside.Epochs(json.loads(done.stdout.splitlines()[-1])["spans"])
