"""The stacks of Keras on JAX and PyTorch against their locks, and what the wheels say."""

from __future__ import annotations

import re
from operator import attrgetter

import pytest
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from plugins.plugin_utils.gpu_stack.stack_rows import GpuSupport, Stack
from plugins.plugin_utils.versions import numbers
from tests.unit.plans.recorded import MATRIX
from tests.unit.test_matrix import LOCKS, metadata, pins, wheels

STACKS = [stack for stack in MATRIX.stacks if not stack.tensorflow]
# What of a framework has the code for GPUs, one wheel a Python.
_FOR_GPUS = {"jax": "jax-cuda13-plugin", "torch": "torch"}


def support(stack: Stack) -> GpuSupport:
    assert stack.gpu is not None
    return stack.gpu


def asked(stack: Stack, architecture: str) -> dict[str, Requirement]:
    """What the framework's wheel asks for, with CUDA."""
    _, requirements = metadata(stack.version, _FOR_GPUS[stack.framework], architecture)
    return {each.name: each for each in requirements}


def test_there_is_one_of_each_for_aarch64() -> None:
    on_arm = [stack.framework for stack in STACKS if "aarch64" in stack.architectures]
    assert on_arm == ["jax", "torch"]


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_its_lock_brings_it_with_keras_and_cudnn_and_no_tensorflow(stack: Stack) -> None:
    brought = pins(stack.lock)
    assert brought[stack.framework] == stack.version
    assert {"keras", "numpy"} <= set(brought)
    assert "tensorflow" not in brought
    major = support(stack).cuda.split(".")[0]
    cudnn = {each: version for each, version in brought.items() if "cudnn" in each}
    assert cudnn == {f"nvidia-cudnn-cu{major}": support(stack).cudnn_installed}
    named = (LOCKS / stack.lock.replace(".txt", ".in")).read_text(encoding="utf-8")
    assert f"=={stack.version} ; python_version >= '{stack.pythons[0]}'" in named


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_there_are_wheels_for_its_pythons_on_each_architecture(stack: Stack) -> None:
    for architecture in stack.architectures:
        tags = [
            tag
            for wheel in wheels(stack.version, _FOR_GPUS[stack.framework])
            if architecture in wheel
            for tag in parse_wheel_filename(wheel)[3]
        ]
        assert {f"cp{python.replace('.', '')}" for python in stack.pythons} <= {
            tag.interpreter for tag in tags if tag.abi == tag.interpreter
        }
        libraries = [re.search(r"manylinux_(\d+_\d+)", tag.platform) for tag in tags]
        oldest = [numbers(each[1].replace("_", ".")) for each in libraries if each]
        assert max(oldest) <= numbers(stack.glibc)


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_what_its_wheel_asks_of_cuda_is_in_its_lock_and_the_least_in_its_row(stack: Stack) -> None:
    brought, gpu = pins(stack.lock), support(stack)
    for architecture in stack.architectures:
        named = asked(stack, architecture)
        wanted = {name: each for name, each in named.items() if name.startswith("nvidia-")}
        assert wanted
        for name, each in wanted.items():
            assert brought[name] in each.specifier, name
        (cudnn,) = [each.specifier for name, each in wanted.items() if "cudnn" in name]
        assert [each.version for each in cudnn if each.operator in ("==", ">=")] == [gpu.cudnn]
        of_cuda = named.get("nvidia-cuda-runtime") or named["cuda-toolkit"]
        (least,) = [each.version for each in of_cuda.specifier if each.operator in ("==", ">=")]
        assert least.startswith(f"{gpu.cuda}.")
