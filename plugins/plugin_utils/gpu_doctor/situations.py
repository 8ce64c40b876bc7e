"""What a row may hang on (`when`), and the words that it may fill in (`{word}`)."""

from __future__ import annotations

from collections.abc import Callable

from ..host_facts import LibraryPath
from ..unfinished import commands
from ..versions import dotted
from .host import Host


def _module_ready(host: Host) -> bool:
    """The running kernel has its module, and so has the next one as far as that is known."""
    has = bool(host.running and host.running.nvidia)
    return has and (host.next is None or bool(host.next.nvidia))


def _finish_packages(host: Host) -> str:
    return " && ".join(f"sudo {command}" for command in commands(host.facts.packages))


def _stray(host: Host) -> LibraryPath:
    """The first setting that leads the loader elsewhere."""
    return next(iter(host.facts.library_path), LibraryPath())


def _stage_advice(host: Host) -> str:
    """The failed stage's own advice, which stands behind what it found."""
    return host.verify.failure.partition(f"{host.failures[0].found}; ")[2] if host.failures else ""


def _process(host: Host) -> str:
    return next((f"{each.name} ({each.pid})" for each in host.facts.computing), "")


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


SITUATIONS: dict[str, Callable[[Host], bool]] = {
    "own_kernel": lambda host: host.own_kernel,
    "not_loaded": lambda host: not host.facts.driver.loaded,
    "wants_gpu": lambda host: host.wants_gpu,
    "not_computing": lambda host: not host.computes,
    "wsl": lambda host: host.facts.wsl,
    "container": lambda host: bool(host.facts.container),
    "pacman": lambda host: host.facts.packages.manager == "pacman",
    "pacman_locked": lambda host: host.facts.packages.locked,
    "half_installed": lambda host: bool(host.facts.packages.half_installed),
    "runfile": lambda host: host.facts.driver.origin == "runfile",
    "module_ready": _module_ready,
    "key_staged": lambda host: host.facts.secure_boot.staged,
    "has_key": lambda host: bool(host.facts.secure_boot.key),
    "interrupted_run": lambda host: bool(host.facts.owned.open),
    "no_interrupted_run": lambda host: not host.facts.owned.open,
    "gpu_in_use": lambda host: bool(host.facts.computing),
    "release_fits": lambda host: bool(host.known.fitting(host.capable)),
    "ldconfig_entry": lambda host: _stray(host).file.startswith("/etc/ld.so.conf.d/"),
    "profile_entry": lambda host: bool(_stray(host).file),
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
    "open_only": _open_only,
    "first_open": _first_open,
    "highest_capability": lambda host: dotted(host.known.highest),
    "wheel_floors": _wheel_floors,
    "last_cudnn": lambda host: host.known.last_cudnn[0],
    "cudnn_floor": lambda host: dotted(host.known.last_cudnn[1]),
    "newest_release": lambda host: host.known.stacks[0].tensorflow,
    "newest_pythons": _newest_pythons,
}
