"""CUDA and cuDNN on a host, outside of Grindstone's own environment, and who put them there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .host_files import inside, names, text
from .host_packages import Package


def cuda(root: Path, packages: dict[str, Package]) -> list[dict[str, str]]:
    """The toolkits: `version` such as "12.5", `path` and `origin`."""
    found = []
    for name in names(root / "usr/local"):
        folder = root / "usr/local" / name
        match = re.match(r"cuda-(\d+\.\d+)$", name)
        if match and folder.is_dir() and not folder.is_symlink():
            dashed = match.group(1).replace(".", "-")
            of_package = any(re.match(rf"cuda-.*-{dashed}$", each) for each in packages)
            version = _version(folder) or match.group(1)
            origin = "nvidia" if of_package else "runfile"
            found.append({"version": version, "path": f"/usr/local/{name}", "origin": origin})
    if "nvidia-cuda-toolkit" in packages:
        version = ".".join(packages["nvidia-cuda-toolkit"].version.split(".")[:2])
        found.append({"version": version, "path": "/usr", "origin": "distribution"})
    if "cuda" in packages and (root / "opt/cuda").is_dir():
        version = ".".join(packages["cuda"].version.split(".")[:2])
        found.append({"version": version, "path": "/opt/cuda", "origin": "distribution"})
    return found


def _version(folder: Path) -> str:
    """What a toolkit says of itself: version.json since CUDA 11.1, version.txt before."""
    try:
        told = json.loads(text(folder / "version.json") or "{}")
        whole = str(told.get("cuda", {}).get("version", ""))
    except (ValueError, AttributeError):
        whole = ""
    old = re.search(r"CUDA Version (\S+)", text(folder / "version.txt"))
    return ".".join((whole or (old.group(1) if old else "")).split(".")[:2])


def cudnn(root: Path, packages: dict[str, Package]) -> list[dict[str, str]]:
    """The cuDNN libraries: `version` as far as it is known, `path` and `origin`."""
    found = []
    for name, package in sorted(packages.items()):
        if re.match(r"libcudnn\d+(-cuda-\d+)?$", name) or name == "cudnn":
            version = package.version.split("-")[0]
            origin = "distribution" if name == "cudnn" else "nvidia"
            found.append({"version": version, "path": "/usr/lib", "origin": origin})
    owned = bool(found)
    toolkits = [f"/usr/local/{name}/lib64" for name in names(root / "usr/local") if "cuda" in name]
    places = toolkits if owned else [*toolkits, "/usr/lib/x86_64-linux-gnu", "/usr/local/lib"]
    for place in places:
        if (root / place.lstrip("/")).parent.is_symlink():
            continue  # /usr/local/cuda is another name of one of the others
        for name in names(inside(root, place)):
            match = re.match(r"libcudnn\.so\.(\d+(?:\.\d+)+)$", name)
            if match:
                found.append({"version": match.group(1), "path": place, "origin": "runfile"})
    return found
