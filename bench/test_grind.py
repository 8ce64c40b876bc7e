"""Grind: what a GPU is worth on photographs.  The network: see workloads/grind.py."""

from operator import attrgetter

import pytest

from bench.record.head import Device
from bench.record.variant import Way
from bench.runner.collection import Train, must_pass
from bench.runner.row import Row
from bench.workloads import grind
from bench.workloads.workload import Workload


@pytest.mark.parametrize("workload", grind.WORKLOADS, ids=attrgetter("name"))
def test_grind(train: Train, workload: Workload, device: Device, way: Way) -> None:
    """Trains `workload` on `device`, in one `way`, and holds it to its floors."""
    must_pass(train(Row(workload, device, *way)))
