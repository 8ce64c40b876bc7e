"""A driver to install: its origin, branch, module and packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..host_facts import HostFacts
from ..requirements import msgspec
from . import gpus, kernels, obstacles, offers, pins
from .cuda import entry
from .offers import FallsShortError, Offer
from .options import RefusedError
from .plan import DriverPlan, InstallDriver
from .removal import in_the_way
from .request import Request
from .rows import Flavour, Origin, Precompiled
from .stack_rows import Stack


def install(request: Request, stack: Stack, misfit: str) -> InstallDriver:
    """The plan's `driver` where one has to be installed, or ours has to stay so.

    Raises:
        RefusedError: no branch of the origin drives all GPUs, or what is there may not be removed.
    """
    obstacles.before_install(request, misfit)
    kernels.must_not_be_realtime(request)
    source, offer, module = _chosen(request, stack, misfit)
    row, facts = offer.row, request.facts
    ready, driver = _driver(request, offer, module)
    fabric = _fabric(request, offer, module)
    subnet = row.subnet_manager if facts.has_subnet else None
    headers = () if ready else tuple(kernels.headers(request))
    images = kernels.packages_to_hold(request) if ready else ()
    repository = request.matrix.repository(facts.distribution) if source == "nvidia" else None
    planned = InstallDriver(
        reason=_reason(request, stack, source, module)
        + ("" if ready else _untold(request, offer, module)),
        origin=source,
        branch=offer.branch,
        flavour=module,
        method=ready.method if ready else "dkms",
        first=_names(request, offer, module, *row.first),
        packages=(*driver, *(subnet.packages if subnet else ()), *headers),
        headers=headers,
        hold=(*driver, *images),
        components=row.components,
        secure_boot=_secure_boot(request, precompiled=bool(ready)),
        headless=not facts.desktop,
        fabric_manager=" ".join(fabric),
        subnet_manager=subnet.packages if subnet else (),
        modules=subnet.modules if subnet else (),
        reboot="when needed" if request.options.reboot else "never",
        repository=entry(repository) if repository else None,
    )
    return msgspec.structs.replace(planned, remove=in_the_way(facts, request.system, row, planned))


def _chosen(request: Request, stack: Stack, misfit: str) -> tuple[Origin, Offer, Flavour]:
    """The first origin that has a driver which fits, and that.

    Where the ones that come first fall short, one more is tried: `offers.alternative`.
    """
    refusals: list[RefusedError] = []
    first, other = offers.sources_for(request, misfit), offers.alternative(request)
    for source in (*first, *([other] if other and other not in first else [])):
        if source not in first and not any(isinstance(r, FallsShortError) for r in refusals):
            break
        try:
            offer, module = offers.choose(request, stack, source)
            names = _driver(request, offer, module)[1]
            needs = _names(request, offer, module, *offer.row.first, *offer.row.needs)
            pins.must_let_in(request, offer, (*names, *needs), offers.whose(request, source))
            return source, offer, module
        except RefusedError as refused:
            refusals.append(refused)
    raise next((each for each in refusals if isinstance(each, pins.KeptOutError)), refusals[0])


def _driver(
    request: Request, offer: Offer, module: Flavour
) -> tuple[Precompiled | None, tuple[str, ...]]:
    """What has the module ready, None where DKMS builds it; and the driver's packages."""
    row = offer.row
    ready = row.precompiled if row.precompiled and module in row.precompiled.packages else None
    compiled = kernels.compiled(request, ready.kernels) if ready else []
    ready = ready if compiled else None
    names = _names(
        request,
        offer,
        module,
        *(row.packages.headless if is_server(request) else row.packages.desktop),
        ready.packages[module] if ready else row.module[module],
        compiled=compiled,
    )
    return ready, (*names, *_fabric(request, offer, module))


def _fabric(request: Request, offer: Offer, module: Flavour) -> tuple[str, ...]:
    """The fabric manager, where there are NVSwitches."""
    return _names(
        request, offer, module, *[offer.row.fabric_manager] * bool(request.facts.switches)
    )


def is_server(request: Request) -> bool:
    """Whether it gets the packages for servers, which alone have a fabric manager."""
    return not request.facts.desktop or bool(request.facts.switches)


def _names(
    request: Request, offer: Offer, module: Flavour, *templates: str, compiled: Sequence[str] = ()
) -> tuple[str, ...]:
    """The packages' names; compiled: what those of the modules for each kernel are named after."""
    words = {
        "branch": offer.branch,
        "open": "-open" if module == "open" else "",
        "server": "-server" if is_server(request) else "",
    }
    every = [each.format(kernel=k, **words) for each in templates for k in compiled or [""]]
    return tuple(dict.fromkeys(every))


def _reason(request: Request, stack: Stack, source: Origin, module: Flavour) -> str:
    bound = [gpu for gpu in request.gpus if len(request.matrix.generation(gpu).modules) == 1]
    only = "only " if bound else ""
    reason = f"{only}the {module} module drives {gpus.chips(bound or request.gpus)}"
    unasked = source == "nvidia" and not request.options.driver_origin
    why = offers.why_not(request, stack, "distribution") if unasked else ""
    return f"{reason}; {why}" if why else reason


def _untold(request: Request, offer: Offer, module: Flavour) -> str:
    """That nobody has told whether the module builds for one of the kernels."""
    kernel = offers.too_new_a_kernel(request, offer, module, known=False)
    how = f"whether it builds for kernel {kernel} is not known: if not, all is put back"
    return f"; {how}" if kernel else ""


def _secure_boot(
    request: Request, *, precompiled: bool
) -> Literal["off", "signed", "enrolled", "stage"]:
    state = request.facts.secure_boot
    if state.state != "enabled" or not request.system.enforces:
        return "off"
    if precompiled:
        return "signed"
    if not state.enrolled:
        obstacles.must_have_a_console(request)
    return "enrolled" if state.enrolled else "stage"


def changes(request: Request, planned: DriverPlan) -> list[str]:
    """What is not as planned yet, a phrase each."""
    if not isinstance(planned, InstallDriver):
        return []
    facts = request.facts
    there = {package.name for package in facts.driver.packages}
    if planned.headers:
        there |= {name for name, whole in kernels.headers(request).items() if whole}
    if facts.driver.subnet_manager:
        there |= set(planned.subnet_manager)
    missing = [name for name in [*planned.first, *planned.packages] if name not in there]
    phrases = []
    if planned.remove:
        phrases.append(f"remove {', '.join(planned.remove)}")
    if missing:
        phrases.append(f"install {', '.join(missing)}")
    if not facts.driver.nouveau_blacklisted:
        phrases.append("keep nouveau out, and rebuild the initramfs")
    if planned.fabric_manager and not facts.driver.fabric_manager:
        phrases.append(f"enable {planned.fabric_manager}")
    unheld = [name for name in planned.hold if name not in facts.packages.held]
    if unheld:
        phrases.append(f"hold {', '.join(unheld)}")
    if planned.secure_boot == "stage" and not facts.secure_boot.staged:
        phrases.append(
            "stage the key that signs the module: MokManager asks for it at the next boot"
        )
    following = facts.kernels.find(facts.kernels.next)
    # An update may have brought a kernel without the module.
    if not missing and not (following and following.nvidia):
        phrases.append(f"install the module of kernel {facts.kernels.next}")
    because = reboot_because(facts, planned)
    if because and planned.reboot != "never":
        phrases.append(f"reboot, {because}")
    elif because or not facts.driver.loaded:
        phrases.append(f"load the module{' at a reboot of your own' if because else ''}")
    return phrases


def reboot_because(facts: HostFacts, planned: DriverPlan) -> str:
    """Why the driver needs a reboot, as far as that can be known; "" where it need not be."""
    if not isinstance(planned, InstallDriver):
        return ""
    if planned.secure_boot == "stage":
        return "for MokManager to enroll the key"
    if facts.driver.nouveau:
        return "as nouveau is loaded"
    loaded = facts.driver.loaded
    other = planned.branch.isdigit() and loaded.split(".")[0] != planned.branch
    replaced = planned.remove or loaded != facts.driver.libraries or other
    return f"as {loaded} is loaded" if loaded and replaced else ""


def reboots(facts: HostFacts, planned: DriverPlan) -> bool:
    """Whether the role reboots the host, as far as that can be known."""
    asked = isinstance(planned, InstallDriver) and planned.reboot != "never"
    return asked and bool(reboot_because(facts, planned))
