"""What the resolver's matrix says that the doctor goes by: nothing of it stands in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ..host_facts import Gpu
from ..typed import decode

Version = tuple[int, ...]


class Stack(msgspec.Struct, frozen=True):
    """A release of TensorFlow with GPUs.

    capabilities: the compute capabilities that it takes, from and to.
    cudnn_installed: the cuDNN that its lock brings.  pinned: only for those who ask for it.
    """

    tensorflow: str
    pythons: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    cudnn_installed: str = ""
    pinned: bool = False

    @property
    def lowest(self) -> Version:
        """The oldest compute capability."""
        return numbers(self.capabilities[0])

    @property
    def highest(self) -> Version:
        """The newest compute capability."""
        return numbers(self.capabilities[-1])


class Generation(msgspec.Struct, frozen=True):
    """A GPU generation.

    modules: the kernel modules, "open" and "proprietary", that drive it.
    container: what has kernels for it where no stack does.
    """

    name: str
    modules: tuple[str, ...]
    container: str = ""


@dataclass(frozen=True)
class Knowledge:
    """stacks: those with GPUs, the newest first.  generations: the oldest first."""

    stacks: tuple[Stack, ...]
    generations: tuple[Generation, ...]

    @classmethod
    def of(cls, matrix: Mapping[str, Any]) -> Knowledge:
        """What the matrix's rows say.

        Raises:
            InvalidDataError: a row lacks something.
        """
        stacks = decode(matrix["stacks"], tuple[Stack, ...], "the matrix's stacks")
        generations = decode(matrix["generations"], tuple[Generation, ...], "its generations")
        return cls(tuple(row for row in stacks if row.capabilities), generations)

    @property
    def container(self) -> str:
        """The container for GPUs that no stack has kernels for: the newest generation's."""
        return next((row.container for row in reversed(self.generations) if row.container), "")

    @property
    def highest(self) -> Version:
        """The newest compute capability that any release has kernels for."""
        return max(stack.highest for stack in self.stacks)

    def modules(self, gpu: Gpu) -> tuple[str, ...]:
        """The kernel modules that drive a GPU; both where its generation is not known."""
        rows = [row.modules for row in self.generations if row.name == gpu.generation]
        return rows[0] if rows else ("open", "proprietary")

    def floor(self, release: str) -> Version:
        """The oldest compute capability that a release has kernels for.

        One that has no row is taken for the next newer that has, or else for the newest.
        """
        wanted = numbers(release)[:2]
        newer = [row for row in self.stacks if numbers(row.tensorflow)[:2] >= wanted]
        near = min(numbers(row.tensorflow)[:2] for row in newer or self.stacks[:1])
        return min(row.lowest for row in self.stacks if numbers(row.tensorflow)[:2] == near)

    def fitting(self, gpus: tuple[Gpu, ...]) -> str:
        """The newest release with kernels for all the GPUs, "" where none has them."""
        known = [gpu.capability for gpu in gpus if gpu.capability]
        for row in self.stacks:
            if not row.pinned and all(row.lowest <= each <= row.highest for each in known):
                return row.tensorflow
        return ""

    @property
    def last_cudnn(self) -> tuple[str, Version]:
        """The last cuDNN with all kernels, and the compute capability that newer ones begin at.

        Two stacks of one release that differ in cuDNN differ in what cuDNN takes.
        """
        for newer in self.stacks:
            for older in self.stacks:
                same = newer.tensorflow == older.tensorflow
                if same and newer.lowest > older.lowest:
                    return older.cudnn_installed, newer.lowest
        return "", ()


def numbers(version: str) -> Version:
    """A version that can be compared."""
    return tuple(int(number) for number in version.split(".") if number.isdigit())


def dotted(version: Version) -> str:
    """A version that can be read."""
    return ".".join(map(str, version))
