"""The driver that is on a host: its packages, its version, and where it is from."""

from __future__ import annotations

import re

from ..host_facts import HostFacts, Package

WHO = {
    "distribution": "the distribution",
    "nvidia": "NVIDIA's repository",
    "ppa": "a PPA",
    "runfile": "NVIDIA's .run file",
    "unknown": "an unknown source",
    "": "an unknown source",
}
# How a misfit begins that the next boot may repair.
NOT_LOADED, NOT_THE_SAME = PENDING = ("its module is not loaded", "the loaded module is")
# What has NVIDIA's or CUDA's name and is no part of a driver.
_NO_DRIVER = re.compile(
    r"container|docker|toolkit|cudnn|nvidia-cuda-|nvidia-settings|^cuda-(?!drivers)|fabricmanager"
    r"|egl-|nvidia-(prime|detect|support|installer-cleanup|legacy-check|xconfig|vaapi)|-alternative"
    r"|^libnccl|^lib(cu|npp|nvj|nvrtc|nvtool|nvvm)(?!da1|vid)|driver-pinning|^linux-signatures-"
)


def parts(facts: HostFacts) -> list[Package]:
    """The driver's installed packages."""
    return [each for each in facts.driver.packages if not _NO_DRIVER.search(each.name)]


def is_there(facts: HostFacts) -> bool:
    """Whether any part of a driver is on the host."""
    return bool(version_there(facts) or parts(facts))


def ours(facts: HostFacts) -> bool:
    """Whether Grindstone has installed it."""
    names = {package.name for package in parts(facts)}
    return "nvidia_driver" in facts.owned.open or bool(names & set(facts.owned.packages))


def origin(facts: HostFacts) -> str:
    """Where it is from; "" where there is none."""
    return (facts.driver.origin or "unknown") if is_there(facts) else ""


def version_there(facts: HostFacts) -> str:
    """Its version: the loaded module's, else the libraries'."""
    return facts.driver.loaded or facts.driver.libraries


def branch_there(facts: HostFacts) -> str:
    """The branch that is on the disk: what the next boot would load."""
    driver = facts.driver
    return driver.branch or (driver.libraries or driver.loaded).split(".")[0]
