"""Time to target: MNIST to 98 and 99 %, grind to its floor.  Only with `--time-to-target`."""

from operator import attrgetter

import pytest

from bench.record.head import Device
from bench.record.variant import Way
from bench.runner import time_to_target
from bench.runner.collection import TrainToTarget, must_pass
from bench.runner.row import Row
from bench.workloads.workload import Workload


@pytest.mark.parametrize("workload", time_to_target.TARGETED, ids=attrgetter("name"))
def test_time_to_target(
    train_to_target: TrainToTarget, workload: Workload, device: Device, way: Way
) -> None:
    """Trains `workload` on `device`, in one `way`, from several seeds until it is good enough."""
    must_pass([train_to_target(Row(workload, device, *way))])
