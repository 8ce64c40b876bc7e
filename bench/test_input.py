"""Input on the clock: grind images read as files in every epoch.  Collected with `--input` only."""

import pytest

from bench.record.head import Device
from bench.runner.collection import SESSION, Train, must_pass
from bench.runner.row import Row
from bench.workloads import grind
from bench.workloads.workload import Workload


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each place to read from that was asked for."""
    asked = metafunc.config.stash[SESSION].settings.inputs
    workloads = [workload for workload in grind.FROM_FILES if workload.input in asked]
    metafunc.parametrize("workload", workloads, ids=[workload.name for workload in workloads])


def test_input(train: Train, workload: Workload, device: Device) -> None:
    """Trains `workload` on `device`, reading its images meanwhile, and holds it to its floors."""
    must_pass(train(Row(workload, device)))
