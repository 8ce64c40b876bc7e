"""What the resolver decides on: a host as it sees it, what is asked for, what is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..host_facts import Gpu, HostFacts
from .gpus import chips
from .matrix import Matrix
from .options import Options, RefusedError
from .rows import Derivative, System, listed

AS_ASKED = "as plan_ignore_gpus asks"
_ADDRESS = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])", re.IGNORECASE)
_NO_GPU = "no NVIDIA GPU found"
_VENDORS = {"0x1002": "an AMD GPU", "0x8086": "an Intel GPU"}  # of GPUs that people compute on


@dataclass(frozen=True)
class Request:
    """A host and what is asked of it.

    system: its row.  gpus: those that are its own to use.
    unseen: it has a GPU that is not on its PCI bus, as under WSL2.
    without: why it has none, "" where it has one.
    left: the addresses of GPUs that are left out, and why.
    derivative: its row, where the system is a derivative that differs.
    """

    facts: HostFacts
    options: Options
    matrix: Matrix
    system: System
    gpus: tuple[Gpu, ...]
    unseen: bool
    without: str
    left: dict[str, str]
    derivative: Derivative | None

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


def request_of(found: HostFacts, options: Options, matrix: Matrix) -> Request:
    """The request, or why Grindstone does not touch the host.

    Raises:
        RefusedError: its system, or the machine, is none that Grindstone knows.
    """
    facts = matrix.identified(found)
    system = _system(facts, matrix)
    _must_be_ours(facts)
    left = _ignored(facts, options)
    own = tuple(gpu for gpu in facts.own_gpus if gpu.address not in left)
    without = _without(facts, own)
    return Request(
        facts=facts,
        options=options,
        matrix=matrix,
        system=system,
        gpus=() if without else own,
        unseen=not (without or own),
        without=without,
        left=left,
        derivative=matrix.derivative(found.distribution),
    )


def _ignored(facts: HostFacts, options: Options) -> dict[str, str]:
    """The addresses of the GPUs that the user leaves out, as lspci or nvidia-smi write them.

    Raises:
        RefusedError: there is no GPU at one of them.
    """
    found: dict[str, str] = {}
    known = [gpu.address for gpu in facts.gpus]
    for said in options.ignore_gpus:
        match = _ADDRESS.fullmatch(said.strip())
        address = f"{int(match[1] or '0', 16):04x}:{match[2].lower()}" if match else ""
        if address not in known:
            raise RefusedError(
                f"plan_ignore_gpus={said}",
                f"the address of a GPU of this host, {listed(known, 'or') or 'which has none'}",
                "name one of these",
            )
        found[address] = AS_ASKED
    return found


def _without(facts: HostFacts, own: tuple[Gpu, ...]) -> str:
    driver = facts.driver
    if facts.wsl:
        return "" if own or driver.libraries or driver.devices else _NO_GPU
    if facts.container:
        missing = "no GPU is given to this container" if own else _NO_GPU
        return "" if driver.devices else missing
    if own:
        return ""
    if facts.own_gpus:
        return f"{chips(facts.own_gpus)} is left out, {AS_ASKED}"
    if facts.gpus:
        by = listed([gpu.bound for gpu in facts.gpus], "and")
        return f"{chips(facts.gpus)} is passed through by {by}: it is not this host's"
    return _NO_GPU + _neighbour(facts)


def _neighbour(facts: HostFacts) -> str:
    """The GPUs of other vendors' that people compute on, each model once."""
    found = dict.fromkeys(
        f"{_VENDORS[gpu.vendor]} ({gpu.vendor[2:]}:{gpu.device[2:]})"
        for gpu in facts.other_gpus
        if gpu.vendor in _VENDORS
    )
    are = "is there, which is not" if len(found) == 1 else "are there, which are not"
    return f"; {listed(list(found), 'and')} {are} NVIDIA's" if found else ""


def _must_be_ours(facts: HostFacts) -> None:
    if facts.machine == "Jetson":
        raise RefusedError(
            "a Jetson",
            "a PCI GPU: JetPack brings a Jetson's driver and CUDA, and no wheel is built for them",
            "use NVIDIA's TensorFlow for JetPack, docs.nvidia.com/deeplearning/frameworks",
        )


def _system(facts: HostFacts, matrix: Matrix) -> System:
    for system in matrix.systems:
        if system.covers(facts.distribution):
            return system
    here = facts.distribution
    names = {system.id: system.name for system in matrix.systems}
    beneath = [names[each] for each in here.like if each in names]
    made_of = beneath and here.id not in names  # Ubuntu's own os-release is like Debian's
    known = {fresh.codename for system in matrix.systems for fresh in system.fresh.values()}
    other = f", whose sources of packages are not {beneath[0]}'s" if made_of else ""
    if made_of and here.base_codename and here.base_codename not in known:
        other = f", which is made of {beneath[0]}'s {here.base_codename}"
    raise RefusedError(
        f"{here}{other}",
        listed([system.title for system in matrix.systems], "or"),
        "use one of these, or a container of one",
    )
