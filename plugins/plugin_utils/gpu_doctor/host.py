"""A host as the doctor sees it, and the questions that several symptoms ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..host_facts import Gpu, HostFacts, Kernel
from ..requirements import msgspec
from .knowledge import Knowledge


class Build(msgspec.Struct, frozen=True):
    """A module build that failed.  error: the compiler's first.  log: the file."""

    module: str
    kernel: str = ""
    error: str = ""
    log: str = ""


class Wheels(msgspec.Struct, frozen=True):
    """What TensorFlow's environment holds of CUDA.  cudnn: its version, "" without one."""

    wheels: bool = False
    cudnn: str = ""
    ptxas: bool = False
    libdevice: bool = False


class Toolkit(msgspec.Struct, frozen=True):
    """A CUDA of the system's, and whether it has cuBLAS beside its runtime."""

    path: str
    cublas: bool = False


class Logs(msgspec.Struct, frozen=True):
    """What the module gpu_logs_info returns.

    kernel: lines of the kernel's log.  packages: what the package manager complains of.
    gpus: what nvidia-smi tells of their memory errors and other states.
    library_path: LD_LIBRARY_PATH, as a process gets it on this host.
    """

    kernel: tuple[str, ...] = ()
    builds: tuple[Build, ...] = ()
    packages: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    environment: Wheels = Wheels()
    toolkits: tuple[Toolkit, ...] = ()
    library_path: str = ""


class Stage(msgspec.Struct, frozen=True):
    """A verification stage, and what it found."""

    stage: str
    state: Literal["passed", "failed", "not applicable", "not reached"]
    found: str = ""


class Verification(msgspec.Struct, frozen=True):
    """What the stages came to; none where they never ran.  failure: a line with its advice."""

    ok: bool = False
    failure: str = ""
    stages: tuple[Stage, ...] = ()


class PlannedDriver(msgspec.Struct, frozen=True):
    """action: "none", "keep", "skip" or "install"."""

    action: str = ""


class PlannedCuda(msgspec.Struct, frozen=True):
    """action: "none", "wheels" or "system".  cudnn: what TensorFlow was built with."""

    action: str = ""
    cudnn: str = ""
    prefix: str = ""


class PlannedTensorFlow(msgspec.Struct, frozen=True):
    """reason: why its Python was chosen."""

    reason: str = ""


class Planned(msgspec.Struct, frozen=True):
    """The part of plan.json that the doctor reads; all of it empty where the plan is refused."""

    driver: PlannedDriver = PlannedDriver()
    cuda: PlannedCuda = PlannedCuda()
    tensorflow: PlannedTensorFlow = PlannedTensorFlow()


@dataclass(frozen=True)
class Host:
    """A host: its facts, its logs, its plan or why that is refused, and its verification.

    known: what the matrix says of GPUs and TensorFlow's releases.
    """

    facts: HostFacts
    known: Knowledge
    logs: Logs = field(default_factory=Logs)
    plan: Planned = field(default_factory=Planned)
    refusal: str = ""
    verify: Verification = field(default_factory=Verification)

    def said(self, log: Literal["kernel", "builds", "packages", "gpus"]) -> tuple[str, ...]:
        """The lines of one of its logs, the newest of the kernel's first."""
        if log == "kernel":
            return self.logs.kernel[::-1]
        if log == "packages":
            return self.logs.packages
        if log == "gpus":
            return self.logs.gpus
        return tuple(build.error for build in self.logs.builds)

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """The GPUs that are not passed through to a virtual machine."""
        return self.facts.own_gpus

    @property
    def own_kernel(self) -> bool:
        """Whether there is a GPU whose driver is this system's business."""
        skipped = self.plan.driver.action == "skip"
        return bool(self.gpus) and not (self.facts.wsl or self.facts.container or skipped)

    @property
    def wants_gpu(self) -> bool:
        """Whether TensorFlow is to use them: the user may want a driver alone."""
        return bool(self.gpus) and self.plan.cuda.action != "none"

    @property
    def on_disk(self) -> bool:
        """Whether some of a driver is installed, loaded or not."""
        modules = any(kernel.nvidia for kernel in self.facts.kernels.installed)
        return bool(self.facts.driver.packages or self.facts.driver.libraries or modules)

    @property
    def waiting(self) -> bool:
        """Whether a driver is installed and none is loaded."""
        return self.own_kernel and self.on_disk and not self.facts.driver.loaded

    @property
    def running(self) -> Kernel | None:
        """The running kernel, where it is an installed one."""
        return self.facts.kernels.find(self.facts.kernels.running)

    @property
    def next(self) -> Kernel | None:
        """The kernel that boots next, where it is an installed one."""
        return self.facts.kernels.find(self.facts.kernels.next)

    @property
    def capable(self) -> tuple[Gpu, ...]:
        """The GPUs that TensorFlow is to use, whose compute capability is known."""
        return tuple(gpu for gpu in self.gpus if self.wants_gpu and gpu.capability)

    @property
    def computes(self) -> bool:
        """Whether all stages have passed that a GPU computes in."""
        states = {stage.state for stage in self.verify.stages if stage.stage.startswith("GPU ")}
        return states == {"passed"}

    @property
    def failures(self) -> tuple[Stage, ...]:
        """The stages that failed."""
        return tuple(stage for stage in self.verify.stages if stage.state == "failed")


def gpu_name(gpu: Gpu) -> str:
    """What a person calls it, with its compute capability."""
    name = gpu.product or f"NVIDIA {gpu.device}"
    capability = gpu.compute_capability
    return f"{name} (compute capability {capability})" if capability else name
