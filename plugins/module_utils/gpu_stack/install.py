"""A driver to install: its origin, branch, module and packages."""

from __future__ import annotations

import re

from . import gpus
from .host import Host
from .model import Matrix, Record, RefusedError, Row, Wishes, listed
from .parts import WHO, branch_there, origin, ours, parts, version_there
from .repositories import entry, row_for

_REMOVAL = {
    "runfile": "run `nvidia-uninstall`, then the same command again",
    "ppa": "run `ppa-purge ppa:graphics-drivers/ppa`, then the same command again",
    "unknown": "remove it with what installed it, then run the same command again",
}
# «-580», «-580-server», and the AUR's «-580xx»
_BRANCH_IN_NAME = re.compile(r"-(\d{3})(?:xx)?(-server)?(?=[-:]|$)")
# The packages that there are once for the open module and once for the other.
_HAS_MODULE = re.compile(
    r"dkms|kernel-source|linux-(modules|objects|signatures)-nvidia"
    r"|^nvidia-(driver|headless\S*?)-\d{3}|^nvidia-open|^cuda-drivers"
)


def install(host: Host, wishes: Wishes, matrix: Matrix, stack: Row, misfit: str) -> Record:
    """The plan's `driver` where one has to be installed, or ours has to stay so.

    Raises:
        RefusedError: no branch of the origin drives all GPUs, or what is there may not be removed.
    """
    source = _source(host, wishes, misfit)
    row, branch, module = _offer(host, wishes, matrix, stack, source)
    desktop = host.found["desktop"]
    kernels = flavours(host)
    ready = row.get("precompiled", {}).get(module)
    precompiled = bool(ready) and set(kernels) <= set(row["precompiled_kernels"])

    def names(templates: list[str]) -> list[str]:
        words = {
            "branch": branch,
            "open": "-open" if module == "open" else "",
            "server": "" if desktop else "-server",
        }
        every = [each.format(kernel=kernel, **words) for each in templates for kernel in kernels]
        return list(dict.fromkeys(every))

    driver = names(
        [
            *row["packages"]["desktop" if desktop else "headless"],
            ready if precompiled else row["module"][module],
        ]
    )
    headers = [] if precompiled else _headers(host)
    images = names([host.system["image"]]) if precompiled else []
    planned: Record = {
        "action": "install",
        "reason": _reason(host, matrix, module),
        "origin": source,
        "branch": branch,
        "flavour": module,
        "method": row["precompiled_method"] if precompiled else "dkms",
        "version": "",
        "first": names(row.get("first", [])),
        "packages": [*driver, *headers],
        "headers": headers,
        "remove": [],
        "hold": [*driver, *images],
        "components": row.get("components", []),
        "secure_boot": _secure_boot(host, precompiled),
        "headless": not desktop,
        "reboot": "when needed" if wishes.reboot else "never",
    }
    repository = row_for(host, matrix)
    if source == "nvidia" and repository:
        planned["repository"] = entry(repository)
    planned["remove"] = _in_the_way(host, row, planned)
    _must_not_be_held(host, planned)
    return planned


def flavours(host: Host) -> list[str]:
    """The kernels' flavours."""
    return list(dict.fromkeys(kernel["flavour"] for kernel in host.found["kernels"]["installed"]))


def _source(host: Host, wishes: Wishes, misfit: str) -> str:
    """The one origin that the driver is from, afterwards."""
    there = origin(host)
    if there in _REMOVAL and not ours(host):
        version = version_there(host)
        raise RefusedError(
            f"driver {version}".strip()
            + f" from {WHO[there]}: {misfit or 'another branch is asked for'}",
            "a driver that works here, or one from the distribution's or NVIDIA's packages",
            _REMOVAL[there],
            nearest=True,
        )
    configured = host.found["packages"]["repositories"]
    ppa = [name for name in configured if name.startswith("ppa")]
    if ppa:
        raise RefusedError(
            f"{listed(ppa, 'and')} among the sources of packages",
            "one origin for the driver",
            f"run `add-apt-repository --remove {ppa[0]}`, then the same command again",
            nearest=True,
        )
    if there == "nvidia" or (not there and "nvidia" in configured):
        return "nvidia"
    return wishes.driver_origin


def _offer(
    host: Host, wishes: Wishes, matrix: Matrix, stack: Row, source: str
) -> tuple[Row, str, str]:
    """The row of the matrix, the branch and the module."""
    offered = _offered(host, matrix, source)
    legal = gpus.modules(host.gpus, matrix)
    if not legal:
        raise _no_module_for_all(host, matrix)
    pinned = wishes.driver not in ("", "keep", "skip")
    rows = [each for each in offered if not pinned or each[1] == wishes.driver]
    strange = [gpu for gpu in host.gpus if gpus.unknown(gpu, matrix)]
    if strange and not pinned:
        raise RefusedError(
            f"{gpus.all_called(strange)}, newer than Grindstone's table",
            "to be told which branch drives it",
            "set plan_driver to it, such as plan_driver=610",
            nearest=True,
        )
    if not rows:
        raise _not_offered(host, wishes, offered, source)
    floor = int(stack["driver"].split(".")[0]) if stack["capabilities"] else 0
    for row, branch, preferred in rows:
        number = int(row.get("at_least", branch))
        module = preferred if preferred in legal else legal[0]
        drives_all = not any(gpus.out_of_branch(gpu, number, matrix) for gpu in host.gpus)
        if drives_all and module in row["module"] and number >= floor:
            return row, branch, module
    raise _drives_not_all(host, matrix, rows, source)


def _offered(host: Host, matrix: Matrix, source: str) -> list[tuple[Row, str, str]]:
    """Each branch that the origin offers, with its module: first the one that is there."""
    here = host.found["distribution"]
    every = [
        (row, branch, module)
        for row in matrix.drivers
        if row["system"] == here["id"]
        and (not row["versions"] or here["version"] in row["versions"])
        and row["origin"] == source
        and host.found["architecture"] in row["architectures"]
        for branch, module in row["branches"].items()
    ]
    there = branch_there(host) if origin(host) == source else ""
    return sorted(every, key=lambda each: each[1] != there)


def _from(host: Host, source: str) -> str:
    if source == "nvidia":
        return "NVIDIA's repository"
    distribution = host.found["distribution"]
    return f"{host.system['name']} {distribution['version']}".strip()


def _not_offered(
    host: Host,
    wishes: Wishes,
    offered: list[tuple[Row, str, str]],
    source: str,
) -> RefusedError:
    where = _from(host, source)
    if not offered:
        what = f"{_from(host, 'distribution')} on {host.found['architecture']}"
        return RefusedError(
            f"{what}, and plan_driver_origin={source}",
            f"a system that {where} has drivers for",
            nearest=True,
        )
    if host.system["id"] == "arch":
        return RefusedError(
            f"plan_driver={wishes.driver}",
            "no branch, as Arch has only the newest",
            f"build nvidia-{wishes.driver}xx-dkms and nvidia-{wishes.driver}xx-utils from the AUR",
            nearest=True,
        )
    branches = listed([branch for _, branch, _ in offered], "or")
    return RefusedError(
        f"plan_driver={wishes.driver}", f"a branch that {where} has, {branches}", nearest=True
    )


def _no_module_for_all(host: Host, matrix: Matrix) -> RefusedError:
    by_open = [gpu for gpu in host.gpus if "open" in gpus.generation(gpu, matrix)["modules"]]
    only_open = [gpu for gpu in by_open if gpus.generation(gpu, matrix)["modules"] == ["open"]]
    never_open = [gpu for gpu in host.gpus if gpu not in by_open]
    return RefusedError(
        f"{gpus.all_called(only_open)}, which only the open module drives, beside "
        f"{gpus.all_called(never_open)}, which it does not drive",
        "GPUs that one module drives",
        "take one of them out, or bind it to vfio-pci",
        nearest=True,
    )


def _drives_not_all(
    host: Host,
    matrix: Matrix,
    rows: list[tuple[Row, str, str]],
    source: str,
) -> RefusedError:
    where = _from(host, source)
    have = listed([branch for _, branch, _ in rows], "or")
    out = [
        gpu
        for gpu in host.gpus
        if all(
            gpus.out_of_branch(gpu, int(row.get("at_least", branch)), matrix)
            or not set(gpus.generation(gpu, matrix)["modules"]) & set(row["module"])
            for row, branch, _ in rows
        )
    ]
    needs = "; ".join(dict.fromkeys(_range(gpu, matrix) for gpu in out or host.gpus))
    do = "take one of them out, or bind it to vfio-pci" if len(host.gpus) > 1 else ""
    if host.system["id"] == "arch" and out:
        aur = gpus.generation(out[0], matrix)["aur"]
        have = f"{rows[0][0]['at_least']} and later"
        do = f"build {listed(aur, 'and')} from the AUR, then run the same command again"
    return RefusedError(
        f"{gpus.all_called(out or host.gpus)}, and {where}'s driver {have}",
        f"a branch that drives {'it' if len(out) == 1 else 'them all'} ({needs})",
        do,
        nearest=True,
    )


def _range(gpu: Row, matrix: Matrix) -> str:
    row = gpus.generation(gpu, matrix)
    first = f"from {row['first']}" if row["first"] else ""
    last = f"up to {row['last']}" if row["last"] else ""
    module = f"{row['modules'][0]} module" if len(row["modules"]) == 1 else ""
    return f"{row['name']}: {', '.join(part for part in (first, last, module) if part) or 'any'}"


def _reason(host: Host, matrix: Matrix, module: str) -> str:
    chips = gpus.all_chips(host.gpus)
    legal = gpus.modules(host.gpus, matrix)
    only = f"only the {module} module drives" if len(legal) == 1 else f"the {module} module drives"
    return f"{only} {chips}"


def _headers(host: Host) -> list[str]:
    """The packages that bring every kernel's headers, and those of its updates."""
    known = host.system["kernels"]
    names = []
    for kernel in host.found["kernels"]["installed"]:
        if not known or kernel["flavour"] in known:
            names.append(host.system["headers"].format(kernel=kernel["flavour"]))
        elif not kernel["headers"]:
            raise RefusedError(
                f"kernel {kernel['release']} without its headers",
                f"a kernel of {host.system['name']}'s, or one whose headers are there",
                f"lay them where /lib/modules/{kernel['release']}/build points",
                nearest=True,
            )
    return list(dict.fromkeys(names))


def _secure_boot(host: Host, precompiled: bool) -> str:
    state = host.found["secure_boot"]
    if state["state"] != "enabled" or not host.system["enforces"]:
        return "off"
    if precompiled:
        return "signed"
    return "enrolled" if state["enrolled"] else "stage"


def _in_the_way(host: Host, row: Row, planned: Record) -> list[str]:
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


def _must_not_be_held(host: Host, planned: Record) -> None:
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


def changes(host: Host, planned: Record) -> list[str]:
    """What is not as planned yet, a phrase each."""
    if planned["action"] != "install":
        return []
    found = host.found
    driver = found["driver"]
    there = {package["name"] for package in driver["packages"]} | _headers_there(host)
    missing = [name for name in [*planned["first"], *planned["packages"]] if name not in there]
    phrases = []
    if planned["remove"]:
        phrases.append(f"remove {', '.join(planned['remove'])}")
    if missing:
        phrases.append(f"install {', '.join(missing)}")
    if not driver["nouveau_blacklisted"]:
        phrases.append("keep nouveau out, and rebuild the initramfs")
    unheld = [name for name in planned["hold"] if name not in found["packages"]["held"]]
    if unheld:
        phrases.append(f"hold {', '.join(unheld)}")
    if planned["secure_boot"] == "stage" and not found["secure_boot"]["staged"]:
        phrases.append(
            "stage the key that signs the module: MokManager asks for it at the next boot"
        )
    if not driver["loaded"] or driver["loaded"] != driver["libraries"] or driver["nouveau"]:
        may = planned["reboot"] != "never"
        phrases.append(
            "load the module; reboot if another is loaded"
            if may
            else "load the module at your next reboot"
        )
    return phrases


def _headers_there(host: Host) -> set[str]:
    kernels = host.found["kernels"]["installed"]
    whole = {
        kernel["flavour"]
        for kernel in kernels
        if all(other["headers"] for other in kernels if other["flavour"] == kernel["flavour"])
    }
    return {host.system["headers"].format(kernel=flavour) for flavour in whole}
