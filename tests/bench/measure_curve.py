"""Does judging the network after an epoch change the next one, and what does it take?

    python -m pytest tests/bench/measure_curve.py -s [-k NAME] [--images N] [--pairs N]

Not part of `./run test`: it holds times.  Trains each of Grindstone's networks once, on generated
data and the last device there is, and judges it on the test images behind half of the epochs: those
that follow a judgement and those that follow none alternate, so both see the same machine.  The
order of the two turns with every pair, so that a steady drift cancels.
"""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from bench.datasets.prepared import Store
from bench.observe import devices
from bench.record.timing import EpochTiming
from bench.runner.events import ignore
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads import WORKLOADS
from bench.workloads.workload import MODES, Mode, Schedule
from tests.bench import beside

# Epoch 1 compiles, and so does the first judgement, behind epoch 2.
_FIRST = 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WORKLOADS)
def test_an_epoch_behind_a_judgement_takes_as_long_as_one_behind_none(
    name: str, mode: Mode, tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    workload, pairs = WORKLOADS[name], pytestconfig.getoption("pairs")
    images = pytestconfig.getoption("images") if workload.metric == "accuracy" else None
    epochs = _FIRST - 1 + 2 * pairs
    # After 2, 5, 6, 9, 10 …: so 3, 6, 7, 10 … are behind one: one, none, none, one.
    judged = tuple(number for number in range(2, epochs) if number % 4 in (1, 2))
    prepared = Store(tmp_path, None, None, synthetic=True).prepare(
        workload, Schedule(epochs, images)
    )
    device = devices.find().devices[-1]
    job = Job(name, device.is_gpu, epochs, 1, prepared.files, mode=mode, evaluate_after=judged)
    with WorkerProcess(
        job, Launch("it", device, worker_python, DEFAULT_LIMITS, tmp_path), ignore
    ) as worker:
        timed = list(worker.epochs())
    assert [each.number for each in timed if each.quality is not None] == list(judged)
    _tell(f"{name}, {mode}, {device.name}, {len(prepared.dataset.train):,} images", timed, judged)


def _tell(what: str, timed: list[EpochTiming], judged: tuple[int, ...]) -> None:
    took = {each.number: each.ended - each.begun for each in timed if each.number >= _FIRST}
    behind = [took[number] for number in took if number - 1 in judged]
    others = [took[number] for number in took if number - 1 not in judged]
    gaps = {before.number: after.begun - before.ended for before, after in pairwise(timed)}
    judging, none = (
        statistics.median(gap for number, gap in gaps.items() if (number in judged) == is_judged)
        for is_judged in (True, False)
    )
    print(
        f"\n{what}: an epoch takes {statistics.median(others):.3f} s; judging {judging:.3f} s, "
        f"nothing {none:.3f} s; {beside.in_words(behind, others)}"
    )
    assert not math.isnan(judging)
