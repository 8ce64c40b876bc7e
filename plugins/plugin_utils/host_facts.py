"""What the module gpu_info finds on a host, typed: `parse` makes `HostFacts` of it, at the door.

A fact that a host does not tell has its empty value.  Resolver and doctor share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from ..module_utils.kernel_names import flavour_of
from . import gpu_names
from .host_environment import Containers, Environment, Python, Verified
from .requirements import msgspec
from .typed import decode

# The kernel's drivers for a device that a virtual machine has: KVM's, and Xen's.
# How their names end; nvgrace_gpu_vfio_pci is for Grace's GPUs.
PASSED_THROUGH = ("vfio-pci", "vfio_pci", "pci-stub", "pciback")


class Distribution(msgspec.Struct, frozen=True):
    """The system by os-release(5).  version: "" where it rolls.

    like: those that it is made from, the nearest first; base_codename: which version of the first.
    """

    id: str = ""
    name: str = "an unknown system"
    version: str = ""
    codename: str = ""
    like: tuple[str, ...] = ()
    base_codename: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version or self.codename}".strip()


class Gpu(msgspec.Struct, frozen=True):
    """One of NVIDIA's display devices on the PCI bus.

    address: such as "0000:01:00.0".  device: its PCI id, "0x2684".
    chip: "AD102"; generation: "Ada"; compute_capability: "8.9", "1.x"; each "" if unknown.
    name: by the host's pci.ids, else by its driver.  bound: the kernel's driver that has it.
    display: whether it can have a screen.  virtual: a share of a GPU, in a virtual machine.
    """

    address: str = ""
    device: str = ""
    chip: str = ""
    generation: str = ""
    compute_capability: str = ""
    name: str = ""
    bound: str = ""
    display: bool = False
    virtual: bool = False

    @property
    def capability(self) -> tuple[int, int] | None:
        """The compute capability, where it is known exactly."""
        known = re.fullmatch(r"(\d+)\.(\d+)", self.compute_capability)
        return (int(known.group(1)), int(known.group(2))) if known else None

    @property
    def passed_through(self) -> bool:
        """Whether a virtual machine has it."""
        return self.bound.endswith(PASSED_THROUGH)

    @property
    def product(self) -> str:
        """What it is sold as, by the host's pci.ids or else our own list; else its chip, if known.

        A container has no pci.ids, and an old one does not have new boards.
        """
        return self.name or gpu_names.of_device(self.device) or self.chip

    @property
    def title(self) -> str:
        """For people: "GeForce RTX 4090 (Ada)", or its number where nothing else is known."""
        named = self.product or f"NVIDIA {self.device or 'of an unreadable id'}"
        return f"{named} ({self.generation})" if self.generation else named

    @property
    def chip_title(self) -> str:
        """For plan.json, which a newer pci.ids must not change: "AD102 (Ada)"."""
        known = self.chip or f"NVIDIA {self.device or 'of an unreadable id'}"
        return f"{known} ({self.generation})" if self.generation else known


class OtherGpu(msgspec.Struct, frozen=True):
    """A display device of another vendor's."""

    address: str = ""
    vendor: str = ""
    device: str = ""


class Switch(msgspec.Struct, frozen=True):
    """An NVSwitch between the GPUs.  vendor: from NVLink 5 on it is Mellanox'."""

    address: str = ""
    vendor: str = "0x10de"
    device: str = ""

    @property
    def has_subnet(self) -> bool:
        """Whether NVLink's subnet manager sets it up, beside the fabric manager."""
        return self.vendor == "0x15b3"


class Firmware(msgspec.Struct, frozen=True):
    """What the firmware says of the machine: its maker, its model and its asset tag."""

    vendor: str = ""
    product: str = ""
    tag: str = ""


class KernelModule(msgspec.Struct, frozen=True, omit_defaults=True):
    """NVIDIA's module of a kernel.  flavour: "open" or "proprietary"."""

    version: str = ""
    flavour: str = ""
    path: str = ""

    def __bool__(self) -> bool:
        return bool(self.version or self.flavour or self.path)


class Kernel(msgspec.Struct, frozen=True):
    """An installed kernel.

    package: that it is from, "" where it is of none.  foreign: it is not the distribution's.
    flavour: the package line that updates it, such as "generic-hwe-24.04".
    metas: the installed packages that bring its line's newest.  Both None where it is not told.
    realtime: it is built with PREEMPT_RT.  headers: whether a module can be built for it.
    nvidia: its module; false in a condition where it has none.
    """

    release: str = ""
    package: str | None = None
    flavour: str = ""
    metas: tuple[str, ...] | None = None
    foreign: bool = False
    realtime: bool = False
    headers: bool = False
    nvidia: KernelModule = KernelModule()


class Kernels(msgspec.Struct, frozen=True):
    """running, next: releases, the one that boots next.  installed: the oldest first.

    other_system: the boot loader's entry, where a reboot would start another system.
    """

    running: str = ""
    next: str = ""
    installed: tuple[Kernel, ...] = ()
    other_system: str = ""

    def find(self, release: str) -> Kernel | None:
        """The installed kernel of that release."""
        return next((each for each in self.installed if each.release == release), None)


class Package(msgspec.Struct, frozen=True):
    """An installed package.  origin: "distribution", "nvidia", "ppa" or "unknown"."""

    name: str
    version: str = ""
    origin: str = ""


class Driver(msgspec.Struct, frozen=True):
    """NVIDIA's driver.

    loaded: the loaded module's version; loaded_flavour: "open" or "proprietary".
    libraries: the version of libcuda on the disk.
    nouveau, nouveau_blacklisted: whether it is loaded, and kept from being loaded.
    blacklisted: the file that keeps NVIDIA's module from being loaded.
    fabric_manager: whether its unit is enabled.  subnet_manager: whether NVLink's is there.
    vgpu_manager: whether that is there which shares GPUs out to virtual machines.
    origin: whose it is: as a package's, or "runfile".  branch: what is on the disk, "580".
    devices: the nodes /dev/nvidia*.  uvm: whether /dev/nvidia-uvm is there.
    """

    loaded: str = ""
    loaded_flavour: str = ""
    libraries: str = ""
    nouveau: bool = False
    nouveau_blacklisted: bool = False
    blacklisted: str = ""
    fabric_manager: bool = False
    subnet_manager: bool = False
    vgpu_manager: bool = False
    origin: str = ""
    branch: str = ""
    packages: tuple[Package, ...] = ()
    devices: tuple[str, ...] = ()
    uvm: bool = False


class Process(msgspec.Struct, frozen=True):
    """A process that holds a GPU."""

    pid: int
    name: str = ""
    kind: Literal["compute", "display", "daemon"] = "compute"


class SecureBoot(msgspec.Struct, frozen=True):
    """state: "enabled", "disabled" or "no efi".  key: the file that DKMS signs with.

    enrolled: whether the firmware knows the key.  staged: whether MokManager will ask for it.
    """

    state: str = "no efi"
    key: str = ""
    enrolled: bool = False
    staged: bool = False


class Library(msgspec.Struct, frozen=True):
    """A CUDA toolkit or a cuDNN of the system's.  version: as far as it is known."""

    version: str = ""
    path: str = ""
    origin: str = ""


class LibraryPath(msgspec.Struct, frozen=True):
    """A setting in `file` that leads every program to `path`."""

    path: str = ""
    file: str = ""


class Unfinished(msgspec.Struct, frozen=True):
    """A package that dpkg is in the middle of.  status: "install reinstreq half-installed"."""

    name: str = ""
    status: str = ""


class Pin(msgspec.Struct, frozen=True):
    """What apt's preferences say of packages.  pin: such as "release o=NVIDIA"."""

    file: str = ""
    packages: str = ""
    pin: str = ""
    priority: int = 0


class Archive(msgspec.Struct, frozen=True):
    """A suite of the distribution's archive, and its host; "" for a mirror that no pin is of."""

    suite: str = ""
    host: str = ""


class PackageManager(msgspec.Struct, frozen=True):
    """manager: "apt" or "pacman".  locked: by nobody, as after a power cut.

    half_installed: what dpkg has not finished; unfinished: in which state it is, where it is told.
    repositories: foreign ones, "nvidia" or "ppa:…"; repository_files: where each is set up.
    suites: that packages are taken from, such as "noble-updates"; Arch's own are "core" and so on.
    archives: the suites of the distribution's that have the driver, each with where it is from.
    pins: what apt's preferences say, but for Grindstone's own; the first that fits counts.
    """

    manager: str = ""
    held: tuple[str, ...] = ()
    half_installed: tuple[str, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    locked: bool = False
    repositories: tuple[str, ...] = ()
    repository_files: dict[str, str] = {}  # noqa: RUF012 (msgspec makes a new one each time)
    suites: tuple[str, ...] = ()
    archives: tuple[Archive, ...] = ()
    pins: tuple[Pin, ...] = ()
    unattended_upgrades: bool = False


class Owned(msgspec.Struct, frozen=True):
    """What Grindstone's ledgers say: the roles that were cut off, the packages that it added.

    prefixes: the folders that it has ever installed below.
    """

    open: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class HostFacts(msgspec.Struct, frozen=True):
    """A host, as the module gpu_info tells it; its documentation says each part.

    container: what contains it, "" on a machine of its own.  machine: "Jetson", "DGX" or "".
    free_mb, free_boot_mb: free space for the prefix and for /boot, in MB (10^6 bytes).
    """

    distribution: Distribution = Distribution()
    architecture: str = ""
    kernel: str = ""
    boot_id: str = ""
    wsl: bool = False
    container: str = ""
    machine: str = ""
    firmware: Firmware = Firmware()
    laptop: bool = False
    desktop: bool = False
    glibc: str = ""
    gpus: tuple[Gpu, ...] = ()
    other_gpus: tuple[OtherGpu, ...] = ()
    switches: tuple[Switch, ...] = ()
    kernels: Kernels = Kernels()
    driver: Driver = Driver()
    processes: tuple[Process, ...] = ()
    secure_boot: SecureBoot = SecureBoot()
    cuda: tuple[Library, ...] = ()
    cudnn: tuple[Library, ...] = ()
    library_path: tuple[LibraryPath, ...] = ()
    packages: PackageManager = PackageManager()
    containers: Containers = Containers()
    reboot_required: bool = False
    owned: Owned = Owned()
    pythons: tuple[Python, ...] = ()
    environment: Environment = Environment()
    verified: Verified = Verified()
    free_mb: int = 0
    free_boot_mb: int | None = None

    def title(self, distribution: str, kernel: str) -> str:
        """For people: the system by those names, and what it is inside of."""
        where = ", under WSL2" if self.wsl else ""
        where += f", in a container ({self.container})" if self.container else ""
        return f"{distribution}, {self.architecture}, kernel {kernel}{where}"

    @property
    def own_gpus(self) -> tuple[Gpu, ...]:
        """The GPUs that no virtual machine has."""
        return tuple(gpu for gpu in self.gpus if not gpu.passed_through)

    @property
    def has_subnet(self) -> bool:
        """Whether NVLink's subnet manager has to set the NVSwitches up."""
        return any(switch.has_subnet for switch in self.switches)

    @property
    def python3(self) -> Python | None:
        """The interpreter that `python3` means."""
        return next((python for python in self.pythons if python.default), None)

    @property
    def computing(self) -> tuple[Process, ...]:
        """The processes that compute on the GPUs."""
        return tuple(process for process in self.processes if process.kind == "compute")


def parse(found: Mapping[str, Any]) -> HostFacts:
    """The facts, typed.  A key that an older Grindstone did not tell has its empty value.

    Raises:
        InvalidDataError: a value has another type, in one line.
    """
    told = {key: value for key, value in found.items() if value is not None}
    facts = decode(told, HostFacts, "the facts of the host")
    return msgspec.structs.replace(facts, kernels=_kernels(facts))


def _kernels(facts: HostFacts) -> Kernels:
    """With the running kernel, the next one and every flavour filled in."""
    kernels = facts.kernels
    running = kernels.running or facts.kernel
    installed = kernels.installed
    if not installed and running:
        installed = (Kernel(release=running),)
    return msgspec.structs.replace(
        kernels,
        running=running,
        next=kernels.next or running,
        installed=tuple(_with_flavour(kernel) for kernel in installed),
    )


def _with_flavour(kernel: Kernel) -> Kernel:
    flavour = kernel.flavour or flavour_of(kernel.release)
    return msgspec.structs.replace(kernel, flavour=flavour)
