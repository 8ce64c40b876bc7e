"""MNIST: what a GPU is worth on small pictures.  Networks: see workloads/mnist.py."""

from operator import attrgetter

import pytest

from bench.conftest import Train
from bench.devices import Device
from bench.workloads import mnist
from bench.workloads.workload import Workload


@pytest.mark.parametrize("workload", mnist.WORKLOADS, ids=attrgetter("name"))
def test_mnist(train: Train, workload: Workload, device: Device) -> None:
    """Trains `workload` on `device` and holds it to its floors."""
    run = train(workload, device)
    run.must_reach_floors()
