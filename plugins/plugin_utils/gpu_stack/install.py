"""A driver to install: its origin, branch, module and packages."""

from __future__ import annotations

from . import gpus
from .host import Host
from .model import Facts, Matrix, Record, RefusedError, Row, Wishes
from .offers import offer, source_for
from .removal import in_the_way, must_not_be_held
from .repositories import entry, row_for


def install(host: Host, wishes: Wishes, matrix: Matrix, stack: Row, misfit: str) -> Record:
    """The plan's `driver` where one has to be installed, or ours has to stay so.

    Raises:
        RefusedError: no branch of the origin drives all GPUs, or what is there may not be removed.
    """
    source = source_for(host, wishes, misfit)
    row, branch, module = offer(host, wishes, matrix, stack, source)
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
    planned["remove"] = in_the_way(host, row, planned)
    must_not_be_held(host, planned)
    return planned


def flavours(host: Host) -> list[str]:
    """The kernels' flavours."""
    every = [kernel["flavour"] for kernel in host.found["kernels"]["installed"]]
    return list(dict.fromkeys(every)) or [""]


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
    if not missing and not _module_there(host):
        phrases.append(f"bring the module of kernel {found['kernels']['next']}")
    because = reboot_because(found, planned)
    if because and planned["reboot"] != "never":
        phrases.append(f"reboot, {because}")
    elif because or not driver["loaded"]:
        phrases.append(f"load the module{' at a reboot of your own' if because else ''}")
    return phrases


def reboot_because(found: Facts, planned: Record) -> str:
    """Why the driver needs a reboot, as far as that can be known; "" where it need not be."""
    there = found["driver"]
    if planned["action"] != "install":
        return ""
    if planned["secure_boot"] == "stage":
        return "for MokManager to enroll the key"
    if there["nouveau"]:
        return "as nouveau is loaded"
    loaded = there["loaded"]
    other = planned["branch"].isdigit() and loaded.split(".")[0] != planned["branch"]
    replaced = planned["remove"] or loaded != there["libraries"] or other
    return f"as {loaded} is loaded" if loaded and replaced else ""


def _module_there(host: Host) -> bool:
    """Whether the kernel that boots next has the module: an update may have left it without."""
    kernels = host.found["kernels"]
    return any(k["release"] == kernels["next"] and k["nvidia"] for k in kernels["installed"])


def _headers_there(host: Host) -> set[str]:
    kernels = host.found["kernels"]["installed"]
    whole = {
        kernel["flavour"]
        for kernel in kernels
        if all(other["headers"] for other in kernels if other["flavour"] == kernel["flavour"])
    }
    return {host.system["headers"].format(kernel=flavour) for flavour in whole}
