"""The conditions of a row (`when`), and the words that it may fill in (`{word}`)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from ...module_utils.host_driver import CMDLINE
from ..dpkg_repair import commands
from ..gpu_stack.options import Options, RefusedError
from ..gpu_stack.resolve import resolve
from ..host_facts import Driver, LibraryPath
from ..requirements import msgspec
from ..versions import dotted
from .host import Host
from .signs import stray_cudnn

PRIME = "/lib/modprobe.d/blacklist-nvidia.conf"  # as Ubuntu's prime-select writes it


def _module_ready(host: Host) -> bool:
    """The running kernel has its module, and so has the next one as far as that is known."""
    has = bool(host.running and host.running.nvidia)
    return has and (host.next is None or bool(host.next.nvidia))


def _finish_packages(host: Host) -> str:
    return " && ".join(f"sudo {command}" for command in commands(host.facts.packages))


def _stray(host: Host) -> LibraryPath:
    """The setting that leads the loader to an older cuDNN."""
    stray = stray_cudnn(host)
    return stray[0] if stray else LibraryPath()


def _nvidia_origin(host: Host) -> bool:
    """Whether NVIDIA's repository has a driver for the system, and for the GPUs if any are known.

    The packages that are there now stand aside: the fix removes what is in the way.
    """
    facts, matrix = host.facts, host.known.matrix
    if not facts.own_gpus:
        return any(
            row.origin == "nvidia"
            and row.system == facts.distribution.id
            and (not facts.distribution.version or facts.distribution.version in row.versions)
            for row in matrix.drivers
        )
    packages = msgspec.structs.replace(facts.packages, half_installed=(), locked=False)
    clean = msgspec.structs.replace(
        facts, packages=packages, driver=Driver(), free_mb=sys.maxsize, free_boot_mb=None
    )
    try:
        resolve(clean, Options(driver_origin="nvidia"), matrix)
    except RefusedError:
        return False
    return True


def _half_installed(host: Host) -> str:
    """Names of packages for a command; none that a shell could take for something else."""
    names = host.facts.packages.half_installed
    return " ".join(name for name in names if re.fullmatch(r"[a-z0-9][a-z0-9.+:-]*", name))


def _stage_advice(host: Host) -> str:
    """The failed stage's own advice, which stands behind what it found."""
    return host.verify.failure.partition(f"{host.failures[0].found}; ")[2] if host.failures else ""


def _process(host: Host) -> str:
    """A program that computes; its name is what the program says it is."""
    for each in host.facts.computing:
        name = each.name if re.fullmatch(r"[\w.+-]+", each.name) else "the process"
        return f"{name} ({each.pid})"
    return ""


def _open_only(host: Host) -> str:
    rows = [row.name for row in host.known.matrix.generations if row.modules == ("open",)]
    return " and ".join(rows)


def _first_open(host: Host) -> str:
    return next(row.name for row in host.known.matrix.generations if "open" in row.modules)


def _wheel_floors(host: Host) -> str:
    releases = list(dict.fromkeys(row.tensorflow for row in host.known.stacks))
    floors = [(release, dotted(host.known.floor(release))) for release in releases]
    return ", ".join(f"{floor} for TensorFlow {release}" for release, floor in floors)


def _newest_pythons(host: Host) -> str:
    pythons = host.known.stacks[0].pythons
    return f"{pythons[0]} to {pythons[-1]}"


def _tame_path(path: str) -> bool:
    """Whether a path may stand in a command as it is."""
    return bool(re.fullmatch(r"/[A-Za-z0-9._/+-]+", path))


def _tame_stray(host: Host) -> bool:
    """Whether the setting may be taken out by a command: its file and its path are tame."""
    stray = _stray(host)
    return _tame_path(stray.file) and _tame_path(stray.path)


SITUATIONS: dict[str, Callable[[Host], bool]] = {
    "own_kernel": lambda host: host.own_kernel,
    "not_loaded": lambda host: not host.facts.driver.loaded,
    "wants_gpu": lambda host: host.wants_gpu,
    "not_computing": lambda host: not host.computes,
    "wsl": lambda host: host.facts.wsl,
    "container": lambda host: bool(host.facts.container),
    "ubuntu": lambda host: host.facts.distribution.id == "ubuntu",
    "pacman": lambda host: host.facts.packages.manager == "pacman",
    "pacman_locked": lambda host: host.facts.packages.locked,
    "nvidia_origin": _nvidia_origin,
    "has_blacklist": lambda host: (
        _tame_path(host.facts.driver.blacklisted) and host.facts.driver.blacklisted != CMDLINE
    ),
    "blacklisting_prime": lambda host: host.facts.driver.blacklisted == PRIME,
    "half_installed": lambda host: (
        _half_installed(host) == " ".join(host.facts.packages.half_installed or ["-"])
    ),
    "runfile": lambda host: host.facts.driver.origin == "runfile",
    "module_ready": _module_ready,
    "key_staged": lambda host: host.facts.secure_boot.staged,
    "has_key": lambda host: _tame_path(host.facts.secure_boot.key),
    "interrupted_run": lambda host: bool(host.facts.owned.open),
    "no_interrupted_run": lambda host: not host.facts.owned.open,
    "gpu_in_use": lambda host: bool(host.facts.computing),
    "knows_gpus": lambda host: bool(host.capable),
    "release_fits": lambda host: bool(host.capable and host.known.fitting(host.capable)),
    "ldconfig_entry": lambda host: (
        _tame_stray(host) and _stray(host).file.startswith("/etc/ld.so.conf.d/")
    ),
    "profile_entry": _tame_stray,
    "has_stage_advice": lambda host: bool(_stage_advice(host)),
}
WORDS: dict[str, Callable[[Host], str]] = {
    "finish_packages": _finish_packages,
    "loaded": lambda host: host.facts.driver.loaded,
    "key": lambda host: host.facts.secure_boot.key,
    "process": _process,
    "fitting_release": lambda host: host.known.fitting(host.capable),
    "path": lambda host: _stray(host).path,
    "file": lambda host: _stray(host).file,
    "stage_advice": _stage_advice,
    "half_installed": _half_installed,
    "blacklist": lambda host: host.facts.driver.blacklisted,
    "open_only": _open_only,
    "first_open": _first_open,
    "highest_capability": lambda host: dotted(host.known.highest),
    "wheel_floors": _wheel_floors,
    "last_cudnn": lambda host: host.known.last_cudnn[0],
    "cudnn_floor": lambda host: dotted(host.known.last_cudnn[1]),
    "newest_release": lambda host: host.known.stacks[0].tensorflow,
    "newest_pythons": _newest_pythons,
}
