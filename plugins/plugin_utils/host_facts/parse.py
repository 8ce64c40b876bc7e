"""From the dictionary that the module gpu_info returns to `HostFacts`: once, at the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..requirements import msgspec
from ..typed import decode
from .model import HostFacts, Kernel, Kernels


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
    return Kernels(running, kernels.next or running, tuple(_with_flavour(k) for k in installed))


def _with_flavour(kernel: Kernel) -> Kernel:
    flavour = kernel.flavour or flavour_of(kernel.release)
    return msgspec.structs.replace(kernel, flavour=flavour)


def flavour_of(release: str) -> str:
    """A kernel's flavour by its release, as Debian, Ubuntu and Arch name them.

    >>> [flavour_of(name) for name in ("6.1.0-50-cloud-amd64", "6.18.1-arch1-1", "6.12.60-1-lts")]
    ['cloud-amd64', 'linux', 'linux-lts']
    """
    if re.search(r"-arch\d+-\d+$", release):
        return "linux"
    of_arch = re.search(r"-\d+-(lts|zen|hardened)$", release)
    if of_arch:
        return f"linux-{of_arch.group(1)}"
    return re.sub(r"^[\d.]+(\+deb\d+)?(-\d+)*-?", "", release)
