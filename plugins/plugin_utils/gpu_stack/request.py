"""What the resolver decides on: a host as it sees it, what is asked for, what is known."""

from __future__ import annotations

from dataclasses import dataclass

from ..host_facts import Gpu, HostFacts
from .gpus import chips
from .matrix import Matrix, System, listed
from .options import Options, RefusedError

_NO_GPU = "no NVIDIA GPU found"


@dataclass(frozen=True)
class Request:
    """A host and what is asked of it.

    system: its row.  gpus: those that are its own to use.
    unseen: it has a GPU that is not on its PCI bus, as under WSL2.
    without: why it has none, "" where it has one.
    """

    facts: HostFacts
    options: Options
    matrix: Matrix
    system: System
    gpus: tuple[Gpu, ...]
    unseen: bool
    without: str

    @property
    def has_gpu(self) -> bool:
        """Whether there is a GPU to train on."""
        return not self.without

    @property
    def borrowed(self) -> str:
        """Whose driver it uses, where it is another's: a container's host, or Windows."""
        if self.facts.wsl:
            return "Windows brings the driver to WSL2"
        return "the container's host brings the driver" if self.facts.container else ""

    @property
    def system_title(self) -> str:
        """Such as "Debian 12"."""
        return f"{self.system.name} {self.facts.distribution.version}".strip()


def seen(found: HostFacts, options: Options, matrix: Matrix) -> Request:
    """The request, or why Grindstone does not touch the host.

    Raises:
        RefusedError: its system, or the machine, is none that Grindstone knows.
    """
    facts = matrix.identified(found)
    system = _system(facts, matrix)
    _must_be_ours(facts, options)
    without = _without(facts)
    own = facts.own_gpus
    return Request(
        facts=facts,
        options=options,
        matrix=matrix,
        system=system,
        gpus=() if without else own,
        unseen=not (without or own),
        without=without,
    )


def _without(facts: HostFacts) -> str:
    own, driver = facts.own_gpus, facts.driver
    if facts.wsl:
        return "" if own or driver.libraries or driver.devices else _NO_GPU
    if facts.container:
        missing = "no GPU is given to this container" if own else _NO_GPU
        return "" if driver.devices else missing
    if own:
        return ""
    if facts.gpus:
        return f"{chips(facts.gpus)} is passed through by vfio-pci: it is not this host's"
    return _NO_GPU


def _must_be_ours(facts: HostFacts, options: Options) -> None:
    if facts.machine == "Jetson":
        raise RefusedError(
            "a Jetson",
            "a PCI GPU: JetPack brings a Jetson's driver and CUDA, and no wheel is built for them",
            "use NVIDIA's TensorFlow for JetPack, docs.nvidia.com/deeplearning/frameworks",
        )
    left = facts.container or options.driver in ("keep", "skip")
    if facts.machine == "DGX" and not left:
        raise RefusedError(
            "a DGX",
            "a system whose driver is not part of it, as it is of DGX OS",
            nearest=True,
        )


def _system(facts: HostFacts, matrix: Matrix) -> System:
    for system in matrix.systems:
        if system.covers(facts.distribution):
            return system
    raise RefusedError(
        str(facts.distribution),
        listed([system.title for system in matrix.systems], "or"),
        "use one of these, or a container of one",
    )
