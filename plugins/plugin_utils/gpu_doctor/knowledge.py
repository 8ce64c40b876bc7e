"""What the doctor takes from the resolver's matrix, so that none of it stands in Python."""

from __future__ import annotations

from dataclasses import dataclass

from ..gpu_stack.matrix import Matrix
from ..gpu_stack.stack_rows import GpuSupport, Stack
from ..host_facts import Gpu
from ..versions import numbers

Version = tuple[int, ...]


@dataclass(frozen=True)
class Knowledge:
    """The matrix, and what several symptoms ask of it."""

    matrix: Matrix

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Those with GPUs, the newest first."""
        return tuple(stack for stack, _gpu in self._supports)

    @property
    def _supports(self) -> list[tuple[Stack, GpuSupport]]:
        return [(row, row.gpu) for row in self.matrix.stacks if row.gpu and row.tensorflow]

    @property
    def highest(self) -> Version:
        """The newest compute capability that any release has kernels for."""
        return max(gpu.highest for _stack, gpu in self._supports)

    def modules(self, gpu: Gpu) -> tuple[str, ...]:
        """The kernel modules that drive a GPU; both where its generation is not known."""
        known = self.matrix.knows(gpu)
        return self.matrix.generation(gpu).modules if known else ("open", "proprietary")

    def floor(self, release: str) -> Version:
        """The oldest compute capability that a release has kernels for.

        One that has no row is taken for the next newer that has, or else for the newest.
        """
        rows = [(numbers(stack.tensorflow)[:2], gpu.lowest) for stack, gpu in self._supports]
        newer = [row for row in rows if row[0] >= numbers(release)[:2]]
        near = min(row[0] for row in newer or rows[:1])
        return min(lowest for version, lowest in rows if version == near)

    def ceiling(self, release: str) -> Version:
        """The newest compute capability that a release has kernels for; of any where it is "".

        One that has no row is taken for the next older that has.
        """
        rows = [(numbers(stack.tensorflow)[:2], gpu.highest) for stack, gpu in self._supports]
        older = [row for row in rows if row[0] <= numbers(release)[:2]]
        near = max(row[0] for row in older or rows)
        return max(highest for version, highest in rows if version == near)

    def fitting(self, gpus: tuple[Gpu, ...]) -> str:
        """The newest release with kernels for all the GPUs, "" where none has them."""
        known = [gpu for gpu in gpus if gpu.capability]
        for stack, support in self._supports:
            if not stack.pinned and all(map(support.takes, known)):
                return stack.tensorflow
        return ""

    @property
    def last_cudnn(self) -> tuple[str, Version]:
        """The last cuDNN with all kernels, and the compute capability that newer ones begin at.

        Two stacks of one release that differ in cuDNN differ in what cuDNN takes.
        """
        for newer, high in self._supports:
            for older, low in self._supports:
                if newer.tensorflow == older.tensorflow and high.lowest > low.lowest:
                    return low.cudnn_installed, high.lowest
        return "", ()
