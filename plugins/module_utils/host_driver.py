"""NVIDIA's driver on a host: what is loaded, what is on the disk, and where it came from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .host_packages import DRIVER, Package
from .sysroot import exists, inside, link, names, text

LIBRARIES = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu/nvidia/current",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu/nvidia/current",
    "usr/lib64",
    "usr/lib",
    "usr/lib/wsl/lib",
    # Where NVIDIA's device plugin for Kubernetes and others mount the driver of a container's host.
    "usr/local/nvidia/lib64",
    "run/opengl-driver/lib",  # NixOS, and what it passes to containers
    ".singularity.d/libs",  # Apptainer and Singularity with --nv
)
VERSIONED = re.compile(r"libcuda\.so\.(\d+(?:\.\d+)+)$")
NEIGHBOUR = re.compile(r"libnvidia-\S+\.so\.(\d{3}\.\d+(?:\.\d+)?)$")
OWN_VARIABLES = "proc/self/environ"
INSTALLER = "usr/bin/nvidia-uninstall"  # only NVIDIA's .run file leaves it
DAEMONS = re.compile(
    r"^(nvidia-persiste|nv-hostengine|nvidia-smi|nvidia-powerd|dcgm|nvidia-fabric)"
)
DISPLAYS = re.compile(
    r"^(Xorg|Xwayland|X$|gnome-|kwin|plasma|sddm|gdm|lightdm|weston|sway|Hyprland|mutter|cinnamon)"
)
NO_NOUVEAU = re.compile(
    r"^\s*(blacklist\s+nouveau\b|install\s+nouveau\s+\S*/(false|true)\b)", re.MULTILINE
)
NO_NVIDIA = re.compile(
    r"^\s*(blacklist\s+nvidia|alias\s+nvidia\s+off|install\s+nvidia\s+\S*/(false|true))\s*$",
    re.MULTILINE,
)
FABRIC_MANAGER = "etc/systemd/system/multi-user.target.wants/nvidia-fabricmanager.service"
VGPU_MANAGER = "usr/bin/nvidia-vgpu-mgr"
SUBNET_MANAGER = "opt/nvidia/nvlsm/sbin/nvlsm"
OFF_AT_BOOT = r"\b(modprobe\.|module_)blacklist=(\S+,)?{}(,|\s|$)"
CMDLINE = "/proc/cmdline"
# What says whose a driver is; tools of it may be of another origin.
MAINS = re.compile(r"libcuda1|compute|kernel|dkms|driver(?!-pinning)|utils|-nvidia-|open|^nvidia$")
STRONGEST = ("runfile", "nvidia", "ppa", "unknown", "distribution")


def look(root: Path, kernels: dict[str, Any], packages: dict[str, Package]) -> dict[str, Any]:
    """What is known of the driver, "" or empty for what is not there."""
    version, flavour = loaded(root)
    parts = [
        {"name": name, "version": package.version, "origin": package.origin}
        for name, package in sorted(packages.items())
        if DRIVER.search(name)
    ]
    library = libraries(root)
    of_modules = [kernel["nvidia"].get("version", "") for kernel in kernels["installed"]]
    # First what is on the disk, which the next boot loads.
    known = [name for name in [library, *reversed(of_modules), version] if name]
    return {
        "loaded": version,
        "loaded_flavour": flavour,
        "libraries": library,
        "nouveau": (root / "sys/module/nouveau").is_dir(),
        "nouveau_blacklisted": nouveau_blacklisted(root),
        "blacklisted": blacklisted(root),
        "fabric_manager": bool(link(root / FABRIC_MANAGER)),
        "subnet_manager": exists(root / SUBNET_MANAGER),
        "vgpu_manager": exists(root / VGPU_MANAGER),
        "origin": origin(root, parts) if (known or parts) and library != "1.1" else "",
        "branch": _branch(known, parts),
        "packages": parts,
        "devices": [f"/dev/{name}" for name in names(root / "dev") if name.startswith("nvidia")],
        "uvm": exists(root / "dev/nvidia-uvm"),
    }


def loaded(root: Path) -> tuple[str, str]:
    """The loaded module's version and flavour (compare `cat /proc/driver/nvidia/version`)."""
    said = text(root / "proc/driver/nvidia/version")
    version = re.search(r"Kernel Module\b.*?\s(\d+\.\d+(?:\.\d+)?)\s", said + " ")
    if not version:
        return "", ""
    return version.group(1), "open" if "Open Kernel Module" in said else "proprietary"


def libraries(root: Path) -> str:
    """The version of libcuda on the disk (compare `ls /usr/lib/*/libcuda.so.*`)."""
    found = (_library(root, folder) for folder in (*LIBRARIES, *_loader_folders(root)))
    return next(filter(None, found), "")


def _library(root: Path, folder: str) -> str:
    """The version of a folder's libcuda."""
    # What programs open comes first, which may be a link to another folder; beside it may lie
    # what another driver has left.
    opened = inside(root, f"{folder}/libcuda.so.1")
    others = [inside(root, f"{folder}/{name}") for name in reversed(names(inside(root, folder)))]
    told = [VERSIONED.match(path.name) for path in (opened, *others) if exists(path)]
    if not any(told) and exists(opened):  # a file by that very name, as Apptainer binds it
        told = [NEIGHBOUR.match(path.name) for path in others]
    return next((match.group(1) for match in told if match), "")


def _loader_folders(root: Path) -> list[str]:
    """The folders that the loader is told of besides, by its settings and by LD_LIBRARY_PATH."""
    settings = root / "etc/ld.so.conf.d"
    files = [settings / name for name in names(settings) if name.endswith(".conf")]
    said = "\n".join(map(text, (root / "etc/ld.so.conf", *files)))
    variables = dict(each.partition("=")[::2] for each in text(root / OWN_VARIABLES).split("\0"))
    paths = variables.get("LD_LIBRARY_PATH", "").split(":")
    return [*re.findall(r"^\s*/(\S+)", said, re.MULTILINE), *filter(None, paths)]


def nouveau_blacklisted(root: Path) -> bool:
    """Whether a file of modprobe's or the kernel's own command line keeps nouveau out."""
    said = "\n".join(modprobe(root))
    return bool(NO_NOUVEAU.search(said)) or _off_at_boot(root, "nouveau")


def _off_at_boot(root: Path, module: str) -> bool:
    return bool(re.search(OFF_AT_BOOT.format(module), text(root / CMDLINE[1:])))


def blacklisted(root: Path) -> str:
    """What keeps NVIDIA's module out: a file of modprobe's, such as prime-select's, or CMDLINE."""
    files = modprobe_files(root)
    by_file = next((path for path, said in files.items() if NO_NVIDIA.search(said)), "")
    return by_file or (CMDLINE if _off_at_boot(root, "nvidia") else "")


def modprobe(root: Path) -> list[str]:
    """The texts of modprobe's files."""
    return list(modprobe_files(root).values())


def modprobe_files(root: Path) -> dict[str, str]:
    """Modprobe's files with their texts; one hides those of its name in a later folder."""
    found: dict[str, tuple[str, str]] = {}
    for folder in ("/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"):
        for name in names(inside(root, folder)):
            if name.endswith(".conf"):
                path = f"{folder}/{name}"
                found.setdefault(name, (path, text(inside(root, path))))
    return dict(found.values())


def origin(root: Path, parts: list[dict[str, str]]) -> str:
    """Where the driver came from; of several, the one that is furthest from the distribution's."""
    mains = [part for part in parts if MAINS.search(part["name"])]
    found = {part["origin"] for part in mains or parts}
    if exists(root / INSTALLER):
        found.add("runfile")
    return next((name for name in STRONGEST if name in found), "unknown")


def _branch(versions: list[str], parts: list[dict[str, str]]) -> str:
    """The branch, such as "580": of what is there, else of the packages."""
    # What is left of a foreign architecture is no driver.
    mains = [
        part["version"] for part in parts if MAINS.search(part["name"]) and ":" not in part["name"]
    ]
    told = versions + [re.sub(r"^\d+:", "", version) for version in mains]
    numbers = [re.match(r"\d{3}(?=\.|$|-)", version) for version in told]
    return next((number.group() for number in numbers if number), "")


def processes(root: Path) -> list[dict[str, Any]]:
    """The processes that hold one of NVIDIA's devices (compare `fuser -v /dev/nvidia*`)."""
    found = []
    for pid in names(root / "proc"):
        folder = root / "proc" / pid / "fd"
        if pid.isdigit() and any(_device(folder / number) for number in names(folder)):
            name = text(root / "proc" / pid / "comm")
            found.append({"pid": int(pid), "name": name, "kind": _kind(name)})
    return sorted(found, key=lambda process: process["pid"])


def _device(path: Path) -> bool:
    return bool(re.match(r"/dev/nvidia(\d|-uvm)", link(path)))


def _kind(name: str) -> str:
    if DAEMONS.match(name):
        return "daemon"
    return "display" if DISPLAYS.match(name) else "compute"
