"""Does watching a training slow it down?  Epochs with and without telemetry.

    python -m pytest tests/bench/measure_telemetry.py -s [--pairs N]

Not part of `./run test`: it holds times.  Trains the convnet on the first 12,000 digits with
telemetry and the conditions watched, and without.  On the first GPU in turn; without a GPU on the
CPU, both at once, each on its half of the processors (beside.py), the watcher on that of its
training.  Prints the ratio of the mean steady epochs, and the thread's own CPU use.  Run nothing
else beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import beside
from tests.bench.watched import Watched


def test_an_epoch_takes_as_long_with_telemetry_as_without(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    on_gpu = Watched.on_gpu(tmp_path, worker_python)
    watched = on_gpu or Watched.on_cpu(tmp_path, worker_python)
    together = beside.in_turn if on_gpu else beside.at_once
    print(f"\ntrained on {watched.trained.name}, watched: {watched.device.name}")
    pairs = pytestconfig.getoption("pairs")
    named = {"with": watched.train, "without": watched.train_unwatched}
    beside.print_ratio(named, together, pairs)
    print(watched.cost())
    assert len(watched.shares) == 2 * pairs
