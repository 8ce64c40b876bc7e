"""The parts of another driver that have to be removed before one can be installed."""

from __future__ import annotations

import re

from ..host_facts import HostFacts
from .installed_driver import branch_there, parts
from .options import RefusedError
from .plan import InstallDriver
from .rows import DriverOffer, System, listed

# «-580», «-580-server», and the AUR's «-580xx»
_BRANCH_IN_NAME = re.compile(r"-(\d{3})(?:xx)?(-server)?(?=[-:]|$)")
# The packages that there are once for the open module and once for the other.
_HAS_MODULE = re.compile(
    r"dkms|kernel-source|linux-(modules|objects|signatures)-nvidia"
    r"|^nvidia-(driver|headless\S*?)-\d{3}|^nvidia-open|^cuda-drivers"
)


def in_the_way(
    facts: HostFacts, system: System, row: DriverOffer, planned: InstallDriver
) -> tuple[str, ...]:
    """The installed parts of another origin, another branch or another module.

    Raises:
        RefusedError: somebody has put one of them on hold.
    """
    there = branch_there(facts)
    remove = tuple(
        part.name
        for part in parts(facts)
        if part.name not in planned.packages
        and (
            part.origin not in (planned.origin, "")
            or part.name in row.others
            or _of_another_branch(part.name, there, planned)
            or _of_another_module(part.name, planned)
        )
    )
    _must_not_be_held(facts, system, remove, planned.branch)
    return remove


def _of_another_branch(name: str, there: str, planned: InstallDriver) -> bool:
    """By the branch in the name, and whether it is the server's variant of it."""
    said = _BRANCH_IN_NAME.search(name)
    matches = [_BRANCH_IN_NAME.search(each) for each in planned.packages]
    with_branch = [each.groups() for each in matches if each]
    if not said:  # NVIDIA has no branch in the names from 590 on
        return planned.origin == "nvidia" and bool(with_branch) and there != planned.branch
    return said.groups() not in with_branch


def _of_another_module(name: str, planned: InstallDriver) -> bool:
    if "dkms" in name and planned.method != "dkms":
        return True
    return bool(_HAS_MODULE.search(name)) and ("open" in name) != (planned.flavour == "open")


def _must_not_be_held(
    facts: HostFacts, system: System, remove: tuple[str, ...], branch: str
) -> None:
    """What is on hold is somebody's decision, unless it is ours."""
    held = [name for name in remove if name in facts.packages.held]
    theirs = [name for name in held if name not in facts.owned.packages]
    if theirs:
        raise RefusedError(
            f"{listed(theirs, 'and')} on hold, in the way of driver {branch}",
            "packages that may be replaced",
            f"{system.unhold.format(names=' '.join(theirs))}, then run the same command again",
            nearest=True,
        )
