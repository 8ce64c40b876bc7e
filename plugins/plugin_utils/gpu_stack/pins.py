"""Whether apt's preferences let a driver's packages in: apt_preferences(5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..host_facts import Pin
from .offers import Offer
from .options import RefusedError
from .request import Request
from .rows import DriverOffer, Origin

_USUAL = 500  # the priority of what no pin is of
# Regular expressions whose search is no long one, for a bundle may hold any.
_REGEX = re.compile(r"/\^?([\w-]|\\?\.|\.\*){1,60}\$?/")
_NVIDIAS = ("developer.download.nvidia.com",)
# A distribution's own archives: their domain, and what their hosts' names begin with.
_ARCHIVES = {
    "ubuntu": ("ubuntu.com", ("archive", "security")),
    "debian": ("debian.org", ("deb", "security")),
}
_OF_NVIDIA = "/nvidia-driver-pinning-"  # its own packages of pins, one of which is there at most


class KeptOutError(RefusedError):
    """A pin keeps a package out."""


def must_let_in(request: Request, offer: Offer, names: Sequence[str], where: str) -> None:
    """Raises KeptOutError where a pin keeps one of a driver's packages out that are not there yet.

    where: whose packages they are, in words.
    """
    there = {package.name for package in request.facts.driver.packages}
    for name in names:
        pin = None if name in there else _against(request, offer.row, offer.branch, name)
        if pin:
            raise KeptOutError(
                f"{pin.file}, which keeps {where}'s {name} out (Pin: "
                f"{pin.pin}, Pin-Priority: {pin.priority})",
                "packages that apt may take",
                f"take that pin out of {pin.file}, then run the same command again",
                nearest=True,
            )


def _against(request: Request, row: DriverOffer, branch: str, name: str) -> Pin | None:
    """The pin that keeps the package out; the first that fits counts, one of all packages last."""
    every = request.facts.packages.pins
    if row.first:  # NVIDIA's package of pins replaces another
        every = tuple(pin for pin in every if _OF_NVIDIA not in pin.file)
    own = [pin for pin in every if _is_of(pin.packages, name, branch)]
    for pin in [*own, *(pin for pin in every if pin.packages == "*")]:
        if _fits(pin, request, row.origin, branch):
            return pin if pin.priority < 0 else None
        if pin.priority > _USUAL and _prefers_another(pin, request, row, branch, name):
            return pin
    return None


def _prefers_another(pin: Pin, request: Request, row: DriverOffer, branch: str, name: str) -> bool:
    """Whether what the pin prefers takes the package's place: another branch's, or origin's."""
    version = re.match(r"version (\d{3})\b", pin.pin)
    if version:
        return branch not in name and version[1] != branch  # with it the name is another's
    other: Origin = "distribution" if row.origin == "nvidia" else "nvidia"
    there = other == "distribution" or other in request.facts.packages.repositories
    return there and pin.packages != "*" and _fits(pin, request, other, branch)


def _is_of(packages: str, name: str, branch: str) -> bool:
    """Whether the package is one of those, by its name or its source's."""
    sources = [f"nvidia-graphics-drivers{end}" for end in ("", f"-{branch}", f"-{branch}-server")]
    for word in packages.split():
        pattern = re.sub(r":(any|all|native|amd64|arm64|\*)$", "", word)
        source = pattern.startswith("src:")
        names = sources if source else [name]
        if pattern != "*" and any(_is(pattern.removeprefix("src:"), each) for each in names):
            return True
    return False


def _fits(pin: Pin, request: Request, origin: Origin, branch: str) -> bool:
    """Whether the pin is of that branch of the origin's driver."""
    kind, _, said = pin.pin.partition(" ")
    if kind == "version":
        return _is(said, f"{branch}.999.99-9") and not said.startswith("/")
    if kind == "origin":
        domain, hosts = _ARCHIVES.get(request.system.id, ("", ()))
        own = _NVIDIAS if origin == "nvidia" else [f"{host}.{domain}" for host in hosts]
        return any(_is(said.strip('"'), host) for host in own)
    told = _release(request, origin, lets_in=pin.priority >= 0)
    terms = [term.strip().partition("=") for term in said.split(",")]
    return kind == "release" and all(
        key == "*" or any(_is(value, each) for each in told.get(key, ())) for key, _, value in terms
    )


def _release(request: Request, origin: Origin, *, lets_in: bool) -> dict[str, tuple[str, ...]]:
    """What the Release files of the origin's archive say of themselves, by apt's letters.

    lets_in: one of its suites is enough; to keep the driver out, it has to be the release's own.
    """
    here = request.facts.distribution
    if origin == "nvidia":
        return {"o": ("NVIDIA",), "l": ("NVIDIA CUDA",)}
    name, release = (request.system.name,), (here.codename,)
    suites = tuple(f"{here.codename}-{each}" for each in ("updates", "security")) if lets_in else ()
    return {
        "o": name,
        "l": name,
        "n": (*release, *suites),
        "a": (*release, *suites, *(("stable", "oldstable") if lets_in else ())),
        "c": ("non-free", "restricted"),
        "v": (here.version, f"{here.version}.1"),
    }


def _is(pattern: str, name: str) -> bool:
    """By apt's patterns: a glob, or a regular expression between slashes."""
    if _REGEX.fullmatch(pattern):
        return bool(re.search(pattern[1:-1], name))
    return fnmatchcase(name, pattern)
