"""GPUs that are left out because the driver passes over them, as a board for the screen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from ..host_facts import Gpu, HostFacts
from ..versions import numbers
from .matrix import Matrix
from .plan import InstallDriver, KeepDriver, Plan
from .request import Request

PASSED_OVER = "the driver does not drive it"


def without_display_gpus(request: Request) -> Iterator[Request]:
    """The request without boards for screens that no driver has now, the oldest left out first.

    As many as are left are used, at least: what most of the GPUs are is not left out.
    """
    for out in oldest_first(request.gpus):
        kept = tuple(gpu for gpu in request.gpus if gpu not in out)
        spare = all(gpu.display and gpu.bound != "nvidia" for gpu in out)
        if spare and len(out) <= len(kept):
            left = {**request.left, **{gpu.address: PASSED_OVER for gpu in out}}
            yield dataclasses.replace(request, gpus=kept, left=left)


def is_newer(plan: Plan, other: Plan) -> bool:
    """Whether its TensorFlow is: a board for the screen does not keep the others from that."""
    return numbers(plan.record.tensorflow.version) > numbers(other.record.tensorflow.version)


def oldest_first(gpus: Sequence[Gpu]) -> Iterator[list[Gpu]]:
    """The GPUs of the oldest compute capability, then those of the two oldest, and so on."""
    every = sorted({gpu.capability or (0, 0) for gpu in gpus})
    for limit in every[:-1]:
        yield [gpu for gpu in gpus if (gpu.capability or (0, 0)) <= limit]


def passes_over(plan: Plan, facts: HostFacts, matrix: Matrix, out: Iterable[Gpu]) -> bool:
    """Whether the planned driver drives none of them, so that TensorFlow does not see them."""
    driver = plan.record.driver
    if isinstance(driver, InstallDriver):
        branch, flavour = driver.branch, str(driver.flavour)
        rolling = [
            row.at_least for row in matrix.drivers if branch in row.branches and row.at_least
        ]
        branch = branch if branch.isdigit() else rolling[0]
    elif isinstance(driver, KeepDriver):
        branch, flavour = driver.version.split(".")[0], facts.driver.loaded_flavour
    else:
        return False
    rows = [matrix.generation(gpu) for gpu in out]
    return not any(row.is_driven_by(int(branch)) and flavour in row.modules for row in rows)
