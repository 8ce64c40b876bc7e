"""Does watching a training slow it down?  Epochs with and without telemetry.

    python -m pytest tests/bench/measure_telemetry.py -s [--pairs N]

Not part of `./run test`: it holds times.  Trains the convnet on the first 12,000 digits with
telemetry and the conditions watched, and without.  On the first GPU in turn; without a GPU on the
CPU, both at once, each on its half of the processors (beside.py), the watcher on that of its
training.  Prints the ratio of the mean steady epochs, and
the thread's own CPU use.  Run nothing else beside it.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.bench import beside
from tests.bench.watched import Watched


def test_an_epoch_takes_as_long_with_telemetry_as_without(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    on_gpu = Watched.on_gpu(tmp_path, worker_python)
    watched = on_gpu or Watched.on_cpu(tmp_path, worker_python)
    side_by_side = beside.in_turn if on_gpu else beside.at_once
    withs, withouts, shares = [], [], []
    print(f"\ntrained on {watched.trained.name}, watched: {watched.device.name}")
    for pair in range(1, pytestconfig.getoption("pairs") + 1):
        with_it, without = side_by_side(watched.train, watched.train_unwatched)
        withs.append(with_it)
        withouts.append(without)
        shares.append(watched.share)
        print(
            f"pair {pair}: with {with_it:.3f} s, without {without:.3f} s, "
            f"ratio {with_it / without:.4f}; the thread took {100 * shares[-1]:.2f} % of a CPU"
        )
    print(beside.in_words(withs, withouts))
    print(f"the telemetry thread took {100 * statistics.median(shares):.2f} % of one CPU")
    assert len(withs) == pytestconfig.getoption("pairs")
