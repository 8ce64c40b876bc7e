"""Which origin, branch and kernel module: what is offered against what the GPUs take."""

from __future__ import annotations

from . import gpus
from .host import Host
from .model import Matrix, RefusedError, Row, Wishes, listed
from .parts import PENDING, WHO, branch_there, origin, ours, version_there

_REMOVAL = {
    "runfile": "run `nvidia-uninstall`, then the same command again",
    "ppa": "run `ppa-purge ppa:graphics-drivers/ppa`, then the same command again",
    "unknown": "remove it with what installed it, then run the same command again",
}


def source_for(host: Host, wishes: Wishes, misfit: str) -> str:
    """The one origin that the driver is from, afterwards.

    Raises:
        RefusedError: what is there may not be replaced.
    """
    there = origin(host)
    if there in _REMOVAL and not ours(host):
        version = version_there(host)
        raise RefusedError(
            f"driver {version}".strip()
            + f" from {WHO[there]}: {misfit or 'another branch is asked for'}",
            "a driver that works here, or one from the distribution's or NVIDIA's packages",
            _REMOVAL[there] if not misfit.startswith(PENDING) else f"reboot, or {_REMOVAL[there]}",
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


def offer(
    host: Host, wishes: Wishes, matrix: Matrix, stack: Row, source: str
) -> tuple[Row, str, str]:
    """The row of the matrix, the branch and the module.

    Raises:
        RefusedError: the origin has none that drives all GPUs, or not the one that is asked for.
    """
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
