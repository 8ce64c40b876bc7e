"""Where a host's packages come from: apt's sources and preferences, and pacman's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .sysroot import inside, names, text

OFF = re.compile(r"^Enabled:\s*(no|false|0)\b", re.MULTILINE | re.IGNORECASE)
# Of no packages that are installed: sources, in one line or as a stanza's only type.
SOURCES = re.compile(r"^[ \t]*deb-src[ \t].*\n?", re.MULTILINE)
TYPES = re.compile(r"^Types:(.*(?:\n[ \t].*)*)", re.MULTILINE)
# NVIDIA's host for China and mirrors of it have the same folders; its local installers unpack one.
NVIDIAS = re.compile(r"/compute/cuda/repos/|file:/+var/(cuda-repo|nvidia-driver-local-repo)-")
PPA = re.compile(r"ppa\.launchpad(?:content)?\.net/([\w.+-]+)/([\w.+-]+)")
ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s*)?\S+\s+(\S+)", re.MULTILINE)
DEB822 = re.compile(r"^Suites:(.*(?:\n[ \t].*)*)", re.MULTILINE)
# Its address, its suite and its components; and the same of a stanza.
ENTRY = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)[ \t]+(\S+)[ \t]+(\S.*)$", re.MULTILINE)
FIELDS = re.compile(r"^(URIs|Suites|Components):(.*(?:\n[ \t].*)*)", re.MULTILINE)
HOST = re.compile(r"[\w+]+://(?:[^/@]*@)?([^/:]+)")
WITH_DRIVERS = {"restricted", "non-free"}  # Ubuntu's component, and Debian's
PUBLIC = re.compile(r"\b(ubuntu\.com|debian\.org)$")
# apt_preferences(5): the names of files that are read, and the fields.
PREFERENCES = re.compile(r"^[\w-][\w.-]*\.pref$|^[\w-]+$")
PIN = re.compile(r"^(Package|Pin|Pin-Priority):(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
OWN_PINS = "grindstone-nvidia"
# Of an archive that has no drivers, and whose name is nobody's business.
OTHERS = re.compile(
    r"origin (?!.*(nvidia\.com|ubuntu\.com|debian\.org))"
    r"|release .*\b[ol]=(?!Ubuntu|Debian|NVIDIA|LP-PPA|[*/])"
)
# How the addresses of Arch's own mirrors end; Manjaro's are others.
OF_ARCH = "/$repo/os/$arch"


def apt(root: Path) -> dict[str, str]:
    """The files of apt's sources, each with what of it counts."""
    folder = "etc/apt/sources.list.d"
    files = ["etc/apt/sources.list", *(f"{folder}/{name}" for name in names(root / folder))]
    found = {}
    for name in files:
        if name.endswith((".list", ".sources")):
            said = re.sub(r"^[ \t]*#.*\n?", "", text(root / name) + "\n", flags=re.MULTILINE)
            stanzas = re.split(r"\n[ \t]*\n", SOURCES.sub("", said))
            found[f"/{name}"] = "\n\n".join(filter(_counts, stanzas))
    return found


def _counts(stanza: str) -> bool:
    """Whether packages are taken from a stanza: it is on, and of packages, not their sources."""
    types = TYPES.search(stanza)
    return not OFF.search(stanza) and (types is None or "deb" in types.group(1).split())


def repositories(root: Path) -> dict[str, str]:
    """The foreign sources of drivers by name, `nvidia` or `ppa:graphics-drivers`, each its file."""
    found: dict[str, str] = {}
    for path, active in apt(root).items():
        if NVIDIAS.search(active):
            found.setdefault("nvidia", path)
        for owner, archive in PPA.findall(active):
            name = owner if archive == "ppa" else f"{owner}/{archive}"  # as add-apt-repository does
            if "graphics" in owner or "nvidia" in name:
                found.setdefault(f"ppa:{name}", path)
    return found


def suites(root: Path) -> list[str]:
    """Which suites apt takes packages from, such as `noble-updates`; or which of Arch's pacman."""
    found: set[str] = set()
    for active in apt(root).values():
        found.update(ONE_LINE.findall(active))
        found.update(word for words in DEB822.findall(active) for word in words.split())
    return sorted(found | _of_arch(root))


def _of_arch(root: Path) -> set[str]:
    """The repositories of pacman's that come from Arch's mirrors, as far as that is told."""
    found = set()
    parts = re.split(r"^\s*\[([\w.-]+)\]\s*$", text(root / "etc/pacman.conf"), flags=re.MULTILINE)
    for name, body in zip(parts[1::2], parts[2::2]):  # noqa: B905 (strict= came with 3.10)
        servers = re.findall(r"^\s*Server\s*=\s*(\S+)", body, re.MULTILINE)
        for include in re.findall(r"^\s*Include\s*=\s*(\S+)", body, re.MULTILINE):
            folder, pattern = include.rpartition("/")[::2]
            for each in names(inside(root, folder)):
                if fnmatchcase(each, pattern):
                    said = text(inside(root, f"{folder}/{each}"))
                    servers += re.findall(r"^\s*Server\s*=\s*(\S+)", said, re.MULTILINE)
        if name != "options" and all(server.endswith(OF_ARCH) for server in servers):
            found.add(name)
    return found


def archives(root: Path) -> list[dict[str, str]]:
    """The distribution's archives that have the driver: each `suite`, and the `host` it is from.

    A mirror's name is told only where a pin is of it.
    """
    named = [pin["pin"] for pin in pins(root)]
    return [
        {
            "suite": suite,
            "host": host if PUBLIC.search(host) or any(_is_of(p, host) for p in named) else "",
        }
        for suite, host in _archives(root)
    ]


def _archives(root: Path) -> list[tuple[str, str]]:
    """The suites with their hosts."""
    found = set()
    for active in apt(root).values():
        entries = ENTRY.findall(active)
        for stanza in re.split(r"\n[ \t]*\n", active):
            told = dict(FIELDS.findall(stanza))
            addresses, suites_of_it = told.get("URIs", ""), told.get("Suites", "")
            components = told.get("Components", "")
            entries += [(a, s, components) for a in addresses.split() for s in suites_of_it.split()]
        for address, suite, components in entries:
            host = HOST.match(address)
            if host and WITH_DRIVERS.intersection(components.split()):
                found.add((suite, host.group(1)))
    return sorted(found)


def _is_of(pin: str, host: str) -> bool:
    """Whether a pin is of the host."""
    kind, _space, said = pin.partition(" ")
    return kind == "origin" and fnmatchcase(host, said.strip('"'))


def pins(root: Path) -> list[dict[str, Any]]:
    """What apt's preferences say, in the order in which apt reads them.

    Not Grindstone's own, nor what they say of archives without drivers.
    """
    folder = "etc/apt/preferences.d"
    hosts = [host for _suite, host in _archives(root)]
    named = [each for each in names(root / folder) if PREFERENCES.match(each) and each != OWN_PINS]
    return [
        {"file": f"/{name}", **pin}
        for name in ["etc/apt/preferences", *(f"{folder}/{each}" for each in named)]
        for pin in _pins(text(root / name))
        if not OTHERS.match(pin["pin"]) or any(_is_of(pin["pin"], host) for host in hosts)
    ]


def _pins(said: str) -> Iterator[dict[str, Any]]:
    said = re.sub(r"^[ \t]*#.*\n?", "", said + "\n", flags=re.MULTILINE)
    for stanza in re.split(r"\n[ \t]*\n", said):
        told = {name.lower(): " ".join(value.split()) for name, value in PIN.findall(stanza)}
        priority = told.get("pin-priority", "")
        pin = told.get("pin", "")
        if told.get("package") and re.match(r"[+-]?\d+$", priority):
            yield {"packages": told["package"], "pin": pin, "priority": int(priority)}
