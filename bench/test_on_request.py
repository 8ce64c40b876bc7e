"""What is trained where `-k` names it: `-k strided`, `-k cifar`.  See workloads/__init__.py."""

import pytest

from bench.record.head import Device
from bench.record.variant import Way
from bench.runner.collection import SESSION, Train, must_pass
from bench.runner.row import Row
from bench.workloads.workload import Workload


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each workload that was named."""
    workloads = metafunc.config.stash[SESSION].settings.on_request
    metafunc.parametrize("workload", workloads, ids=[workload.name for workload in workloads])


def test_on_request(train: Train, workload: Workload, device: Device, way: Way) -> None:
    """Trains `workload` on `device`, in one `way`, and holds it to its floors."""
    must_pass(train(Row(workload, device, *way)))
