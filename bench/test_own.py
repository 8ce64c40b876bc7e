"""A model of one's own, from a file: docs/own-models.md.  Collected with `--workload FILE` only."""

import pytest

from bench.record.head import Device
from bench.record.variant import Way
from bench.runner.collection import SESSION, Train, must_pass
from bench.runner.row import Row
from bench.workloads.own import OwnWorkload


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each file that was named."""
    workloads = metafunc.config.stash[SESSION].settings.workloads
    metafunc.parametrize("workload", workloads, ids=[workload.name for workload in workloads])


def test_own(train: Train, workload: OwnWorkload, device: Device, way: Way) -> None:
    """Trains the file's model on `device`, in one `way`, and holds it to the file's floors."""
    must_pass(train(Row(workload, device, *way)))
