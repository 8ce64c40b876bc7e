"""What plans install: each set of packages once, with a host that gets it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from plugins.plugin_utils.gpu_stack.plan import ContainerPlan, InstallDriver, Plan, SystemCuda
from tests.unit.plans import recorded

Facts = dict[str, Any]
Names = tuple[str, ...]
RELEASE = r"\d+(\.\d+){2}\S*?(?=-[a-z])"  # a kernel's, up to its flavour


@dataclass(frozen=True)
class Archive:
    """Where a host takes packages from: its system's archive, and NVIDIA's where a plan adds it.

    driver: whether the driver is from there; else the role's pins keep NVIDIA's out.
    """

    system: str
    version: str
    nvidia: bool
    driver: bool


@dataclass
class Installs:
    """The sets of packages by archive, each with the first host that gets it.

    Sets that differ in nothing but a kernel's release are one.
    releases: the kernels of those hosts, by system.
    """

    sets: dict[Archive, dict[Names, tuple[Names, str]]] = field(default_factory=dict)
    releases: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def add(self, host: recorded.Recorded) -> None:
        """What the host's plan installs, if it has one."""
        came = recorded.outcome(host)
        if isinstance(came, str):
            return
        names, nvidia = _names(came, host.found)
        if not names:
            return
        here = (came.system.id, came.system.version)
        kind = tuple(re.sub(RELEASE, "RELEASE", name) for name in names)
        known = self.sets.setdefault(Archive(*here, nvidia, _is_nvidias(came)), {})
        if kind in known:
            return
        known[kind] = (names, host.name)
        installed = host.found["kernels"]["installed"]
        own = [each["release"] for each in installed if not each.get("foreign")]
        self.releases.setdefault(here, set()).update(own)

    def of(self, system: str, version: str = "") -> list[tuple[Archive, list[tuple[Names, str]]]]:
        """The sets of a system, or of one version of it."""
        return [
            (archive, list(sets.values()))
            for archive, sets in self.sets.items()
            if archive.system == system and version in ("", archive.version)
        ]


def _is_nvidias(plan: Plan) -> bool:
    """Whether the driver is to be installed from NVIDIA's repository."""
    driver = plan.record.driver
    return isinstance(driver, InstallDriver) and driver.repository is not None


def _names(plan: Plan, found: Facts) -> tuple[Names, bool]:
    """The packages, as a package manager is told them; whether NVIDIA's repository is added."""
    names, nvidia = list(plan.packages), False
    driver, cuda = plan.record.driver, plan.record.cuda
    if isinstance(driver, InstallDriver):
        names += [*driver.first, *driver.packages]
        nvidia = _is_nvidias(plan)
    inside = plan.record.container
    if isinstance(inside, ContainerPlan):
        # The toolkit has a repository of its own, but in Arch: the plan's, or one that is there.
        elsewhere = inside.repository or found.get("containers", {}).get("repository")
        names += inside.packages[:-1] if elsewhere else inside.packages
    if isinstance(cuda, SystemCuda):
        names += [f"{name}={version}" for name, version in cuda.packages.items()]
        nvidia = True
    return tuple(names), nvidia


def of(hosts: Iterable[recorded.Recorded]) -> Installs:
    """What those hosts' plans install."""
    found = Installs()
    for host in hosts:
        found.add(host)
    return found
