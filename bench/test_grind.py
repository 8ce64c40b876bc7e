"""Grind: what a GPU is worth on photographs.  The network: see workloads/grind.py."""

from operator import attrgetter

import pytest

from bench.conftest import Train
from bench.observe.devices import Device
from bench.workloads import grind
from bench.workloads.workload import Mode, Workload


@pytest.mark.parametrize("workload", grind.WORKLOADS, ids=attrgetter("name"))
def test_grind(train: Train, workload: Workload, device: Device, mode: Mode) -> None:
    """Trains `workload` on `device` in `mode` and holds it to its floors."""
    run = train(workload, device, mode)
    run.must_reach_floors()
