"""What is known to work of TensorFlow, JAX and PyTorch: roles/plan/vars/main/stacks.yml as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from ..host_facts import Gpu
from ..requirements import msgspec
from ..versions import numbers
from .rows import Capability, Names, Row, Text, Version

Framework = Literal["tensorflow", "jax", "torch"]  # as plan_framework and Keras name them
TITLES: dict[Framework, str] = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
Release = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)*(rc\d+|\.dev\d+)?$")]


class Compiled(Row, frozen=True, kw_only=True):
    """GPUs that a stack's kernels are compiled for, from PTX, when it first starts on one.

    capability: from this compute capability on, up to that of the next row.
    driver: the oldest that compiles them.  ptxas: the oldest that XLA compiles with, "" for any.
    partly: the wheel has the other kernels ready, so that it takes seconds and not minutes.
    confirmed: where it has been seen on hardware, "" for nowhere.
    """

    capability: Capability
    driver: Version
    ptxas: str = ""
    partly: bool = False
    confirmed: str = ""


class GpuSupport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a stack that is for GPUs.

    capabilities: the lowest and the highest compute capability that it runs on.
    cuda, cudnn: what TensorFlow was built with; cudnn_installed: what the lock brings.
    driver: the oldest that this CUDA takes.  compiled: the lowest compute capability first.
    system_lock: the lock where CUDA is the system's, "" for none; system_cudnn: the cuDNN then.
    """

    capabilities: tuple[Capability, Capability]
    cuda: Version
    cudnn: Version
    cudnn_installed: Version
    driver: Version
    compiled: tuple[Compiled, ...] = ()
    system_lock: str = ""
    system_cudnn: str = ""

    @property
    def lowest(self) -> tuple[int, ...]:
        """The oldest compute capability, comparable."""
        return numbers(self.capabilities[0])

    @property
    def highest(self) -> tuple[int, ...]:
        """The newest compute capability, comparable."""
        return numbers(self.capabilities[1])

    def takes(self, gpu: Gpu) -> bool:
        """Whether there are kernels for the GPU; not for one of unknown capability."""
        return gpu.capability is not None and self.lowest <= gpu.capability <= self.highest

    def compiled_for(self, gpu: Gpu) -> Compiled | None:
        """The row of a GPU that its kernels are compiled for at the first start, if it is one."""
        below = [row for row in self.compiled if numbers(row.capability) <= (gpu.capability or ())]
        return below[-1] if below else None


class Stack(Row, frozen=True, kw_only=True):
    """Versions that belong together, locked with hashes.

    tensorflow, jax, torch: the version of the one that trains, "" of the others.
    lock: the file of requirements, package: TensorFlow's name in it.
    gpu: none where it is for the CPU alone.
    pinned: only for those who ask for this TensorFlow.
    glibc: the oldest C library.  disk_mb: free space to install it, in MB (10^6 bytes).
    known: what is known to be wrong with it, for the plan, "" for nothing.
    """

    name: Text
    tensorflow: Release | Literal[""] = ""
    jax: Version | Literal[""] = ""
    torch: Version | Literal[""] = ""
    package: Text = "tensorflow"
    lock: Text
    pythons: tuple[Version, ...]
    architectures: Names
    glibc: Version
    disk_mb: int
    gpu: GpuSupport | None = None
    pinned: bool = False
    known: str = ""

    @property
    def is_nightly(self) -> bool:
        """Whether it is no release: it stands behind the releases that are older."""
        return ".dev" in self.tensorflow

    @property
    def framework(self) -> Framework:
        """What trains."""
        return "jax" if self.jax else "torch" if self.torch else "tensorflow"

    @property
    def version(self) -> str:
        """Its version."""
        return self.tensorflow or self.jax or self.torch

    @property
    def title(self) -> str:
        """Such as "TensorFlow 2.21.0"."""
        return f"{TITLES[self.framework]} {self.version}"


class Broken(Row, frozen=True, kw_only=True):
    """A release of TensorFlow that is never installed, and what to take `instead`.

    capabilities: those of the GPUs that it does not run on, none where it is broken for all.
    """

    tensorflow: Release
    reason: Text
    instead: Version
    capabilities: tuple[Capability, ...] = ()

    def concerns(self, gpus: Sequence[Gpu]) -> bool:
        """Whether it is broken for one of the GPUs."""
        return not self.capabilities or any(g.compute_capability in self.capabilities for g in gpus)


class WithoutCuda(Row, frozen=True, kw_only=True):
    """An architecture whose wheels of TensorFlow have no CUDA, and what has `instead`."""

    architecture: Text
    instead: Text
