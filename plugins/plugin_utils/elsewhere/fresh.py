"""A freshly installed host of a system: the facts that `gpu_info` would find there."""

from __future__ import annotations

from collections.abc import Sequence

from ...module_utils.kernel_names import is_realtime
from ..gpu_stack.rows import Fresh, FreshKernel, System
from ..host_environment import Environment, Python
from ..host_facts import Distribution, Gpu, HostFacts, Kernel, Kernels, PackageManager

_ROOM = 10**6  # MB: a disk that has room for all
_MANAGERS = {"debian": "apt", "ubuntu": "apt", "arch": "pacman"}


def host(
    system: System, version: str, gpus: Sequence[Gpu] = (), other: FreshKernel | None = None
) -> HostFacts:
    """A new server with those GPUs: one kernel, one Python, no driver, room for all.

    other: the kernel that it has, where it is not the usual one.
    """
    told = system.fresh[version]
    kernel = _kernel(other or told)
    python = Python(f"/usr/bin/python{told.python}", told.python, True, True, True)
    return HostFacts(
        distribution=Distribution(system.id, system.name, version, told.codename),
        architecture=other.architecture if other else "x86_64",
        kernel=kernel.release,
        glibc=told.glibc,
        gpus=tuple(gpus),
        kernels=Kernels(kernel.release, kernel.release, (kernel,)),
        packages=PackageManager(manager=_MANAGERS.get(system.id, "")),
        pythons=(python,),
        environment=Environment(),
        free_mb=_ROOM,
    )


def _kernel(told: Fresh | FreshKernel) -> Kernel:
    package = told.package or f"linux-image-{told.kernel}"
    metas = (f"linux-image-{told.flavour}",) if told.metas is None else told.metas
    foreign = isinstance(told, FreshKernel) and told.foreign
    realtime = is_realtime(told.kernel, "")
    return Kernel(told.kernel, package, told.flavour, metas, foreign, realtime, headers=foreign)
