"""The kernels of a host: which runs, which boots next, which have headers and NVIDIA's module."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .host_driver import modprobe
from .host_packages import KERNEL, Package
from .kernel_module import fields
from .kernel_names import flavour_of, is_realtime
from .sysroot import exists, inside, names, text

# Debian's module is called nvidia-current, and nvidia-current-open where it is the open one.
MODULE = re.compile(r"^nvidia(-current|-tesla|-legacy)?(-\d+(xx)?)?(-open)?\.ko(\.(xz|zst|gz))?$")
CHOSEN = re.compile(r"^install\s+nvidia\s+modprobe\s+-i\s+(nvidia\S*)", re.MULTILINE)
# The packages that bring the newest kernel of a flavour; Proxmox has one for each series.
META = re.compile(r"linux-image-([a-z][a-z0-9.-]*)$|(?:proxmox|pve)-kernel-(\d+\.\d+)$")
IMAGES = (
    "linux-image-{}",
    "linux-image-unsigned-{}",
    "linux-image-{}-unsigned",
    "proxmox-kernel-{}-signed",
    "proxmox-kernel-{}",
    "pve-kernel-{}-signed",
    "pve-kernel-{}",
)
# Entries of other systems, as os-prober and systemd-boot name them, and the firmware's own menu.
OTHER_SYSTEM = re.compile(
    r"windows|osprober|\(on /dev/|macos|uefi-firmware|UEFI Firmware", re.IGNORECASE
)
LICENCES = {"NVIDIA": "proprietary", "Dual MIT/GPL": "open"}


def look(root: Path, running: str, packages: dict[str, Package]) -> dict[str, Any]:
    """The kernels, oldest first.  `packages` are those of `host_packages.installed`."""
    modules = inside(root, "/lib/modules")
    releases = [name for name in names(modules) if _bootable(root, modules / name)]
    releases.sort(key=order)
    installed = [_kernel(root, modules / release, packages) for release in releases]
    return {
        "running": running,
        "next": next_to_boot(root, running, installed),
        "other_system": other_system(root),
        "installed": installed,
    }


def order(release: str) -> list[Any]:
    """A key that sorts releases as GRUB does: numbers by value."""
    parts = re.findall(r"\d+|[^\d]+", release)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def _bootable(root: Path, folder: Path) -> bool:
    """Whether there is a kernel to those modules."""
    return exists(root / f"boot/vmlinuz-{folder.name}") or exists(folder / "vmlinuz")


def _kernel(root: Path, folder: Path, packages: dict[str, Package]) -> dict[str, Any]:
    release = folder.name
    modules = "/" + str(folder.relative_to(root)) if folder != root else ""
    return {
        "release": release,
        **_origin(folder, release, packages),
        "realtime": is_realtime(release, text(root / f"boot/config-{release}")),
        "headers": bool(names(inside(root, f"{modules}/build"))),
        "nvidia": module(root, folder),
    }


def _origin(folder: Path, release: str, packages: dict[str, Package]) -> dict[str, Any]:
    """The package that the kernel is from, its flavour, and the packages that keep it up to date.

    Nothing is said of the packages where the package manager tells none.
    """
    base = text(folder / "pkgbase")  # Arch's kernels say it themselves
    if base:
        return {"package": base, "flavour": base, "metas": [], "foreign": False}
    flavour = flavour_of(release)
    if not packages:
        return {"package": None, "flavour": flavour, "metas": None, "foreign": False}
    package = next((name for name in (i.format(release) for i in IMAGES) if name in packages), "")
    metas = _metas(package, flavour, packages)
    followed = [match.group(1) or match.group(2) for match in map(META.match, metas) if match]
    return {
        "package": package,
        "flavour": flavour if flavour in followed else (followed or [flavour])[0],
        "metas": metas,
        "foreign": bool(package) and packages[package].origin == "foreign",
    }


def _metas(package: str, flavour: str, packages: dict[str, Package]) -> list[str]:
    """The installed packages that bring the newest kernel of this one's line."""
    if not package:
        return []
    every = {
        name: re.split(r"[ ,|]+", told.depends)
        for name, told in sorted(packages.items())
        if META.match(name)
    }
    direct = [name for name, depends in every.items() if package in depends]
    if direct:
        return direct
    # It depends on the newest of its line only.  The others have the same source; but Ubuntu's
    # hardware enablement has another with each version.
    source = packages[package].source
    of_line = []
    for name, depends in every.items():
        newest = next((each for each in depends if KERNEL.match(each)), "")
        if newest and _release_flavour(newest) == flavour:
            of_newest = packages[newest].source if newest in packages else ""
            same = "-hwe" in source if "-hwe-" in name else source == of_newest
            of_line += [name] if same else []
    return of_line


def _release_flavour(package: str) -> str:
    return flavour_of(re.sub(r"^[a-z-]+?-(?=\d)|-(un)?signed$", "", package))


def module(root: Path, folder: Path) -> dict[str, str]:
    """NVIDIA's module for a kernel: its `version`, `flavour` and `path`; none where it has none."""
    found = []
    for place, _folders, files in os.walk(folder):
        found += [Path(place, name) for name in files if MODULE.match(name)]
    if not found:
        return {}
    # Where Debian has both flavours, an alternative of glx says what modprobe loads; else depmod
    # takes the one in updates/ before any other (depmod.d(5)).
    chosen = CHOSEN.findall("\n".join(modprobe(root)))
    path = min(
        found,
        key=lambda each: (
            each.name.split(".")[0] not in chosen,
            "updates" not in each.relative_to(folder).parts,
            str(each),
        ),
    )
    told = _told(path)
    return {
        "version": told.get("version", ""),
        "flavour": LICENCES.get(told.get("license", ""), ""),
        "path": "/" + str(path.relative_to(root)),
    }


def _told(path: Path) -> dict[str, str]:
    """What NVIDIA's module says of itself.

    To ask a compressed one, all of it has to be unpacked: a second for each kernel with Debian 13's
    xz.  Its part for screens says the same, is made by the same build, and has a thirtieth of that.
    """
    if path.suffix == ".ko":
        return fields(path)
    part = path.with_name(path.name.replace(".ko", "-modeset.ko", 1))
    return (fields(part) if exists(part) else {}) or fields(path)


def next_to_boot(root: Path, running: str, installed: list[dict[str, Any]]) -> str:
    """The kernel that a reboot would start: what the boot loader names, else its newest."""
    releases = [kernel["release"] for kernel in installed]
    if not releases:
        return running
    of_arch = [kernel for kernel in installed if kernel["package"] == kernel["flavour"] != ""]
    chosen = _default_entry(root)
    if of_arch:
        return _next_of_arch(running, of_arch, _starts(root, chosen))
    # The longest, for one release may be the start of another.
    named = [release for release in releases if release in chosen]
    return max(named, key=len) if named else str(releases[-1])


def other_system(root: Path) -> str:
    """The boot loader's entry that a reboot would start, where it is another system's."""
    chosen = _default_entry(root)
    return chosen if OTHER_SYSTEM.search(chosen) else ""


def _starts(root: Path, chosen: str) -> str:
    """What the boot loader's entry starts: as systemd-boot's own files say, else its name.

    Of a pattern of names, systemd-boot takes the last that fits.
    """
    folder = root / "boot/loader/entries"
    fitting = [each for each in names(folder) if chosen and _fits(each, chosen)]
    said = text(folder / fitting[-1]) if fitting else ""
    return "\n".join(re.findall(r"^linux\s+(\S+)", said, re.MULTILINE)) or chosen


def _fits(entry: str, chosen: str) -> bool:
    return any(fnmatchcase(entry, pattern) for pattern in (chosen, f"{chosen}.conf"))


def _next_of_arch(running: str, kernels: list[dict[str, Any]], starts: str) -> str:
    """Arch keeps one kernel of each flavour: what the boot loader names, else the running one's.

    An upgrade takes the running kernel's folder away; then its release's end tells the flavour.
    Where none does, it is the stock one's.
    """
    whole = r"(?<![A-Za-z]){}(?![a-z0-9])"
    named = [
        each for each in kernels if re.search(whole.format(re.escape(each["flavour"])), starts)
    ]
    if named:
        return str(max(named, key=lambda each: len(each["flavour"]))["release"])
    like = [each for each in kernels if running.endswith(each["flavour"].replace("linux", "", 1))]
    flavour = max((each["flavour"] for each in like), key=len, default="linux")
    flavour = next((each["flavour"] for each in kernels if each["release"] == running), flavour)
    fitting = [kernel["release"] for kernel in kernels if kernel["flavour"] == flavour]
    return str(fitting[-1] if fitting else kernels[-1]["release"])


def _default_entry(root: Path) -> str:
    """What GRUB or systemd-boot are told to boot, "" for their first entry."""
    saved = text(root / "boot/grub/grubenv")
    parts = [name for name in names(root / "etc/default/grub.d") if name.endswith(".cfg")]
    files = ["grub", *(f"grub.d/{name}" for name in parts)]  # what comes later counts
    said = "\n".join(text(root / "etc/default" / name) for name in files)
    told = re.findall(r"^GRUB_DEFAULT=(.*)$", said, re.MULTILINE)
    default = told[-1].strip("\"' ") if told else ""
    if default == "saved":
        kept = re.search(r"^saved_entry=(.+)$", saved, re.MULTILINE)
        default = kept.group(1) if kept else "0"
    once = re.search(r"^next_entry=(.+)$", saved, re.MULTILINE)
    if once:  # `grub-reboot`
        default = once.group(1)
    if re.match(r"[1-9]\d*$", default):
        return _first_level(text(root / "boot/grub/grub.cfg"), int(default))
    if re.match(r"\d+>\d+$", default):
        return _entry(text(root / "boot/grub/grub.cfg"), *map(int, default.split(">")))
    loader = re.search(r"^default\s+(.*)$", text(root / "boot/loader/loader.conf"), re.MULTILINE)
    return default or (loader.group(1) if loader else "")


def _first_level(menu: str, number: int) -> str:
    """The title of an entry of grub.cfg, counted from 0, "" where it is not or is a submenu."""
    found = re.findall(r"^(menuentry|submenu)\s+['\"]([^'\"]*)", menu, re.MULTILINE)
    word, title = found[number] if number < len(found) else ("", "")
    return title if word == "menuentry" else ""


def _entry(menu: str, first: int, second: int) -> str:
    """The title of an entry in a submenu of grub.cfg, both counted from 0, "" where it is not."""
    submenus: list[list[str]] = []
    for indent, word, title in re.findall(
        r"^(\s*)(menuentry|submenu)\s+['\"]([^'\"]*)", menu, re.MULTILINE
    ):
        if word == "submenu" or not indent:
            submenus.append([])
        elif submenus:
            submenus[-1].append(title)
    inner = submenus[first] if first < len(submenus) else []
    return inner[second] if second < len(inner) else ""
