"""What the matrix says of GPUs, by loading: each stack's TensorFlow on GPUs of each generation.

A driver that is not there answers as such a GPU, and loads a kernel only if that GPU could.  It
does not run it, so that nothing is seen of numbers, and nothing of cuDNN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.plugin_utils.gpu_stack.stack_rows import GpuSupport, Stack
from plugins.plugin_utils.versions import numbers
from tests.support import fake_gpu
from tests.support.environments import LOCK
from tests.support.fake_gpu import FakeGpus
from tests.support.weekly import weekly
from tests.unit.plans.recorded import MATRIX

SCRIPT = Path(__file__).with_name("loads.py")
KINDS = ["MLIR kernel", ".cu.cc kernel", "reduction", "XLA"]
# One of each generation, those that differ within one, and one that there is not yet.
CAPABILITIES = (
    *("3.5", "5.2", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "10.3", "12.0"),
    *("12.1", "13.0"),
)


def _cases() -> Iterator[object]:
    seen = set()
    for stack in MATRIX.stacks:
        # A nightly's lock is for a newer Python than these tests run on.
        if stack.gpu is None or stack.is_nightly or stack.tensorflow in seen:
            continue
        seen.add(stack.tensorflow)
        at_the_edges = _at_the_edges(stack) if stack.lock == LOCK else ()  # others: gigabytes each
        for capability in CAPABILITIES:
            skipped = () if capability in at_the_edges else weekly("loads all stacks on all GPUs")
            name = f"{stack.tensorflow}-{capability}"
            yield pytest.param(stack, stack.gpu, capability, id=name, marks=skipped)


def _is_claimed(stack: Stack, capability: str) -> bool:
    """Whether a stack of this TensorFlow is for such a GPU: they differ in cuDNN alone."""
    alike = [each.gpu for each in MATRIX.stacks if each.tensorflow == stack.tensorflow and each.gpu]
    return any(gpu.lowest <= numbers(capability) <= gpu.highest for gpu in alike)


def _at_the_edges(stack: Stack) -> tuple[str, ...]:
    """The first and last that are claimed, and the first on either side that are not."""
    claimed = [_is_claimed(stack, capability) for capability in CAPABILITIES]
    first, last = claimed.index(True), len(claimed) - 1 - claimed[::-1].index(True)
    return (*CAPABILITIES[first - 1 : first + 1], *CAPABILITIES[last : last + 2])


def loaded(gpus: FakeGpus) -> dict[str, object]:
    """By kind of kernel "" or what went wrong, and how many GPUs TensorFlow lists."""
    done = gpus.forked(SCRIPT)
    found = dict(json.loads(line) for line in done.stdout.splitlines())
    last = done.stderr.strip().splitlines()[-1:] or [""]
    return {**dict.fromkeys(KINDS, f"ended with {done.returncode}: {last[0]}"), **found}


@pytest.mark.parametrize(("stack", "support", "capability"), list(_cases()))
def test_a_stacks_kernels_load_on_the_gpus_that_the_matrix_says(
    stack: Stack, support: GpuSupport, capability: str
) -> None:
    gpus = fake_gpu.machine(stack.lock, support.cudnn)
    found = loaded(gpus.having(capability=capability))
    assert found["GPUs"] == 1
    failed = {kind: found[kind] for kind in KINDS if found[kind]}
    if _is_claimed(stack, capability):
        assert failed == {}
    else:
        assert failed != {}


NEWEST = next(stack.gpu for stack in MATRIX.stacks if stack.lock == LOCK and stack.gpu)


@pytest.mark.parametrize(
    ("capability", "driver", "failing"),
    [
        # SASS needs no compiler.
        pytest.param("8.6", NEWEST.driver, [], id="SASS"),
        *(pytest.param(row.capability, row.driver, [], id=row.driver) for row in NEWEST.compiled),
        # The kernels that MLIR made have no SASS for Hopper, and PTX 8.5, which is CUDA 12.5's.
        pytest.param("9.0", "550.163.01", ["MLIR kernel"], id="too old"),
    ],
)
def test_the_oldest_driver_of_the_matrix_loads_all_and_an_older_one_does_not(
    gpus: FakeGpus, capability: str, driver: str, failing: list[str]
) -> None:
    found = loaded(gpus.having(capability=capability, driver=driver))
    assert [kind for kind in KINDS if found[kind]] == failing


def test_a_driver_older_than_the_library_is_named_as_too_old(gpus: FakeGpus) -> None:
    found = loaded(gpus.having(capability="8.6", driver="470.256.02"))
    assert all("driver version is insufficient" in str(found[kind]) for kind in KINDS)


@pytest.mark.parametrize(
    ("settings", "shown", "listed"),
    [
        ({"count": "8"}, {}, 8),
        ({"count": "8"}, {"CUDA_VISIBLE_DEVICES": "6,3"}, 2),
        # Of MIG's slices CUDA shows one to a process.
        ({"count": "1", "slices": "2"}, {}, 1),
    ],
)
def test_as_many_gpus_are_listed_as_there_are(
    gpus: FakeGpus, settings: dict[str, str], shown: dict[str, str], listed: int
) -> None:
    done = gpus.having(capability="8.0", **settings).forked(SCRIPT, "GPUs", **shown)
    assert json.loads(done.stdout) == ["GPUs", listed], done.stderr
