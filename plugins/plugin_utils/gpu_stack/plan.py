"""The plan: what will be on a host.  `record` is what plan.json holds and the roles read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..host_facts import Distribution, Gpu
from ..requirements import msgspec
from ..typed import encode
from .rows import Flavour, Origin
from .stack_rows import TITLES, Framework

GRINDSTONE = "0.1.0"  # as in galaxy.yml, which is not at hand where a collection is installed
UV = "uv"  # a plan's base interpreter where the system has none that fits


class PlannedHost(msgspec.Struct, frozen=True):
    """kernel: the release that boots next."""

    distribution: str
    architecture: str
    kernel: str


class PlannedGpu(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts of a GPU that no driver and no list of names changes.

    used: not passed through, and not left_out, which says why.
    """

    address: str
    device: str
    chip: str
    generation: str
    compute_capability: str
    used: bool
    left_out: str = ""

    @classmethod
    def of(cls, gpu: Gpu, *, used: bool, left_out: str) -> PlannedGpu:
        """From the facts."""
        known = (gpu.address, gpu.device, gpu.chip, gpu.generation, gpu.compute_capability)
        return cls(*known, used, left_out)


class RepositoryEntry(msgspec.Struct, frozen=True):
    """What the roles need to set NVIDIA's repository up, with its key checked."""

    distro: str
    key_fingerprint: str
    arch: str = "x86_64"
    package: str = "cuda-keyring_1.1-1_all.deb"


class NoDriver(msgspec.Struct, frozen=True, tag_field="action", tag="none"):
    """There is none to install: no GPU, or another system brings it."""

    reason: str


class SkipDriver(msgspec.Struct, frozen=True, tag_field="action", tag="skip"):
    """The user's own business."""

    reason: str


class KeepDriver(msgspec.Struct, frozen=True, tag_field="action", tag="keep", omit_defaults=True):
    """The one that is there stays."""

    reason: str
    version: str = ""


class InstallDriver(
    msgspec.Struct, frozen=True, tag_field="action", tag="install", omit_defaults=True
):
    """One is installed, or what was installed has to stay so.

    branch: "580", or "rolling".  flavour: of the kernel module.
    method: "precompiled" and signed by the distribution, "package" compiled by it, or "dkms".
    first: installed before `packages`, of which `headers` are for building.
    remove: what has to go, once.  hold: what is put on hold.
    secure_boot: "off", "signed" by the distribution, by the "enrolled" key, or to "stage" a key.
    reboot: "when needed" or "never".
    fabric_manager: the one of `packages` that makes NVSwitches work, whose unit is enabled.
    subnet_manager: those of `packages` that it needs from NVLink 5 on; modules: what those need of
        the kernel's own, loaded at each boot.
    """

    reason: str
    origin: Origin
    branch: str
    flavour: Flavour
    method: Literal["precompiled", "package", "dkms"]
    first: tuple[str, ...]
    packages: tuple[str, ...]
    headers: tuple[str, ...]
    hold: tuple[str, ...]
    components: tuple[str, ...]
    secure_boot: Literal["off", "signed", "enrolled", "stage"]
    headless: bool
    reboot: Literal["when needed", "never"]
    fabric_manager: str = ""
    subnet_manager: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    repository: RepositoryEntry | None = None
    remove: tuple[str, ...] | None = None


DriverPlan = NoDriver | SkipDriver | KeepDriver | InstallDriver


class NoCuda(msgspec.Struct, frozen=True, tag_field="action", tag="none"):
    """What trains is for the CPU.  leaves: the CUDA that is there and stays untouched."""

    reason: str
    leaves: tuple[str, ...]


class WheelsCuda(msgspec.Struct, frozen=True, tag_field="action", tag="wheels"):
    """CUDA and cuDNN inside the environment of what trains.

    version, cudnn: what that was built with; installed_cudnn: what comes.
    """

    reason: str
    version: str
    cudnn: str
    installed_cudnn: str
    leaves: tuple[str, ...]


class SystemCuda(msgspec.Struct, frozen=True, tag_field="action", tag="system"):
    """CUDA and cuDNN from NVIDIA's repository: `packages` with their versions, in `prefix`."""

    reason: str
    version: str
    cudnn: str
    installed_cudnn: str
    repository: RepositoryEntry
    packages: dict[str, str]
    prefix: str
    leaves: tuple[str, ...]


class ImageCuda(msgspec.Struct, frozen=True, tag_field="action", tag="image"):
    """CUDA and cuDNN inside a container's image."""

    reason: str
    leaves: tuple[str, ...]


CudaPlan = NoCuda | WheelsCuda | SystemCuda | ImageCuda


class ToolkitEntry(msgspec.Struct, frozen=True):
    """What the roles need to set the container toolkit's repository up, with its key checked."""

    distro: str
    key_fingerprint: str
    arch: str
    key: str
    name: str = "container"


class ContainerPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """The image that TensorFlow is in, by its digest, and the engine that runs it.

    packages: the engine's, where it is not another's, and last the one that gives it the GPUs.
    unit: what has to run for it.
    """

    reason: str
    image: str
    engine: str
    packages: tuple[str, ...]
    unit: str = ""
    repository: ToolkitEntry | None = None


class TensorFlowPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """gpu: whether it is built for GPUs.  python: its version, chosen for the `reason`.

    version, python: "" where they are an image's.
    prefix: the environment's folder; interpreter: the Python in it.
    compiled: the chips that its kernels are compiled for at the first start; partly: but a part of
        them, in seconds; confirmed: whether that has been seen on hardware; ptxas: the oldest that
        XLA compiles for them with.
    known: what is known to be wrong with this version.
    framework: what trains, whose `version` it is.
    wheel: the one of the user's own that is taken, as pip names it, "" for the lock's.
    """

    version: str
    gpu: bool
    python: str
    prefix: str
    interpreter: str
    reason: str
    compiled: str = ""
    partly: bool = False
    confirmed: bool = True
    ptxas: str = ""
    known: str = ""
    wheel: str = ""
    framework: Framework = "tensorflow"

    @property
    def title(self) -> str:
        """Such as "TensorFlow 2.21.0"."""
        return f"{TITLES[self.framework]} {self.version}"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The plan as plan.json holds it; the same facts give the same, before and after.

    container: only where TensorFlow is in one; `tensorflow` is then the image's.
    """

    schema: int = 1
    grindstone: str = GRINDSTONE
    stack: str
    host: PlannedHost
    gpus: tuple[PlannedGpu, ...]
    driver: DriverPlan
    cuda: CudaPlan
    tensorflow: TensorFlowPlan
    container: ContainerPlan | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True)
class Plan:
    """What will be on the host, and what is not so yet.

    record: with the packages that have to go; `persisted` is without, as plan.json is.
    base: the interpreter that the environment is made with, or "uv" where uv brings it.
    lock: the file of locked requirements, "" where TensorFlow is in a container.
    seed: the interpreter that uv itself is installed with, "" for the one Ansible runs on.
    packages: the system's packages for Python that are missing.
    changes: what is not as planned yet, a phrase each; driver_changes: those of the driver's role.
    system: the one that packages are taken from, which is beneath where the host's is a derivative.
    """

    record: Record
    base: str
    lock: str
    seed: str
    packages: tuple[str, ...]
    changes: tuple[str, ...]
    driver_changes: tuple[str, ...]
    system: Distribution

    @property
    def persisted(self) -> Record:
        """The record without what is done once: the packages that have to go."""
        driver = self.record.driver
        if not isinstance(driver, InstallDriver):
            return self.record
        lasting = msgspec.structs.replace(driver, remove=None)
        return msgspec.structs.replace(self.record, driver=lasting)

    def to_builtins(self) -> dict[str, Any]:
        """As the roles read it."""
        return {**encode(vars(self)), "persisted": encode(self.persisted)}
