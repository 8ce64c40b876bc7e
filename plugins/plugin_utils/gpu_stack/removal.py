"""What of another driver has to go before one can be installed."""

from __future__ import annotations

import re

from .host import Host
from .model import Record, RefusedError, Row, listed
from .parts import branch_there, parts

# «-580», «-580-server», and the AUR's «-580xx»
_BRANCH_IN_NAME = re.compile(r"-(\d{3})(?:xx)?(-server)?(?=[-:]|$)")
# The packages that there are once for the open module and once for the other.
_HAS_MODULE = re.compile(
    r"dkms|kernel-source|linux-(modules|objects|signatures)-nvidia"
    r"|^nvidia-(driver|headless\S*?)-\d{3}|^nvidia-open|^cuda-drivers"
)


def in_the_way(host: Host, row: Row, planned: Record) -> list[str]:
    """The installed parts of another origin, another branch or another module."""
    return [
        part["name"]
        for part in parts(host)
        if part["name"] not in planned["packages"]
        and (
            part.get("origin", "") not in (planned["origin"], "")
            or part["name"] in row.get("others", [])
            or _of_another_branch(part["name"], branch_there(host), planned)
            or _of_another_module(part["name"], planned)
        )
    ]


def _of_another_branch(name: str, there: str, planned: Record) -> bool:
    """By the branch in the name, and whether it is the server's variant of it."""
    said = _BRANCH_IN_NAME.search(name)
    matches = [_BRANCH_IN_NAME.search(each) for each in planned["packages"]]
    with_branch = [each.groups() for each in matches if each]
    if not said:  # NVIDIA has no branch in the names from 590 on
        return planned["origin"] == "nvidia" and bool(with_branch) and there != planned["branch"]
    return said.groups() not in with_branch


def _of_another_module(name: str, planned: Record) -> bool:
    if "dkms" in name and planned["method"] != "dkms":
        return True
    return bool(_HAS_MODULE.search(name)) and ("open" in name) != (planned["flavour"] == "open")


def must_not_be_held(host: Host, planned: Record) -> None:
    """What is on hold is somebody's wish, unless it is ours.

    Raises:
        RefusedError: something on hold would have to go.
    """
    owned = set(host.found["owned"]["packages"])
    held = [name for name in planned["remove"] if name in host.found["packages"]["held"]]
    theirs = [name for name in held if name not in owned]
    if theirs:
        unhold = f"apt-mark unhold {' '.join(theirs)}"
        raise RefusedError(
            f"{listed(theirs, 'and')} on hold, in the way of driver {planned['branch']}",
            "packages that may be replaced",
            f"run `{unhold}`, then the same command again",
            nearest=True,
        )
