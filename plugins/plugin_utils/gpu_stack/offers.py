"""Which origin, branch and kernel module: what is offered against what the GPUs take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..host_facts import Gpu
from ..versions import dotted, leading, numbers
from . import gpus, kernels
from .installed_driver import PENDING, WHO, branch_there, origin, ours, version_there
from .minimum_driver import minimum_driver
from .options import RefusedError
from .request import Request
from .rows import DriverOffer, Flavour, Origin, listed
from .stack_rows import Stack

_REMOVAL = {
    "runfile": "run `nvidia-uninstall`, then the same command again",
    "ppa": "run `ppa-purge ppa:graphics-drivers/ppa`, then the same command again",
    "unknown": "remove it with what installed it, then run the same command again",
}


class FallsShortError(RefusedError):
    """An origin has drivers, and none that is enough for the GPUs: too old, or without a part.

    why: so in the words of a plan that takes another origin's.
    """

    def __init__(self, found: str, expected: str, do: str = "", *, why: str) -> None:
        super().__init__(found, expected, do, nearest=True)
        self.why = why


@dataclass(frozen=True)
class Offer:
    """A branch that an origin has, and the module to prefer of it."""

    row: DriverOffer
    branch: str
    preferred: Flavour

    @property
    def number(self) -> int:
        """The branch, or the least that a rolling one has reached."""
        return int(self.row.at_least or self.branch)


def sources_for(request: Request, misfit: str) -> list[Origin]:
    """The origins that the driver may be from, afterwards: the first that has one is taken.

    What the user says comes first, then whose driver is there, then whose repository is set up.

    Raises:
        RefusedError: what is there may not be replaced.
    """
    facts, asked = request.facts, request.options.driver_origin
    there = origin(facts)
    if there in _REMOVAL and not ours(facts):
        raise RefusedError(
            f"driver {version_there(facts)}".strip()
            + f" from {WHO[there]}: {misfit or 'another branch is asked for'}",
            "a driver that works here, or one from the distribution's or NVIDIA's packages",
            _REMOVAL[there] if not misfit.startswith(PENDING) else f"reboot, or {_REMOVAL[there]}",
            nearest=True,
        )
    _must_have_one_origin(request)
    if asked:
        return ["nvidia" if asked == "nvidia" else "distribution"]
    if there == "nvidia":
        return ["nvidia"]
    offered = any(row.is_for(facts, "nvidia") for row in request.matrix.drivers)
    if not there and "nvidia" in facts.packages.repositories and offered:
        return ["nvidia", "distribution"]
    return ["distribution"]


def alternative(request: Request) -> Origin | None:
    """Whose driver to take where the distribution's falls short, unless the user says whose."""
    offered = any(row.is_for(request.facts, "nvidia") for row in request.matrix.drivers)
    repository = request.matrix.repository(request.facts.distribution)
    return "nvidia" if offered and repository and not request.options.driver_origin else None


def why_not(request: Request, stack: Stack, source: Origin) -> str:
    """Why the origin's driver is not enough, "" where it is: the same before and after."""
    try:
        choose(request, stack, source)
    except FallsShortError as refused:
        return refused.why
    except RefusedError:
        return ""
    return ""


def _must_have_one_origin(request: Request) -> None:
    """A PPA among the sources is somebody's decision, unless the user says whose driver to take.

    The role's pins then keep out the PPA that it knows.
    """
    packages = request.facts.packages
    ppa = [name for name in packages.repositories if name.startswith("ppa")]
    if not ppa or (request.options.driver_origin and ppa == ["ppa:graphics-drivers"]):
        return
    file = packages.repository_files.get(ppa[0], "")
    raise RefusedError(
        f"{listed(ppa, 'and')} among the sources of packages" + (f" ({file})" if file else ""),
        "one origin for the driver",
        f"run `add-apt-repository --remove {ppa[0]}`, then the same command again",
        nearest=True,
    )


def choose(request: Request, stack: Stack, source: Origin) -> tuple[Offer, Flavour]:
    """The offer to take, and the module.

    Raises:
        RefusedError: the origin has none that drives all GPUs, or not the one that is asked for.
    """
    offered = _offered(request, source)
    legal = gpus.modules(request.gpus, request.matrix)
    if not legal:
        raise no_module_for_all(request)
    pinned = request.options.branch
    offers = [each for each in offered if not pinned or each.branch == pinned]
    strange = [gpu for gpu in request.gpus if not request.matrix.knows(gpu)]
    if strange and not pinned:
        newest = max((each.number for each in offered), default=0)
        raise RefusedError(
            f"{gpus.titles(strange)}, newer than Grindstone's table",
            "to be told which branch drives it",
            "set plan_driver to it" + (f", such as plan_driver={newest}" if newest else ""),
            nearest=True,
        )
    if not offers:
        raise _not_offered(request, offered, source)
    minimum = minimum_driver(stack, request.gpus)
    drive = [each for each in offers if _drives_all(request, each, legal)]
    if not drive:
        raise _drives_not_all(request, offers, source)
    new = [
        (each, module)
        for each in drive
        for module in sorted(legal, key=lambda flavour: flavour != each.preferred)
        if each.number >= minimum.branch and module in each.row.module
    ]
    if not new:
        raise _too_old(request, stack, drive, source)
    built = [pair for pair in new if not too_new_a_kernel(request, *pair)]
    if not built:
        raise _will_not_build(request, *new[0], source)
    # NVSwitches need a fabric manager, without which CUDA fails with error 802.
    whole = [pair for pair in built if pair[0].row.fabric_manager or not request.facts.switches]
    if not whole:
        raise _incomplete(request, built[0][0], source, "a fabric manager")
    whole = [pair for pair in whole if pair[0].row.subnet_manager or not request.facts.has_subnet]
    if not whole:
        raise _incomplete(request, built[0][0], source, "a subnet manager for NVLink")
    return whole[0]


def _offered(request: Request, source: Origin) -> list[Offer]:
    """Each branch that the origin offers: first the one that is there."""
    facts = request.facts
    every = [
        Offer(row, branch, module)
        for row in request.matrix.drivers
        if row.is_for(facts, source)
        for branch, module in row.branches.items()
    ]
    there = branch_there(facts) if origin(facts) == source else ""
    return sorted(every, key=lambda each: each.branch != there)


def _drives_all(request: Request, offer: Offer, legal: list[Flavour]) -> bool:
    ours = any(module in offer.row.module for module in legal)
    return ours and all(_drives(request, gpu, offer) for gpu in request.gpus)


def too_new_a_kernel(request: Request, offer: Offer, module: Flavour, *, known: bool = True) -> str:
    """The first kernel of the host that the module does not build for, "" for none.

    known: or, without that, the first that nobody has told of.
    """
    ceiling = _ceiling(offer, module, known=known)
    releases = [kernel.release for kernel in kernels.served(request)]
    return next((each for each in releases if ceiling and leading(each) >= ceiling), "")


def _ceiling(offer: Offer, module: Flavour, *, known: bool) -> tuple[int, ...]:
    """The lowest of the module's ceilings, empty for none."""
    of_it = [
        numbers(row.kernel)
        for row in offer.row.ceilings
        if row.branch == offer.branch and row.module in ("", module) and row.known == known
    ]
    return min(of_it, default=())


def _drives(request: Request, gpu: Gpu, offer: Offer) -> bool:
    return request.matrix.generation(gpu).is_driven_by(offer.number)


def whose(request: Request, source: Origin) -> str:
    """Whose drivers they are; where nobody has asked for NVIDIA's, what has it set up."""
    if source == "distribution":
        return request.system_title
    file = request.facts.packages.repository_files.get("nvidia", "")
    by_file = file and not request.options.driver_origin
    return "NVIDIA's repository" + (f" ({file})" if by_file else "")


def _not_offered(request: Request, offered: list[Offer], source: Origin) -> RefusedError:
    where, branch = whose(request, source), request.options.branch
    if not offered:
        asked = request.options.driver_origin == source
        others = {a for row in _elsewhere(request, source) for a in row.architectures}
        there = f"{listed(sorted(others), 'or')}, which" if others else "a system that"
        return RefusedError(
            f"{request.system_title} on {request.facts.architecture}"
            + (f", and plan_driver_origin={source}" if asked else ""),
            f"{there} {where} has drivers for",
            nearest=True,
        )
    rolling = [each for each in offered if not each.branch.isdigit()]
    if rolling:
        return RefusedError(
            f"plan_driver={branch}",
            f"no branch, as {where} has only the newest",
            rolling[0].row.older.format(branch=branch),
            nearest=True,
        )
    branches = listed([each.branch for each in offered], "or")
    return RefusedError(
        f"plan_driver={branch}", f"a branch that {where} has, {branches}", nearest=True
    )


def _elsewhere(request: Request, source: Origin) -> list[DriverOffer]:
    """What the origin has for the system on any architecture."""
    here = request.facts.distribution
    return [
        row
        for row in request.matrix.drivers
        if (row.system, row.origin) == (here.id, source) and here.version in row.versions
    ]


def older(request: Request, few: Sequence[Gpu]) -> str:
    """How to get the last driver of GPUs that a rolling system's newest does not drive."""
    last = min((request.matrix.generation(gpu).last for gpu in few), default="")
    rows = [row for row in request.matrix.drivers if row.is_for(request.facts, "distribution")]
    for row in rows:
        if row.older and last and int(last) < int(row.at_least or 0):
            return row.older.format(branch=last)
    return ""


def no_module_for_all(request: Request) -> RefusedError:
    """One GPU takes the open module only, another never does."""
    rows = [(gpu, request.matrix.generation(gpu).modules) for gpu in request.gpus]
    only_open = [gpu for gpu, modules in rows if modules == ("open",)]
    never_open = [gpu for gpu, modules in rows if "open" not in modules]
    return RefusedError(
        f"{gpus.titles(only_open)}, which only the open module drives, beside "
        f"{gpus.titles(never_open)}, which it does not drive",
        "GPUs that one module drives",
        "take one of them out, or bind it to vfio-pci",
        nearest=True,
    )


def _will_not_build(
    request: Request, offer: Offer, module: Flavour, source: Origin
) -> FallsShortError:
    first, kernel = (
        dotted(_ceiling(offer, module, known=True)),
        too_new_a_kernel(request, offer, module),
    )
    return FallsShortError(
        f"kernel {kernel}",
        f"one before {first}, which the {module} module of {offer.branch} builds for",
        "boot an older kernel and remove that one",
        why=f"{whose(request, source)}'s driver {offer.branch} does not build for kernel {kernel}",
    )


def _incomplete(request: Request, offer: Offer, source: Origin, part: str) -> FallsShortError:
    have = f"{whose(request, source)}'s driver {offer.branch}"
    return FallsShortError(
        f"{len(request.facts.switches)} NVSwitches, and {have} without {part}",
        "a driver whose packages have one, which the NVSwitches need",
        why=f"{have} has no {part.removeprefix('a ')}, which the NVSwitches need",
    )


def _too_old(request: Request, stack: Stack, below: list[Offer], source: Origin) -> FallsShortError:
    minimum = minimum_driver(stack, request.gpus)
    have = f"{whose(request, source)}'s driver {_branches(below)}"
    return FallsShortError(
        f"{gpus.titles(request.gpus)}, and {have}",
        f"{minimum.version} or newer, which {minimum.by} needs",
        why=f"{have} is older than {minimum.version}, which {stack.title} needs here",
    )


def _branches(offers: Sequence[Offer]) -> str:
    """By their numbers: which of them is there must not change a plan's words."""
    return listed([each.branch for each in sorted(offers, key=lambda each: each.number)], "or")


def _drives_not_all(request: Request, offers: list[Offer], source: Origin) -> FallsShortError:
    matrix, have = request.matrix, _branches(offers)
    out = [
        gpu
        for gpu in request.gpus
        if not any(
            _drives(request, gpu, each)
            and set(matrix.generation(gpu).modules) & set(each.row.module)
            for each in offers
        )
    ]
    culprits = out or list(request.gpus)
    rows = dict.fromkeys(matrix.generation(gpu) for gpu in culprits)
    needs = "; ".join(f"{row.name}: {row.needs}" for row in rows)
    them = "it" if len(out) == 1 else "them all"
    some = len(out) < len(request.gpus)  # without which the others have a driver
    do = "take one of them out, or bind it to vfio-pci" if some else ""
    newest = offers[0].row
    last = matrix.generation(out[0]).last if out else ""
    if newest.at_least:
        have = f"{newest.at_least} and later"
        if newest.older and last:
            do = f"{newest.older.format(branch=last)}, then run the same command again"
    have = f"{whose(request, source)}'s driver {have}"
    return FallsShortError(
        f"{gpus.titles(culprits)}, and {have}",
        f"a branch that drives {them} ({needs})",
        do,
        why=f"{have} does not drive {gpus.chips(culprits)}",
    )
