"""A machine with GPUs that are not there, shared by all tests of it."""

from __future__ import annotations

import pytest

from tests.support import fake_gpu
from tests.support.environments import LOCK
from tests.support.fake_cuda import build
from tests.support.fake_gpu import FakeGpus


@pytest.fixture(scope="session")
def gpus() -> FakeGpus:
    """With the newest stack."""
    if why := build.missing():
        pytest.skip(why)
    return fake_gpu.machine(LOCK, "9.3")
