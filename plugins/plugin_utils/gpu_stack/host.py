"""What of a host the decisions hang on: its system, and the GPUs that it may use."""

from __future__ import annotations

from dataclasses import dataclass

from . import gpus
from .facts import normalised
from .model import Facts, Matrix, RefusedError, Row, Wishes, listed


@dataclass(frozen=True)
class Host:
    """A host as the resolver sees it.

    gpus: those that are its own to use.
    unseen: it has a GPU that is not on its PCI bus, as WSL2 has.
    without: why it has none, "" where it has one.
    """

    found: Facts
    system: Row
    gpus: list[Row]
    unseen: bool
    without: str

    @property
    def has_gpu(self) -> bool:
        """Whether there is a GPU to train on."""
        return not self.without

    @property
    def borrowed(self) -> str:
        """Whose driver it uses, where it is another's: a container's host, or Windows."""
        if self.found["wsl"]:
            return "Windows brings the driver to WSL2"
        return "the container's host brings the driver" if self.found["container"] else ""


def seen(found: Facts, wishes: Wishes, matrix: Matrix) -> Host:
    """The host, or why Grindstone does not touch it.

    Raises:
        RefusedError: its system, or the machine, is none that Grindstone knows.
    """
    found = normalised(found)
    system = _system(found, matrix)
    _must_be_ours(found, wishes)
    found["gpus"] = [gpus.with_capability(gpu, matrix) for gpu in found["gpus"]]
    own = gpus.here(found)
    driver = found["driver"]
    if found["wsl"]:
        given = bool(own or driver["libraries"] or driver["devices"])
        without = "" if given else "no NVIDIA GPU found"
    elif found["container"]:
        given = bool(driver["devices"])
        without = "" if given else _no_device(own)
    else:
        given = bool(own)
        passed = gpus.passed_through(found)
        without = "" if given else _no_gpu(passed)
    return Host(
        found=found,
        system=system,
        gpus=own if given else [],
        unseen=given and not own,
        without=without,
    )


def _no_device(own: list[Row]) -> str:
    return "no GPU is given to this container" if own else "no NVIDIA GPU found"


def _no_gpu(passed: list[Row]) -> str:
    if passed:
        return f"{gpus.all_chips(passed)} is passed through by vfio-pci: it is not this host's"
    return "no NVIDIA GPU found"


def _must_be_ours(found: Facts, wishes: Wishes) -> None:
    if found["machine"] == "Jetson":
        raise RefusedError(
            "a Jetson",
            "a PCI GPU: JetPack brings a Jetson's driver and CUDA, and no wheel is built for them",
            "use NVIDIA's TensorFlow for JetPack, docs.nvidia.com/deeplearning/frameworks",
        )
    left = found["container"] or wishes.driver in ("keep", "skip")
    if found["machine"] == "DGX" and not left:
        raise RefusedError(
            "a DGX",
            "a system whose driver is not part of it, as it is of DGX OS",
            "use NVIDIA's container nvcr.io/nvidia/tensorflow:25.02-tf2-py3",
            nearest=True,
        )


def _system(found: Facts, matrix: Matrix) -> Row:
    here = found["distribution"]
    for system in matrix.systems:
        versions = system["versions"] or [here["version"]]
        if system["id"] == here["id"] and here["version"] in versions:
            return system
    known = [f"{row['name']} {listed(row['versions'], 'or')}".strip() for row in matrix.systems]
    raise RefusedError(
        f"{here['name']} {here['version']}".rstrip(),
        listed(known, "or"),
        "use one of these, or a container of one",
    )
