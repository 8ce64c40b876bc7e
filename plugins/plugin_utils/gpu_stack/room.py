"""What a host needs before anything is installed: room, and a package manager that is free."""

from __future__ import annotations

from ..host_facts import HostFacts
from ..unfinished import commands
from .options import RefusedError
from .request import Request
from .stack_rows import TITLES, Stack

_BOOT_MB = 200  # an initramfs with NVIDIA's modules beside the one that it replaces


def for_tensorflow(request: Request, stack: Stack) -> None:
    """Raises RefusedError where the disk is too small for the environment."""
    free = request.facts.free_mb
    if free < stack.disk_mb:
        raise RefusedError(
            f"{free / 1000:.1f} GB free for {request.options.prefix}",
            f"{stack.disk_mb / 1000:.1f} GB for {TITLES[stack.framework]}",
            "free some, or set plan_prefix to a folder on a larger disk",
        )


def in_boot(request: Request) -> None:
    """Raises RefusedError where /boot has no room for another initramfs."""
    free = request.facts.free_boot_mb
    if free is not None and free < _BOOT_MB:
        raise RefusedError(
            f"{free} MB free for /boot",
            f"{_BOOT_MB} MB for the initramfs with the driver",
            f"{request.system.free_boot}, then run the same command again",
        )


def in_the_package_manager(facts: HostFacts) -> None:
    """Raises RefusedError where it was interrupted: somebody's work, unless a run of ours was."""
    if facts.owned.open:
        return
    finished = "a package manager that has finished its work"
    half = facts.packages.half_installed
    if half:
        do = " && ".join(commands(facts.packages))
        raise RefusedError(
            f"{', '.join(half)} half installed",
            finished,
            f"run `{do}`, then the same command again",
        )
    if facts.packages.locked:
        do = "run `rm /var/lib/pacman/db.lck`, then the same command again"
        raise RefusedError("pacman's lock without a pacman", finished, do)
