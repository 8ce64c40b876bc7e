"""The oldest driver that a stack takes, by its CUDA and by the GPUs that it has to compile for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..host_facts import Gpu
from ..versions import numbers
from . import gpus as names
from .stack_rows import Compiled, Stack


@dataclass(frozen=True)
class MinimumDriver:
    """The oldest version of the driver, and what needs it: "CUDA 12.5"."""

    version: str
    by: str

    @property
    def branch(self) -> int:
        """The branch of that version."""
        return numbers(self.version)[0]

    def rules_out(self, version: str) -> bool:
        """Whether the version is too old."""
        return numbers(version) < numbers(self.version)

    def __str__(self) -> str:
        return f"{self.by} needs {self.version} or newer"


NONE = MinimumDriver("0", "")


def minimum_driver(stack: Stack, gpus: Sequence[Gpu]) -> MinimumDriver:
    """What a stack asks for on these GPUs."""
    if stack.gpu is None:
        return NONE
    minimums = [MinimumDriver(stack.gpu.driver, f"CUDA {stack.gpu.cuda}")]
    pairs = compiled_gpus(stack, gpus)
    for _gpu, row in pairs:
        these = names.titles([gpu for gpu, other in pairs if other is row])
        minimums.append(MinimumDriver(row.driver, f"{stack.title} on {these}"))
    return max(minimums, key=lambda each: numbers(each.version))


def compiled_gpus(stack: Stack, gpus: Sequence[Gpu]) -> list[tuple[Gpu, Compiled]]:
    """The GPUs that the stack's kernels are compiled for at the first start, with their rows."""
    support = stack.gpu
    rows = [(gpu, support.compiled_for(gpu)) for gpu in gpus] if support else []
    return [(gpu, row) for gpu, row in rows if row]
