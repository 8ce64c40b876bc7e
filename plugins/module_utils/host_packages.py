"""What is installed on a host, from its package manager's own files: dpkg's or pacman's."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from . import host_sources
from .sysroot import exists, inside, names, text


class Package(NamedTuple):
    """wanted: "hold" or "install"; state: dpkg's word, "installed" by pacman; origin: see below.

    A kernel that somebody else has built is of the origin "foreign".
    source: the source package, where dpkg tells it.  error: dpkg's word, "reinstreq" or "ok".
    """

    version: str
    wanted: str
    state: str
    depends: str
    origin: str
    source: str = ""
    error: str = "ok"


# What a driver, CUDA or a kernel is made of; only their origins and holds matter here.
DRIVER = re.compile(
    r"^(nvidia-(?!cuda|cudnn|cufft|nccl|container|docker)|nvidia$|libnvidia-(?!container)|libcuda1"
    r"|linux-(modules|objects|signatures)-nvidia|xserver-xorg-video-nvidia|cuda-drivers"
    r"|firmware-nvidia-(?!graphics)|egl-wayland$)"  # nouveau's own firmware is -graphics
)
# That of NVIDIA's container toolkit offers none.
OFFERS_DRIVERS = re.compile(
    r"^Package: (nvidia-(driver|open|dkms)|cuda-drivers|libnvidia-compute)", re.MULTILINE
)
KERNEL = re.compile(r"(linux-image(-unsigned)?|(proxmox|pve)-kernel)-\d")
MAKERS = re.compile(
    r"@([\w.-]+\.)?(debian\.org|ubuntu\.com|canonical\.com|proxmox\.com|raspberrypi\.com)>"
)
CONCERNED = re.compile(r"nvidia|cuda|cudnn|^linux-|^linux$")
FIELDS = re.compile(
    r"^(Package|Architecture|Status|Version|Depends|Source|Maintainer): (.*)$", re.MULTILINE
)
GONE = ("config-files", "not-installed")
# pacman's database is theirs while they run.  Linux keeps 15 letters of a name.
PACMANS = {"pacman", "packagekitd", "pamac-daemon", "pamac-manager"}
FINE = ("installed", *GONE)
# The words of a repository's Release file, and the part of its address where it has none.
FOREIGN = {"NVIDIA": "nvidia", "LP-PPA": "ppa"}
# What graphics-drivers' PPA and Lambda Stack have in their versions, whose names are Ubuntu's:
# 580.95.05-0ubuntu0~gpu24.04.1, 580.105.08-0lambda0.22.04.1.
MARKS = {"~gpu": "ppa", "-0lambda": "unknown"}
ADDRESSES = {"developer.download.nvidia.com": "nvidia", "ppa.launchpad": "ppa"}


def known(root: Path) -> dict[str, Package]:
    """The packages by their names, with those that are half there or have left configuration.

    One of a foreign architecture is named with it: `libcuda1:i386`.
    """
    if exists(root / "var/lib/dpkg/status"):
        return _dpkg(root)
    return _pacman(root)


def installed(packages: dict[str, Package]) -> dict[str, Package]:
    """Those of `known` that are there, if only by half."""
    return {name: package for name, package in packages.items() if package.state not in GONE}


def _dpkg(root: Path) -> dict[str, Package]:
    found = {}
    stanzas = re.split(r"\n\n+", text(root / "var/lib/dpkg/status"))
    every = [dict(FIELDS.findall(stanza)) for stanza in stanzas]
    # dpkg itself is of the architecture that needs no name.
    native = next((each.get("Architecture") for each in every if each.get("Package") == "dpkg"), "")
    for told in every:
        words = told.get("Status", "").split()
        if "Package" in told and len(words) == 3:
            architecture = told.get("Architecture", "all")
            foreign = bool(native) and architecture not in ("all", native)
            name = told["Package"] + (f":{architecture}" if foreign else "")
            found[name] = Package(
                told.get("Version", ""),
                words[0],
                words[2],
                told.get("Depends", ""),
                _maker(name, told.get("Maintainer", "")),
                told.get("Source", "").split(" ")[0],
                words[1],
            )
    concerned = {name: package for name, package in found.items() if DRIVER.search(name)}
    for name, origin in _foreign(root, concerned).items():
        found[name] = found[name]._replace(origin=origin)
    return found


def _maker(name: str, maintainer: str) -> str:
    """Whose package it is, by who maintains it: NVIDIA's, or a kernel of somebody else's."""
    if "@nvidia.com>" in maintainer:
        return "nvidia"
    somebody = KERNEL.match(name) and maintainer and not MAKERS.search(maintainer)
    return "foreign" if somebody else "distribution"


def _foreign(root: Path, packages: dict[str, Package]) -> dict[str, str]:
    """The origins of those packages that a repository offers which is not the distribution's.

    Where apt has lost or packed its lists, NVIDIA's own are still known by their maintainer.
    """
    origins = {
        name: origin
        for name, package in packages.items()
        for mark, origin in MARKS.items()
        if mark in package.version
    }
    if not packages:
        return origins
    for path, origin in lists(root).items():
        for stanza in re.split(r"\n\n+", text(path)):
            offered = dict(FIELDS.findall(stanza))
            name = offered.get("Package", "")
            for each in (name, f"{name}:{offered.get('Architecture', '')}"):
                if each in packages and packages[each].version == offered.get("Version"):
                    origins[each] = origin
    return origins


def lists(root: Path) -> dict[Path, str]:
    """The lists that apt has of foreign repositories, by their origin."""
    folder = root / "var/lib/apt/lists"
    files = names(folder)
    found = {}
    for name in files:
        if not re.search(r"_(Packages|InRelease|Release)$", name):
            continue
        foreign = next((kind for part, kind in ADDRESSES.items() if name.startswith(part)), "")
        if not name.endswith("_Packages"):
            told = re.search(r"^Origin: (.*)$", text(folder / name), re.MULTILINE)
            word = told.group(1) if told else ""
            foreign = next(
                (kind for part, kind in FOREIGN.items() if word.startswith(part)), foreign
            )
            start = re.sub(r"_?(InRelease|Release)$", "", name)
        else:
            start = name
        if foreign:
            of_it = [
                each
                for each in files
                if each.startswith((start + "_", name)) and each.endswith("_Packages")
            ]
            found.update({folder / each: foreign for each in of_it})
    return found


def _pacman(root: Path) -> dict[str, Package]:
    found = {}
    ignored = _ignored(root)
    folder = root / "var/lib/pacman/local"
    for entry in names(folder):
        match = re.match(r"(.+)-([^-]+-[^-]+)$", entry)
        if not match:
            continue
        name, version = match.groups()
        origin = "distribution"
        if CONCERNED.search(name):
            # A package that was built here, as from the AUR, carries no signature.
            validation = re.search(
                r"^%VALIDATION%\n(.*)", text(folder / entry / "desc"), re.MULTILINE
            )
            origin = "unknown" if validation and validation.group(1) == "none" else origin
        held = any(fnmatchcase(name, pattern) for pattern in ignored)
        wanted = "hold" if held else "install"
        found[name] = Package(version, wanted, "installed", "", origin)
    return found


def _ignored(root: Path) -> set[str]:
    """The packages of pacman's IgnorePkg, which may be patterns."""
    ignored: set[str] = set()
    paths = ["/etc/pacman.conf"]
    for path in paths:  # grows by what is included
        said = text(inside(root, path))
        for value in re.findall(r"^\s*IgnorePkg\s*=\s*(.*)$", said, re.MULTILINE):
            ignored.update(value.split())
        for value in re.findall(r"^\s*Include\s*=\s*(\S+)\s*$", said, re.MULTILINE):
            folder, pattern = value.rpartition("/")[::2]
            files = [each for each in names(inside(root, folder)) if fnmatchcase(each, pattern)]
            paths += [f"{folder}/{each}" for each in files if f"{folder}/{each}" not in paths]
    return ignored


def manager(root: Path) -> str:
    """`apt`, `pacman` or neither."""
    if exists(root / "var/lib/dpkg/status"):
        return "apt"
    return "pacman" if exists(root / "var/lib/pacman") else ""


def look(root: Path, packages: dict[str, Package]) -> dict[str, Any]:
    """What the package manager is in the middle of, and what it must not change."""
    held = [name for name, package in packages.items() if package.wanted == "hold"]
    unfinished = half_installed(root, packages)
    files = host_sources.repositories(root)
    offered = {kind for path, kind in lists(root).items() if OFFERS_DRIVERS.search(text(path))}
    kinds = dict.fromkeys(offered - {"ppa"}, "")
    return {
        "manager": manager(root),
        "held": sorted(name for name in held if CONCERNED.search(name)),
        "half_installed": unfinished,
        "unfinished": [
            {"name": name, "status": _status(packages[name])}
            for name in unfinished
            if name in packages
        ],
        "locked": locked(root),
        "repositories": sorted({**kinds, **files}),
        "repository_files": files,
        "suites": host_sources.suites(root),
        "archives": host_sources.archives(root),
        "pins": host_sources.pins(root),
        "unattended_upgrades": "unattended-upgrades" in packages
        and packages["unattended-upgrades"].state == "installed",
    }


def _status(package: Package) -> str:
    """As dpkg's status file has it: "install reinstreq half-installed"."""
    return f"{package.wanted} {package.error} {package.state}"


def half_installed(root: Path, packages: dict[str, Package]) -> list[str]:
    """What dpkg has begun and not finished."""
    half = [
        name
        for name, package in packages.items()
        if package.state not in FINE or package.error != "ok"
    ]
    # dpkg numbers what it has not written to its status yet; tmp.i may stay for good.
    if any(name.isdigit() for name in names(root / "var/lib/dpkg/updates")):
        half.append("dpkg's journal")
    return sorted(half)


def half_recorded(root: Path) -> list[Path]:
    """The entries of pacman's database that it has not finished: it writes `files` last."""
    folders = [each for each in (root / "var/lib/pacman/local").glob("*") if each.is_dir()]
    return sorted(folder for folder in folders if not exists(folder / "files"))


def locked(root: Path) -> bool:
    """Whether pacman's database is locked by nobody: a power cut has left the lock behind."""
    return exists(root / "var/lib/pacman/db.lck") and not _runs(root, PACMANS)


def _runs(root: Path, programs: set[str]) -> bool:
    """Whether a process of one of those names runs there, and not in a container or a chroot.

    One that only waits to be reaped does not.
    """
    processes = [root / "proc" / name for name in names(root / "proc") if name.isdigit()]
    return any(
        text(process / "comm") in programs
        and not re.search(r"^State:\s+Z", text(process / "status"), re.MULTILINE)
        and _is_in(root, process)
        for process in processes
    )


def _is_in(root: Path, process: Path) -> bool:
    try:
        return (process / "root").samefile(root)
    except OSError:  # another user's: it may be
        return True
