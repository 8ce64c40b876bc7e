"""CUDA and cuDNN on a host, outside of Grindstone's own environment, and who put them there."""

from __future__ import annotations

import re
from pathlib import Path

from .host_packages import Package
from .sysroot import inside, json_object, names, text

# Where libraries lie that belong to no toolkit, and their headers.
SYSTEM = {"/usr/lib/x86_64-linux-gnu": "/usr/include", "/usr/local/lib": "/usr/local/include"}
PARTS = ("MAJOR", "MINOR", "PATCHLEVEL")


def cuda(root: Path, packages: dict[str, Package]) -> list[dict[str, str]]:
    """The toolkits: `version` such as "12.5", `path` and `origin`."""
    found = []
    for path, version in toolkits(root).items():
        dashed = path.rpartition("cuda-")[2].replace(".", "-")
        of_package = any(re.match(rf"cuda-.*-{dashed}$", each) for each in packages)
        origin = "nvidia" if of_package else "runfile"
        found.append({"version": version, "path": path, "origin": origin})
    if "nvidia-cuda-toolkit" in packages:
        version = ".".join(packages["nvidia-cuda-toolkit"].version.split(".")[:2])
        found.append({"version": version, "path": "/usr", "origin": "distribution"})
    if "cuda" in packages and (root / "opt/cuda").is_dir():
        version = ".".join(packages["cuda"].version.split(".")[:2])
        found.append({"version": version, "path": "/opt/cuda", "origin": "distribution"})
    return found


def toolkits(root: Path) -> dict[str, str]:
    """The folders of /usr/local that are toolkits, each once, with the toolkit's version."""
    found: dict[str, str] = {}
    seen = set()
    # /usr/local/cuda is mostly a link to one of the others.
    for name in sorted(names(root / "usr/local"), key=lambda name: (name == "cuda", name)):
        match = re.match(r"cuda(?:-(\d+\.\d+))?$", name)
        folder = inside(root, f"/usr/local/{name}")
        if match and folder.is_dir() and folder not in seen:
            seen.add(folder)
            version = _version(folder) or match.group(1)
            if version:
                found[f"/usr/local/{name}"] = version
    return found


def _version(folder: Path) -> str:
    """What a toolkit says of itself: version.json since CUDA 11.1, version.txt before."""
    told = json_object(folder / "version.json").get("cuda")
    whole = str(told.get("version", "")) if isinstance(told, dict) else ""
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
    places = {f"{path}/lib64": f"{path}/include" for path in toolkits(root)}
    if not found:
        places.update(SYSTEM)
    for place, headers in places.items():
        there = _libraries(root, place, headers)
        found += [{"version": version, "path": place, "origin": "runfile"} for version in there]
    return found


def _libraries(root: Path, place: str, headers: str) -> list[str]:
    """The versions of cuDNN in a folder, by its files' names, else by its header."""
    lying = names(inside(root, place))
    matches = [re.match(r"libcudnn\.so\.(\d+)((?:\.\d+)*)$", name) for name in lying]
    there = [match.group(1) + match.group(2) for match in matches if match]
    whole = [version for version in there if "." in version]
    if whole or not there:
        return whole
    for name in ("cudnn_version.h", "cudnn.h"):
        told = text(inside(root, f"{headers}/{name}"))
        numbers = [re.search(rf"#define CUDNN_{part}\s+(\d+)", told) for part in PARTS]
        version = ".".join(number.group(1) for number in numbers if number)
        if version.partition(".")[0] in there:
            return [version]
    return there
