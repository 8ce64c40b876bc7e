"""The host's kernels: which of them get NVIDIA's module, and by which packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ...module_utils.kernel_names import flavour_of
from ..host_facts import Kernel
from .options import RefusedError
from .request import Request
from .rows import KernelLine


def line(request: Request, kernel: Kernel) -> KernelLine | None:
    """The system's row for the kernel; none where it is somebody else's, or built here."""
    if kernel.package == "" or kernel.foreign:
        return None
    for row in request.system.kernels:
        if re.fullmatch(row.releases, kernel.release):
            known = followed(request, kernel, row) or row.own_headers
            return row if known else None
    return None


def followed(request: Request, kernel: Kernel, row: KernelLine) -> bool:
    """Whether an installed package keeps the kernel's line up to date, so that it has a newest."""
    if not has(row.flavours, flavour(kernel, row), request):
        return False
    return kernel.metas is None or bool(kernel.metas) or kernel.package == kernel.flavour


def flavour(kernel: Kernel, row: KernelLine) -> str:
    """The flavour that the system's packages are named after: "generic" of "virtual"."""
    return _alias(kernel.flavour, row)


def _alias(flavour: str, row: KernelLine) -> str:
    for alias, name in row.aliases.items():
        if re.fullmatch(alias, flavour):
            return re.sub(alias, name, flavour)
    return flavour


def has(patterns: Iterable[str], name: str, request: Request) -> bool:
    """Whether the flavour is one of those, in the system's version."""
    version = request.facts.distribution.version
    return any(fnmatchcase(name, each.format(version=version)) for each in patterns)


def served(request: Request) -> list[Kernel]:
    """The kernels that are to have the module.

    Not those that it is not made for, and not what an upgrade has left: a kernel that does not boot
    next, has no headers, and is followed by no package.
    """
    kernels = request.facts.kernels
    return [
        kernel
        for kernel in kernels.installed
        if not kernel.realtime
        and (kernel.headers or kernel.release == kernels.next or _follows(request, kernel))
    ]


def _follows(request: Request, kernel: Kernel) -> bool:
    row = line(request, kernel)
    return row is not None and followed(request, kernel, row)


def name(request: Request, kernel: Kernel) -> str:
    """What its packages are named after: its flavour; its release where nothing follows it."""
    row = line(request, kernel)
    if row and followed(request, kernel, row):
        return flavour(kernel, row)
    return kernel.release


def compiled(request: Request, patterns: Sequence[str]) -> list[str]:
    """What the package of each kernel's compiled module is named after; none where one has none."""
    names = [_compiled(request, kernel, patterns) for kernel in served(request)]
    return list(dict.fromkeys(names)) if all(names) else []


def _compiled(request: Request, kernel: Kernel, patterns: Sequence[str]) -> str:
    """The kernel's line, where there are modules by its name; else its release."""
    row = line(request, kernel)
    if row is None:
        return ""
    lines = (kernel.flavour, flavour(kernel, row)) if followed(request, kernel, row) else ()
    named = [each for each in lines if has(patterns, each, request)]
    of_release = has(patterns, flavour_of(kernel.release), request)
    return named[0] if named else kernel.release if of_release else ""


def packages_to_hold(request: Request) -> tuple[str, ...]:
    """The packages that would bring a kernel without its module: what is installed of them."""
    names: list[str] = []
    for kernel in served(request):
        names += kernel.metas or filter(None, [kernel.package])
    return tuple(dict.fromkeys(names))


def headers(request: Request) -> dict[str, bool]:
    """The packages that bring every kernel's headers, and whether their headers are there.

    Raises:
        RefusedError: a kernel has none, and no package of the system's brings them.
    """
    found: dict[str, bool] = {}
    for kernel in served(request):
        row = line(request, kernel)
        for package in _headers(request, kernel, row):
            found[package] = found.get(package, True) and kernel.headers
        if row is None and not kernel.headers:
            raise _without_headers(request, kernel)
    return found


def _without_headers(request: Request, kernel: Kernel) -> RefusedError:
    """A kernel of somebody else's: whoever packs one packs its headers beside it."""
    name = request.system.foreign_headers.format(release=kernel.release, package=kernel.package)
    by_package = f"install their package (as a rule {name}), or " if kernel.package else ""
    return RefusedError(
        f"kernel {kernel.release} without its headers",
        f"a kernel of {request.system.name}'s, or one whose headers are there",
        f"{by_package}lay them where /lib/modules/{kernel.release}/build points",
        nearest=True,
    )


def _headers(request: Request, kernel: Kernel, row: KernelLine | None) -> list[str]:
    if row is None:
        return []
    if not followed(request, kernel, row):
        return [] if kernel.headers else [_own_headers(kernel, row)]
    of_line = [each for each in served(request) if name(request, each) == name(request, kernel)]
    newest = row.headers.format(kernel=name(request, kernel))
    # The line's package brings those of its newest; an older one may be the one to boot.
    own = kernel != of_line[-1] and kernel.release == request.facts.kernels.next
    if own and row.own_headers and not kernel.headers:
        return [newest, _own_headers(kernel, row)]
    return [newest]


def _own_headers(kernel: Kernel, row: KernelLine) -> str:
    """The package of one kernel's headers: those of azure for azure-fde."""
    own = flavour_of(kernel.release)
    release = kernel.release.removesuffix(own) + _alias(own, row)
    return row.own_headers.format(release=release)


def must_be_driven(request: Request) -> None:
    """Raises RefusedError where a kernel is for machines on which NVIDIA's module drives no GPU."""
    for kernel in served(request):
        row = line(request, kernel)
        if row and row.undriven:
            raise RefusedError(
                f"kernel {kernel.release}, {row.undriven}",
                "a machine that NVIDIA's module is made for",
                "use another, or install a driver of your own that works here",
                nearest=True,
            )


def must_not_be_realtime(request: Request) -> None:
    """Raises RefusedError where a PREEMPT_RT kernel is in the way: NVIDIA's module refuses it."""
    kernels = request.facts.kernels
    realtime = [kernel for kernel in kernels.installed if kernel.realtime]
    booted = [each for each in realtime if each.release in (kernels.next, kernels.running)]
    others = [kernel.release for kernel in kernels.installed if not kernel.realtime]
    # DKMS builds for every kernel that has headers, and fails with the first that it cannot.
    for kernel in booted or [each for each in realtime if each.headers]:
        if not others:
            do = "install another kernel and boot it"
        elif kernel.release == kernels.next:
            do = (
                f"have {others[-1]} boot by default (GRUB_DEFAULT in /etc/default/grub), or remove "
                f"{kernel.release}"
            )
        elif kernel in booted:
            do = f"boot {kernels.next}"
        else:
            do = f"remove the headers of {kernel.release}"
        raise RefusedError(
            f"kernel {kernel.release}, which is built with PREEMPT_RT",
            "a kernel that NVIDIA's module is made for, which that is not",
            f"{do}, then run the same command again",
            nearest=True,
        )
