"""The container engines of a host, and what gives containers NVIDIA's GPUs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import host_sources
from .host_packages import Package, manager
from .sysroot import exists, inside, json_object

# Debian's package docker is another thing: a dock for windows.
ENGINES = {
    "apt": {"podman": "podman", "docker.io": "docker", "docker-ce": "docker"},
    "pacman": {"podman": "podman", "docker": "docker"},
}
SNAP = "snap/bin/docker"
TOOLKITS = ("nvidia-container-toolkit-base", "nvidia-container-toolkit")
REPOSITORY = "libnvidia-container"
OURS = "grindstone-"
# Where an engine looks for the description of devices (CDI).
SPECIFICATIONS = ("/etc/cdi/nvidia.yaml", "/var/run/cdi/nvidia.yaml", "/run/cdi/nvidia.yaml")
IMAGES = "var/lib/grindstone/images.json"


def look(root: Path, packages: dict[str, Package]) -> dict[str, Any]:
    """The engines, the toolkit, whose repository it is from, and the description of the GPUs."""
    known = ENGINES.get(manager(root), {})
    engines = [
        {"name": known[name], "version": release(packages[name].version), "package": name}
        for name in known
        if name in packages
    ]
    if exists(root / SNAP):
        engines.append({"name": "docker", "version": "", "package": "snap"})
    files = [
        path
        for path, active in host_sources.apt(root).items()
        if REPOSITORY in active and not path.rpartition("/")[2].startswith(OURS)
    ]
    toolkits = [release(packages[name].version) for name in TOOLKITS if name in packages]
    described = [path for path in SPECIFICATIONS if exists(inside(root, path))]
    return {
        "engines": engines,
        "toolkit": toolkits[0] if toolkits else "",
        "repository": files[0] if files else "",
        "cdi": described[0] if described else "",
        "images": images(root),
    }


def release(version: str) -> str:
    """The numbers of a package's version: 28.2.2 of 5:28.2.2-0ubuntu1~24.04.1."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return found.group(1) if found else ""


def images(root: Path) -> dict[str, str]:
    """The images that Grindstone trains in, each with the engine that it has fetched it with.

    "" for one that was there before.
    """
    told = json_object(root / IMAGES)
    return {name: engine for name, engine in told.items() if isinstance(engine, str)}
