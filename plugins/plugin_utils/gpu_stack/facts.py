"""The facts in one shape: a key that a host does not tell has its empty value."""

from __future__ import annotations

import re
from typing import Any

from .model import Facts

_EMPTY: dict[str, Any] = {
    "distribution": {"id": "", "name": "an unknown system", "version": "", "codename": ""},
    "architecture": "",
    "kernel": "",
    "wsl": False,
    "container": "",
    "glibc": "",
    "pythons": [],
    "environment": {"python": "", "tensorflow": "", "cudnn": None},  # None: not looked at
    "free_mb": 0,
    "free_boot_mb": None,
    "gpus": [],
    "other_gpus": [],
    "laptop": False,
    "desktop": False,
    "machine": "",
    "kernels": {"running": "", "next": "", "installed": []},
    "driver": {
        "loaded": "",
        "loaded_flavour": "",
        "libraries": "",
        "nouveau": False,
        "nouveau_blacklisted": False,
        "origin": "",
        "branch": "",
        "packages": [],
        "devices": [],
        "uvm": False,
    },
    "secure_boot": {"state": "no efi", "key": "", "enrolled": False, "staged": False},
    "cuda": [],
    "cudnn": [],
    "packages": {
        "manager": "",
        "held": [],
        "half_installed": [],
        "locked": False,
        "repositories": [],
        "unattended_upgrades": False,
    },
    "processes": [],
    "owned": {"open": [], "packages": []},
}
_GPU = {
    "address": "",
    "device": "",
    "chip": "",
    "generation": "",
    "compute_capability": "",
    "name": "",
    "bound": "",
}
_KERNEL: dict[str, Any] = {
    "release": "",
    "package": "",
    "flavour": "",
    "headers": False,
    "nvidia": {},
}


def normalised(found: Facts) -> Facts:
    """`found` with every key that the resolver reads."""
    whole = _filled(found, _EMPTY)
    whole["gpus"] = [{**_GPU, **gpu} for gpu in whole["gpus"]]
    kernels = whole["kernels"]
    running = kernels["running"] or whole["kernel"]
    installed = [{**_KERNEL, **kernel} for kernel in kernels["installed"]]
    for kernel in installed:
        kernel["flavour"] = kernel["flavour"] or flavour_of(kernel["release"])
    if not installed and running:
        installed = [{**_KERNEL, "release": running, "flavour": flavour_of(running)}]
    whole["kernels"] = {
        "running": running,
        "next": kernels["next"] or running,
        "installed": installed,
    }
    return whole


def _filled(found: Facts, empty: Facts) -> Facts:
    result = {**empty, **found}
    for key, value in empty.items():
        if isinstance(value, dict) and key != "kernels":
            result[key] = {**value, **(found.get(key) or {})}
    result["kernels"] = {**empty["kernels"], **(found.get("kernels") or {})}
    return result


def flavour_of(release: str) -> str:
    """A kernel's flavour by its release, as Debian, Ubuntu and Arch name them.

    >>> [flavour_of(name) for name in ("6.1.0-50-cloud-amd64", "6.18.1-arch1-1", "6.12.60-1-lts")]
    ['cloud-amd64', 'linux', 'linux-lts']
    """
    if re.search(r"-arch\d+-\d+$", release):
        return "linux"
    of_arch = re.search(r"-\d+-(lts|zen|hardened)$", release)
    if of_arch:
        return f"linux-{of_arch.group(1)}"
    return re.sub(r"^[\d.]+(\+deb\d+)?(-\d+)*-?", "", release)
