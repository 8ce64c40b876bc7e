"""The verification of Keras on JAX and PyTorch, for real: devices of the CPU stand for GPUs."""

from __future__ import annotations

from typing import Any

import pytest

from bench.workloads.backend import FRAMEWORKS, Backend
from tests.support.keras_environments import keras_python
from tests.support.weekly import weekly
from tests.training.in_worker import answer

pytestmark = weekly("verifies Keras on JAX and PyTorch")

_VERSIONS: dict[Backend, str] = {"jax": "0.10.2", "torch": "2.13.0"}
_START = """
import json, os, sys

backend, version = sys.argv[1:]
os.environ.update(KERAS_BACKEND=backend, JAX_PLATFORMS="cpu")
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
from roles.verify.files.verify import keras_stages as stages

plan = {
    "tensorflow": {"framework": backend, "version": version, "python": "3.11", "gpu": True},
    "gpus": [{"address": "0000:01:00.0"}, {"address": "0000:02:00.0"}],
}

def said(check):
    try:
        return check(plan)
    except Exception as error:
        return f"failed: {error}"
"""
_CPU = """
told = {stage.name: said(stage.check) for stage in stages.KERAS_STAGES}
plan["tensorflow"]["version"] = "9.9"
told["another version"] = said(stages.imports)
told["no GPUs"] = said(stages.listed)
plan["tensorflow"]["version"] = version
"""
# Two devices of the CPU in the place of GPUs; PyTorch has one.
_DEVICES = """
import contextlib

if backend == "jax":
    import jax
    found = [(str(each), each) for each in jax.devices()]
    stages.Jax.gpus = lambda self: found
else:
    import torch
    found = [("CPU", torch.device("cpu"))] * 2
    stages.Torch.gpus = lambda self: found
    stages.Torch.scope = lambda self, device: contextlib.nullcontext()
told |= {stage.name: said(stage.check) for stage in stages.KERAS_GPU_STAGES}
cls = stages.Jax if backend == "jax" else stages.Torch
cls.scope = lambda self, device: contextlib.nullcontext()
cls.lies_on = lambda self, value: "another device"
told["elsewhere"] = said(stages.on_each_gpu(stages.fit))
right = cls.product
cls.product = lambda self, left, *rest: right(self, left * 1.01, *rest)
told["wrong"] = said(stages.on_each_gpu(stages.agrees))
print(json.dumps(told))
"""


@pytest.fixture(scope="module", params=_VERSIONS)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    backend: Backend = request.param
    python, home = keras_python(backend), tmp_path_factory.mktemp(backend)
    code = _START + _CPU + _DEVICES
    said = answer(python, code, backend, _VERSIONS[backend], home=home, backend=backend)
    return {**said, "title": FRAMEWORKS[backend].title, "version": _VERSIONS[backend]}


def test_an_environment_is_verified_on_the_cpu(told: Any) -> None:
    title = f"{told['title']} {told['version']}"
    assert told["import"].startswith(title)
    assert told["training step"] == "one step lowers the loss"
    assert told["matrix product"] == told["convolution"] == "agrees with NumPy"
    assert told["another version"].startswith(f"failed: this is {title}")
    assert told["another version"].endswith("the plan says 9.9")
    assert told["no GPUs"] == f"failed: {told['title']} lists 0 of 2 GPUs"


def test_each_of_several_devices_is_computed_and_trained_on(told: Any) -> None:
    assert told["GPU product"] == "agrees with NumPy on 2 GPUs"
    assert told["GPU training"] == "three epochs lower the loss on 2 GPUs"
    assert "it was trained on another device, not on" in told["elsewhere"]
    assert told["wrong"].startswith("failed: on GPU:0: it differs from NumPy by 0.0")
