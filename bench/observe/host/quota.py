"""The CPU quota of the control group that a process runs in, as containers have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.record.measured import Measured, known, unknown

_NO_GROUPS: Measured[Quota] = unknown("no control groups are mounted here")


@dataclass(frozen=True, slots=True)
class Quota:
    """cpus: how many may be used at a time, or None; throttled: for how long, in s."""

    cpus: float | None
    throttled: float


def quota(root: Path, pid: int) -> Measured[Quota]:
    """The nearest `Quota` above a process, and how long it has held the group back so far.

    root: the folder that stands for the root of the file system.
    """
    try:
        groups = (root / f"proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return unknown(f"process {pid} had ended")
    readable = False
    for folder in _folders(root, groups):
        found = _second_version(folder) or _first_version(folder)
        if found is None:
            continue
        if found.cpus is not None:
            return known(found)
        readable = True
    return known(Quota(None, 0.0)) if readable else _NO_GROUPS


def _folders(root: Path, groups: str) -> Iterator[Path]:
    """The group's folder and all above it.

    Within a container the path may be the host's, which is not mounted: then its top is the
    container's own group.
    """
    top = root / "sys/fs/cgroup"
    for line in groups.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and "cpu" not in names.split(","):
            continue
        base = top / names if names and (top / names).is_dir() else top
        group = base / path.strip("/")
        while group != base:
            yield group
            group = group.parent
        yield base


def _second_version(folder: Path) -> Quota | None:
    try:
        most, period = (folder / "cpu.max").read_text(encoding="utf-8", errors="replace").split()
        throttled = _counted(folder / "cpu.stat", "throttled_usec") / 1e6
    except (OSError, ValueError):
        return None
    return Quota(None if most == "max" else int(most) / int(period), throttled)


def _first_version(folder: Path) -> Quota | None:
    try:
        most = int((folder / "cpu.cfs_quota_us").read_text(encoding="utf-8", errors="replace"))
        period = int((folder / "cpu.cfs_period_us").read_text(encoding="utf-8", errors="replace"))
        throttled = _counted(folder / "cpu.stat", "throttled_time") / 1e9
    except (OSError, ValueError):
        return None
    return Quota(most / period if most > 0 else None, throttled)


def _counted(path: Path, name: str) -> int:
    lines = (
        line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
    )
    return next((int(value) for key, value in lines if key == name), 0)
