"""The NVIDIA driver: leave it, or which one from where, by which packages."""

from __future__ import annotations

from . import gpus, obstacles
from .install import install
from .installed_driver import (
    NOT_LOADED,
    NOT_THE_SAME,
    WHO,
    branch_there,
    is_there,
    origin,
    ours,
    parts,
    version_there,
)
from .minimum_driver import minimum_driver
from .options import RefusedError
from .plan import DriverPlan, KeepDriver, NoDriver, SkipDriver
from .request import Request
from .stack_rows import Stack


def decide(request: Request, stack: Stack) -> DriverPlan:
    """The plan's `driver`.

    Raises:
        RefusedError: no driver drives all GPUs, or the one that is there is not ours to replace.
    """
    facts, wanted = request.facts, request.options.driver
    if not request.has_gpu:
        return NoDriver(request.without)
    if request.borrowed:
        return _borrowed(request, stack)
    if wanted == "skip":
        return SkipDriver("as plan_driver asks")
    there = is_there(facts)
    misfit = _misfit(request, stack) if there else "there is no driver"
    if wanted == "keep":
        return _kept_as_asked(request, misfit)
    as_asked = wanted in ("", branch_there(facts))
    if there and not ours(facts) and not misfit and as_asked:
        reason = f"it works, and comes from {WHO[origin(facts)]}{_until(request)}"
        return KeepDriver(reason, version_there(facts))
    return install(request, stack, misfit)


def is_to_be_installed(request: Request) -> bool:
    """Whether one has to be, whichever it is."""
    needed = request.has_gpu and not request.borrowed and request.options.driver != "skip"
    return needed and not is_there(request.facts)


def _until(request: Request) -> str:
    """What the next upgrade brings where the distribution rolls."""
    facts, matrix = request.facts, request.matrix
    held = {part.name for part in parts(facts)} & set(facts.packages.held)
    for row in matrix.drivers:
        reached = int(row.at_least or 0)
        newer = reached > int(branch_there(facts) or 0)
        if newer and row.is_for(facts, origin(facts)) and not held:
            out = [g for g in request.gpus if not matrix.generation(g).is_driven_by(reached)]
            drives = f", which does not drive {gpus.chips(out)}" if out else ""
            return f"; the next upgrade brings {reached} or later{drives}"
    return ""


def _borrowed(request: Request, stack: Stack) -> NoDriver:
    """The driver of Windows, or of a container's host: only looked at."""
    branch, loaded = request.options.branch, request.facts.driver.loaded
    if branch:
        raise RefusedError(
            f"plan_driver={branch}",
            f"no driver to be asked for, as {request.borrowed}",
            nearest=True,
        )
    obstacles.borrowed(request, stack)
    minimum = minimum_driver(stack, request.gpus)
    if loaded and minimum.rules_out(loaded):
        raise RefusedError(
            f"driver {loaded}",
            f"{minimum.version} or newer, which {minimum.by} needs; {request.borrowed}",
            "update it there",
            nearest=True,
        )
    return NoDriver(request.borrowed)


def _misfit(request: Request, stack: Stack) -> str:
    """What is wrong with the driver that is there; "" where it works and fits."""
    driver, matrix = request.facts.driver, request.matrix
    version = version_there(request.facts)
    if version:
        branch = int(version.split(".")[0])
        out = [g for g in request.gpus if not matrix.generation(g).is_driven_by(branch)]
        if out:
            return f"branch {branch} does not drive {gpus.titles(out)}"
        minimum = minimum_driver(stack, request.gpus)
        if minimum.rules_out(version):
            return str(minimum)
    flavour = driver.loaded_flavour or _flavour_next(request)
    wrong = [g for g in request.gpus if flavour not in matrix.generation(g).modules]
    if flavour and wrong:
        return f"the {flavour} module does not drive {gpus.titles(wrong)}"
    if not driver.loaded:
        return NOT_LOADED
    if driver.libraries != driver.loaded:
        libraries = driver.libraries or "missing"
        return f"{NOT_THE_SAME} {driver.loaded}, and the libraries are {libraries}"
    if request.facts.switches and not driver.fabric_manager:
        return "its NVSwitches have no fabric manager, without which CUDA fails with error 802"
    if request.facts.has_subnet and not driver.subnet_manager:
        return "its NVSwitches have no subnet manager (nvlsm), without which CUDA gives error 802"
    return _no_module_next(request)


def _flavour_next(request: Request) -> str:
    """The flavour of the module that the next boot would load, where none is loaded."""
    kernel = request.facts.kernels.find(request.facts.kernels.next)
    return kernel.nvidia.flavour if kernel and not request.facts.driver.loaded else ""


def _no_module_next(request: Request) -> str:
    """The kernel that boots next has no module, although the running one has.

    It counts where the module comes in packages, which can be had for that kernel as well.
    """
    kernels = request.facts.kernels
    running, following = kernels.find(kernels.running), kernels.find(kernels.next)
    if origin(request.facts) not in ("distribution", "nvidia") or not (running and following):
        return ""
    if running.nvidia and not following.nvidia:
        return f"the kernel that boots next, {kernels.next}, has no module of it"
    return ""


def _kept_as_asked(request: Request, misfit: str) -> KeepDriver:
    version = version_there(request.facts)
    if misfit:
        raise RefusedError(
            f"plan_driver=keep, and {'driver ' + version if version else 'no driver'}",
            "a driver that works here" + (f": {misfit}" if is_there(request.facts) else ""),
            nearest=True,
        )
    return KeepDriver("as plan_driver asks", version)
