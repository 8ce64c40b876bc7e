"""Whether apt's preferences let a driver's packages in: apt_preferences(5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..host_facts import Archive, Pin
from .offers import Offer
from .options import RefusedError
from .request import Request
from .rows import DriverOffer, Origin

_USUAL = 500  # the priority of what no pin is of
# Regular expressions whose search is no long one, for a bundle may hold any.
_REGEX = re.compile(r"/\^?([\w-]|\\?\.|\.\*){1,60}\$?/")
# A distribution's domain, and its archive's host there; the pocket security has a host of its name.
_ARCHIVES = {"ubuntu": ("ubuntu.com", "archive"), "debian": ("debian.org", "deb")}
_SECURITY = "security"
_OF_NVIDIA = "/nvidia-driver-pinning-"  # its own packages of pins, one of which is there at most


class KeptOutError(RefusedError):
    """A pin keeps a package out."""


@dataclass(frozen=True)
class _Place:
    """An archive's suite.

    release: what its Release file says of it, by apt's letters.  perhaps: what else it may be
    called there.  security: whether all that it has is elsewhere too.
    """

    host: str
    release: dict[str, str]
    perhaps: tuple[str, ...] = ()
    security: bool = False


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
    """A pin that keeps the package out, where there is one of every place that has it.

    Of a few packages or of a host it is enough that one place is kept out, for what is taken from
    the others is of another version then than what is needed from there.  The security archive
    alone is not needed: all that it has is in the others.
    """
    places = _places(request, row.origin, row)
    found = [_at(place, request, row, branch, name) for place in places]
    if all(found):
        return found[0]
    parts = (pin for pin, place in zip(found, places, strict=True) if pin and not place.security)
    return next(
        (pin for pin in parts if pin.packages != "*" or pin.pin.startswith("origin ")), None
    )


def _at(place: _Place, request: Request, row: DriverOffer, branch: str, name: str) -> Pin | None:
    """The pin that keeps it out of the place.

    The first that fits counts, one of all packages last.
    """
    every = request.facts.packages.pins
    if row.first:  # NVIDIA's package of pins replaces another
        every = tuple(pin for pin in every if _OF_NVIDIA not in pin.file)
    own = [pin for pin in every if _is_of(pin.packages, name, branch)]
    for pin in [*own, *(pin for pin in every if pin.packages == "*")]:
        if _fits(pin, place, branch):
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
    places = _places(request, other) if there and pin.packages != "*" else []
    return any(_fits(pin, place, branch) for place in places)


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


def _places(request: Request, origin: Origin, row: DriverOffer | None = None) -> list[_Place]:
    """Where the origin's driver is: the distribution's as far as the sources have that, each."""
    if origin == "nvidia":
        return [_Place("developer.download.nvidia.com", {"o": "NVIDIA", "l": "NVIDIA CUDA"})]
    codename = request.facts.distribution.codename
    pockets = (row.pockets if row else ()) or ("", "updates", _SECURITY)
    suites = {f"{codename}-{each}".rstrip("-"): each for each in pockets}
    told = [each for each in request.facts.packages.archives if each.suite in suites]
    domain, host = _ARCHIVES.get(request.system.id, ("", ""))
    usual = [
        Archive(suite, f"{pocket if pocket == _SECURITY else host}.{domain}")
        for suite, pocket in suites.items()
    ]
    return [_place(request, each, suites[each.suite]) for each in told or usual]


def _place(request: Request, archive: Archive, pocket: str) -> _Place:
    """What the Release file of that suite says of itself.

    Ubuntu's all have the release's codename.  Which of Debian's is the stable one is not known.
    """
    here, debian = request.facts.distribution, request.system.id == "debian"
    name = request.system.name
    return _Place(
        archive.host,
        {
            "o": name,
            "l": f"{name}-Security" if debian and pocket == _SECURITY else name,
            "n": archive.suite if debian else here.codename,
            "a": archive.suite,
            "c": "non-free" if debian else "restricted",
            "v": here.version,
        },
        tuple(f"{each}-{pocket}".rstrip("-") for each in ("stable", "oldstable") if debian),
        security=pocket == _SECURITY,
    )


def _fits(pin: Pin, place: _Place, branch: str) -> bool:
    """Whether the pin is of that branch of what is there."""
    kind, _space, said = pin.pin.partition(" ")
    if kind == "version":
        return _is(said, f"{branch}.999.99-9") and not said.startswith("/")
    if kind == "origin":
        return _is(said.strip('"'), place.host)
    terms = [term.strip().partition("=") for term in said.split(",")]
    return kind == "release" and all(
        _holds(pin, place, key, value) for key, _equals, value in terms
    )


def _holds(pin: Pin, place: _Place, key: str, value: str) -> bool:
    """Whether a term of a pin is true there; what is not known lets in, and keeps nothing out."""
    known = [each for each in (place.release.get(key, ""),) if each]
    if key == "v" and known:
        known.append(f"{known[0]}.1")
    if key == "a" and pin.priority >= 0:
        known += place.perhaps
    return key == "*" or any(_is(value, each) for each in known)


def _is(pattern: str, name: str) -> bool:
    """By apt's patterns: a glob, or a regular expression between slashes."""
    if _REGEX.fullmatch(pattern):
        return bool(re.search(pattern[1:-1], name))
    return fnmatchcase(name, pattern)
