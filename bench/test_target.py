"""Time to target: MNIST to 98 and 99 %, grind to its floor.  Only with `--time-to-target`."""

from operator import attrgetter

import pytest

from bench.conftest import TrainToTarget
from bench.observe.devices import Device
from bench.runner import time_to_target
from bench.workloads.workload import Mode, Workload


@pytest.mark.parametrize("workload", time_to_target.TARGETED, ids=attrgetter("name"))
def test_time_to_target(
    train_to_target: TrainToTarget, workload: Workload, device: Device, mode: Mode
) -> None:
    """Trains `workload` on `device` in `mode` from several seeds, each until it is good enough."""
    done = train_to_target(workload, device, mode)
    done.must_reach_targets()
