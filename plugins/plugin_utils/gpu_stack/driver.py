"""The NVIDIA driver: leave it, or which one from where, by which packages."""

from __future__ import annotations

from . import gpus
from .host import Host
from .install import install
from .model import Matrix, Record, RefusedError, Row, Wishes, numbers
from .parts import (
    NOT_LOADED,
    NOT_THE_SAME,
    WHO,
    branch_there,
    is_there,
    origin,
    ours,
    version_there,
)

WISHES = ("", "keep", "skip")


def decide(host: Host, wishes: Wishes, matrix: Matrix, stack: Row) -> Record:
    """The plan's `driver`.

    Raises:
        RefusedError: no driver drives all GPUs, or the one that is there is not ours to replace.
    """
    if not host.has_gpu:
        return _left("none", host.without)
    if host.borrowed:
        return _borrowed(host, wishes, stack)
    if wishes.driver == "skip":
        return _left("skip", "as plan_driver asks")
    misfit = _misfit(host, matrix, stack) if is_there(host) else "there is no driver"
    if wishes.driver == "keep":
        return _kept_as_asked(host, misfit)
    as_asked = not wishes.driver or wishes.driver == branch_there(host)
    if is_there(host) and not ours(host) and not misfit and as_asked:
        return _left("keep", f"it works, and comes from {WHO[origin(host)]}", version_there(host))
    return install(host, wishes, matrix, stack, misfit)


def _left(action: str, reason: str, version: str = "") -> Record:
    return {"action": action, "reason": reason, **({"version": version} if version else {})}


def _borrowed(host: Host, wishes: Wishes, stack: Row) -> Record:
    """The driver of Windows, or of a container's host: only looked at."""
    if wishes.driver not in WISHES:
        raise RefusedError(
            f"plan_driver={wishes.driver}",
            f"no wish for a driver, as {host.borrowed}",
            nearest=True,
        )
    loaded = host.found["driver"]["loaded"]
    if loaded and _below(loaded, stack):
        raise RefusedError(
            f"driver {loaded}",
            f"{stack['driver']} or newer, which CUDA {stack['cuda']} needs; {host.borrowed}",
            "update it there",
            nearest=True,
        )
    return _left("none", host.borrowed)


def _below(version: str, stack: Row) -> bool:
    return bool(stack["capabilities"]) and numbers(version) < numbers(stack["driver"])


def _misfit(host: Host, matrix: Matrix, stack: Row) -> str:
    """What is wrong with the driver that is there; "" where it works and fits."""
    driver = host.found["driver"]
    version = version_there(host)
    if version:
        branch = int(version.split(".")[0])
        out = [gpu for gpu in host.gpus if gpus.out_of_branch(gpu, branch, matrix)]
        if out:
            return f"branch {branch} does not drive {gpus.all_called(out)}"
        if _below(version, stack):
            return f"CUDA {stack['cuda']} needs {stack['driver']} or newer"
    legal = gpus.modules(host.gpus, matrix)
    if driver["loaded_flavour"] and driver["loaded_flavour"] not in legal:
        return (
            f"the {driver['loaded_flavour']} module does not drive {_not_by(host, driver, matrix)}"
        )
    if not driver["loaded"]:
        return NOT_LOADED
    if driver["libraries"] != driver["loaded"]:
        libraries = driver["libraries"] or "missing"
        return f"{NOT_THE_SAME} {driver['loaded']}, and the libraries are {libraries}"
    return _no_module_next(host)


def _not_by(host: Host, driver: Row, matrix: Matrix) -> str:
    flavour = driver["loaded_flavour"]
    rows = [gpu for gpu in host.gpus if flavour not in gpus.generation(gpu, matrix)["modules"]]
    return gpus.all_called(rows)


def _no_module_next(host: Host) -> str:
    """The kernel that boots next has no module, although the running one has.

    It counts where the module comes in packages, which can be had for that kernel as well.
    """
    if origin(host) not in ("distribution", "nvidia"):
        return ""
    kernels = host.found["kernels"]
    has = {kernel["release"]: bool(kernel["nvidia"]) for kernel in kernels["installed"]}
    if has.get(kernels["running"]) and has.get(kernels["next"]) is False:
        return f"the kernel that boots next, {kernels['next']}, has no module of it"
    return ""


def _kept_as_asked(host: Host, misfit: str) -> Record:
    if misfit:
        version = version_there(host)
        raise RefusedError(
            f"plan_driver=keep, and {'driver ' + version if version else 'no driver'}",
            "a driver that works here" + (f": {misfit}" if is_there(host) else ""),
            nearest=True,
        )
    return _left("keep", "as plan_driver asks", version_there(host))
