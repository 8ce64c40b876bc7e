"""What is known to work, as typed rows.  The rows are data: roles/plan/vars/main/*.yml.

Every row names its `source`.  A new TensorFlow, a new system or a new GPU generation is a new row.
"""

from __future__ import annotations

from typing import Annotated, Literal

from ..host_facts import Distribution, HostFacts
from ..requirements import msgspec

Flavour = Literal["open", "proprietary"]
Origin = Literal["distribution", "nvidia"]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Version = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)*$")]
Capability = Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+$")]
Branch = Annotated[str, msgspec.Meta(pattern=r"^(\d*)$")]  # "" for none
Names = tuple[str, ...]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """source: where its facts are from."""

    source: Text


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PCI device ids that the module gpu_info does not know yet, from `first` to `last`."""

    first: Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{4}$")]
    last: Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{4}$")]
    chip: str
    capability: Capability


class Generation(Row, frozen=True, kw_only=True):
    """A generation of GPUs.

    capability: the lowest compute capability of it.
    modules: the kernel modules that drive it.  first, last: the driver's branches, "" for any.
    wsl: whether Windows' driver offers it to WSL2.
    chips: those that gpu_info does not know.
    """

    name: Text
    capability: Capability
    modules: tuple[Flavour, ...]
    first: Branch = ""
    last: Branch = ""
    wsl: bool = True
    chips: tuple[Chip, ...] = ()

    def is_driven_by(self, branch: int) -> bool:
        """Whether the driver's branch is neither too old nor too new for it."""
        return int(self.first or 0) <= branch and not (self.last and branch > int(self.last))

    @property
    def needs(self) -> str:
        """What drives it, in words: "up to 580, proprietary module"."""
        parts = [
            f"from {self.first}" if self.first else "",
            f"up to {self.last}" if self.last else "",
            f"{self.modules[0]} module" if len(self.modules) == 1 else "",
        ]
        return ", ".join(filter(None, parts)) or "any"


class KernelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kernels that a system has packages of.

    releases: a regular expression for the whole release.  flavours: patterns of its flavours, in
    which {version} is the system's.  aliases: those that are another's, by regular expression.
    headers: the package of a flavour's newest headers; own_headers: of one {release}, "" for none.
    undriven: why NVIDIA's module drives no GPU under them, "" where it does.
    """

    releases: Text
    flavours: Names
    headers: Text
    own_headers: str = ""
    undriven: str = ""
    aliases: dict[str, str] = {}  # noqa: RUF012 (msgspec makes a new one each time)


class FreshKernel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kernel that people install a new host with, or instead of its usual one.

    package: what it is from; metas: what keeps it up to date; both named after it if not said.
    foreign: it is somebody else's, and comes with its headers.
    """

    kernel: Text
    flavour: Text
    package: str = ""
    metas: Names | None = None
    foreign: bool = False
    architecture: Text = "x86_64"


class Fresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new host of a system's version has.

    kernel: its release, from `package`, which the packages `metas` keep up to date.
    others: its other kernels by the words that people have for them.
    python: the version of its python3.
    """

    kernel: Text
    flavour: Text
    package: Text
    python: Version
    glibc: Version
    metas: Names = ()
    codename: str = ""
    others: dict[str, FreshKernel] = {}  # noqa: RUF012 (msgspec makes a new one each time)


class System(Row, frozen=True, kw_only=True):
    """A distribution by os-release(5).

    versions: none where it rolls.  fresh: a new host of each; of "" where it rolls.
    venv_package: what `python3 -m venv` needs, "" for nothing.
    kernels: those that it has packages of.
    enforces: whether its kernels refuse unsigned modules under Secure Boot.
    free_boot: what to do where /boot is full.  unhold: where {names} are on hold.  purge: the
        command that takes them off.
    foreign_headers: what others call the package of a kernel's headers, by its {release} and its
        own {package}.
    """

    id: Text
    name: Text
    versions: Names = ()
    fresh: dict[str, Fresh] = {}  # noqa: RUF012 (msgspec makes a new one each time)
    venv_package: str = ""
    kernels: tuple[KernelLine, ...]
    enforces: bool = True
    free_boot: Text
    unhold: Text
    purge: Text
    foreign_headers: Text

    def covers(self, distribution: Distribution) -> bool:
        """Whether it is this system, in a version that is known."""
        known = not self.versions or distribution.version in self.versions
        return self.id == distribution.id and known

    @property
    def title(self) -> str:
        """With its versions: "Debian 12 or 13"."""
        return f"{self.name} {listed(self.versions, 'or')}".strip()


class Derivative(Row, frozen=True, kw_only=True):
    """A distribution made of another, whose drivers are not that one's.

    like: what it is made of, where its os-release does not say.  differs: in what.
    do: how its own driver is installed.
    """

    id: Text
    name: Text
    like: str = ""
    differs: Text
    do: Text


class Switcher(Row, frozen=True, kw_only=True):
    """A program that switches a laptop's GPU off, by keeping NVIDIA's module from being loaded.

    files: what it writes, with patterns.  do: how the GPU is switched on again.
    """

    name: Text
    files: Names
    do: Text


class Cloud(Row, frozen=True, kw_only=True):
    """A provider of virtual machines, none of which has a console for MokManager.

    vendor, product, tag: what the firmware says of the machine, "" for anything.
    do: how to go without it.
    """

    name: Text
    vendor: str = ""
    product: str = ""
    tag: str = ""
    do: Text


class Packages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The driver's packages on a host with a screen, and without."""

    desktop: Names = ()
    headless: Names = ()


class Precompiled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Packages that have the module ready for `kernels`, by flavour of the module.

    kernels: patterns of the kernels' flavours, in which {version} is the system's.

    method: "precompiled" where the distribution signs them, "package" where not.
    """

    method: Literal["precompiled", "package"]
    kernels: Names
    packages: dict[Flavour, str]


class Ceiling(Row, frozen=True, kw_only=True):
    """The first `kernel` that a branch's module does not build for.

    module: "" for each.  known: whether that has been seen; else nobody has told of such a kernel.
    """

    branch: Text
    module: Flavour | Literal[""] = ""
    kernel: Version
    known: bool = True


class SubnetManager(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """NVLink's subnet manager: its packages, and the kernel's modules that it needs."""

    packages: Names
    modules: Names


class DriverOffer(Row, frozen=True, kw_only=True):
    """The branches of the driver that an origin has for a system, the first is taken.

    In names, {branch} is 580, {open} is -open with the open module, {server} -server without a
    desktop, {kernel} a kernel's flavour.
    branches: each with the module to prefer.  at_least: the branch that a rolling one has reached.
    first: what is installed before the rest.  module: what DKMS builds the module from.
    needs: what the packages depend on, which a pin of apt's may keep out.
    ceilings: kernels that a module does not build for.
    others: packages of which there can be one only.  components: of the distribution's archive.
    pockets: of the archive where the branches are, as "updates"; none for every one.
    fabric_manager: the package that a host with NVSwitches needs beside it, "" for none.
    subnet_manager: what those of NVLink 5 need beside that.
    older: how to get an older branch than a rolling one; {branch} is its number.
    """

    system: Text
    versions: Names = ()
    origin: Origin
    architectures: Names
    branches: dict[str, Flavour]
    at_least: Branch = ""
    first: Names = ()
    packages: Packages = Packages()
    needs: Names = ()
    module: dict[Flavour, str]
    precompiled: Precompiled | None = None
    ceilings: tuple[Ceiling, ...] = ()
    others: Names = ()
    components: Names = ()
    pockets: Names = ()
    fabric_manager: str = ""
    subnet_manager: SubnetManager | None = None
    older: str = ""

    def is_for(self, facts: HostFacts, origin: str) -> bool:
        """Whether it is of the origin and for the host's system."""
        here = facts.distribution
        known = not self.versions or here.version in self.versions
        right = self.system == here.id and facts.architecture in self.architectures
        return right and known and self.origin == origin


class CudaPackages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CUDA of a repository: its packages, each with its version.

    cudnn: the name of cuDNN's for it, whose version is the stack's.
    """

    cudnn: Text
    packages: dict[str, str]


class Repository(Row, frozen=True, kw_only=True):
    """NVIDIA's apt repository for a system: its keyring, and the CUDA versions in it."""

    system: Text
    version: Text
    distro: Text
    key_fingerprint: Text
    cuda: dict[str, CudaPackages] = {}  # noqa: RUF012 (msgspec makes a new one each time)


def listed(names: tuple[str, ...] | list[str], word: str) -> str:
    """The names once each: "a, b and c"."""
    once = list(dict.fromkeys(names))
    return f" {word} ".join(filter(None, [", ".join(once[:-1]), *once[-1:]]))
