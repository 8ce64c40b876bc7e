"""What of a driver is on a host, and whose it is."""

from __future__ import annotations

import re

from .host import Host
from .model import Row

WHO = {
    "distribution": "the distribution",
    "nvidia": "NVIDIA's repository",
    "ppa": "a PPA",
    "runfile": "NVIDIA's .run file",
    "unknown": "an unknown source",
    "": "an unknown source",
}
# How a misfit begins that the next boot may mend.
NOT_LOADED, NOT_THE_SAME = PENDING = ("its module is not loaded", "the loaded module is")
# What has NVIDIA's or CUDA's name and is no part of a driver.
_NO_DRIVER = re.compile(
    r"container|docker|toolkit|cudnn|nvidia-cuda-|nvidia-settings|^cuda-(?!drivers)|fabricmanager"
    r"|egl-|nvidia-(prime|detect|support|installer-cleanup|legacy-check|xconfig|vaapi)|-alternative"
    r"|^libnccl|^lib(cu|npp|nvj|nvrtc|nvtool|nvvm)(?!da1|vid)|driver-pinning|^linux-signatures-"
)


def parts(host: Host) -> list[Row]:
    """The driver's installed packages."""
    every = host.found["driver"]["packages"]
    return [package for package in every if not _NO_DRIVER.search(package["name"])]


def is_there(host: Host) -> bool:
    """Whether any part of a driver is on the host."""
    return bool(version_there(host) or parts(host))


def ours(host: Host) -> bool:
    """Whether Grindstone has installed it."""
    owned = host.found["owned"]
    names = {package["name"] for package in parts(host)}
    return "nvidia_driver" in owned["open"] or bool(names & set(owned["packages"]))


def origin(host: Host) -> str:
    """Where it is from; "" where there is none."""
    if not is_there(host):
        return ""
    return str(host.found["driver"]["origin"]) or "unknown"


def version_there(host: Host) -> str:
    """Its version: the loaded module's, else the libraries'."""
    driver = host.found["driver"]
    return str(driver["loaded"] or driver["libraries"])


def branch_there(host: Host) -> str:
    """The branch that is on the disk: what the next boot would load."""
    driver = host.found["driver"]
    return str(driver["branch"] or (driver["libraries"] or driver["loaded"]).split(".")[0])
