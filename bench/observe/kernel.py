"""What the kernel tells in files below /proc and /sys: each a value, or why there is none.

Every function takes the folder that stands for the root of the file system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from bench.errors import why
from bench.record.measured import Measured, both, known, unknown

T = TypeVar("T")

_TICKS = os.sysconf("SC_CLK_TCK")
_OLD_PRESSURE = "this kernel does not tell; Linux 5.13 and later do"
_NO_SCALING = "the kernel shows no frequency scaling here, as in most virtual machines"


@dataclass(frozen=True, slots=True)
class CpuTime:
    """What a processor did since the system booted, or several together, in s."""

    busy: float
    idle: float
    stolen: float

    @property
    def all(self) -> float:
        """All of it."""
        return self.busy + self.idle + self.stolen

    @classmethod
    def together(cls, times: Mapping[int, CpuTime], cpus: Iterable[int]) -> CpuTime:
        """That of some processors, by their numbers."""
        these = [times[cpu] for cpu in cpus if cpu in times]
        return cls(
            sum(time.busy for time in these),
            sum(time.idle for time in these),
            sum(time.stolen for time in these),
        )

    def since(self, before: CpuTime) -> CpuTime:
        """What was done from one moment to a later one."""
        return CpuTime(
            self.busy - before.busy, self.idle - before.idle, self.stolen - before.stolen
        )


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What a process took since it began: CPU time in s, and pages that had to be read in."""

    seconds: float
    major_faults: int

    def plus(self, other: ProcessUse) -> ProcessUse:
        """Both together."""
        return ProcessUse(self.seconds + other.seconds, self.major_faults + other.major_faults)


@dataclass(frozen=True, slots=True)
class PackageEnergy:
    """The energy that a processor package took, in J, and the height at which it begins anew."""

    used: float
    height: float

    def since(self, before: PackageEnergy) -> float:
        """What it took from one moment to a later one, in J."""
        grown = self.used - before.used
        return grown if grown >= 0 else grown + self.height


def pressure(root: Path, resource: str) -> dict[str, Measured[float]]:
    """For how long some, and all, tasks waited for a resource since the system booted, in s.

    resource: `cpu`, `memory` or `io`.
    """
    absent = "this kernel keeps no pressure (PSI); boot it with psi=1"
    totals = _read(root / "proc/pressure" / resource, absent, _pressure)
    if totals.value is not None and "full" not in totals.value:
        return {"some": known(totals.value["some"]), "full": unknown(_OLD_PRESSURE)}
    return {kind: totals.then(itemgetter(kind)) for kind in ("some", "full")}


def _pressure(text: str) -> dict[str, float]:
    totals = {}
    for line in text.splitlines():
        kind, *fields = line.split()
        totals[kind] = int(dict(field.split("=") for field in fields)["total"]) / 1e6
    return {"some": totals["some"], **totals}


def cpu_times(root: Path) -> Measured[dict[int, CpuTime]]:
    """A `CpuTime` for each processor, by its number."""
    return _read(root / "proc/stat", "there is no /proc/stat", _cpu_times)


def _cpu_times(text: str) -> dict[int, CpuTime]:
    times = {}
    for name, *ticks in map(str.split, text.splitlines()):
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, idle, waiting, hard, soft, stolen = map(int, ticks[:8])
            busy = user + nice + system + hard + soft
            cpu = CpuTime(busy / _TICKS, (idle + waiting) / _TICKS, stolen / _TICKS)
            times[int(name[3:])] = cpu
    return times


def process_use(root: Path, pids: Iterable[int], *, ended_children: bool) -> Measured[ProcessUse]:
    """A `ProcessUse` of processes together.

    ended_children: count those of theirs, too, that have ended and were waited for.
    """

    def parse(text: str) -> ProcessUse:
        # The name in parentheses may hold blanks and parentheses of its own.
        fields = [int(field) for field in text.rpartition(")")[2].split()[1:]]
        ticks = sum(fields[10 : 14 if ended_children else 12])
        return ProcessUse(ticks / _TICKS, fields[8])

    total = known(ProcessUse(0.0, 0))
    for pid in pids:
        use = _read(root / f"proc/{pid}/stat", f"process {pid} had ended", parse)
        total = both(total, use, ProcessUse.plus)
    return total


def allowed_cpus(root: Path, pid: int) -> Measured[list[int]]:
    """The numbers of the processors that a process may run on."""

    def parse(text: str) -> list[int]:
        fields = dict(line.split(":", 1) for line in text.splitlines())
        return _numbers(fields["Cpus_allowed_list"])

    return _read(root / f"proc/{pid}/status", f"process {pid} had ended", parse)


def online_cpus(root: Path) -> Measured[list[int]]:
    """The numbers of the processors that are on."""
    absent = "the kernel shows no processors in /sys"
    return _read(root / "sys/devices/system/cpu/online", absent, _numbers)


def memory(root: Path, field: str) -> Measured[int]:
    """Bytes; field: `MemTotal` or `MemAvailable`."""

    def parse(text: str) -> int:
        fields = dict(line.split(":", 1) for line in text.splitlines())
        return int(fields[field].split()[0]) * 1024

    return _read(root / "proc/meminfo", "there is no /proc/meminfo", parse)


def scaling(root: Path, file: str, cpus: Iterable[int]) -> Measured[str]:
    """What chooses the clocks of these processors, or sets them: `ondemand, performance`.

    file: `scaling_governor` or `scaling_driver`.
    """
    folder = root / "sys/devices/system/cpu"
    read = [_read(folder / f"cpu{cpu}/cpufreq/{file}", _NO_SCALING, str) for cpu in cpus]
    found = sorted({each.value for each in read if each.value is not None})
    return known(", ".join(found)) if found else unknown(_NO_SCALING)


def turbo(root: Path) -> Measured[bool]:
    """Whether clocks above the nominal one are allowed."""
    folder = root / "sys/devices/system/cpu"
    off = _read(folder / "intel_pstate/no_turbo", _NO_SCALING, int)
    if off.why is None:
        return off.then(lambda flag: flag == 0)
    return _read(folder / "cpufreq/boost", _NO_SCALING, int).then(lambda flag: flag == 1)


def power_source(root: Path) -> Measured[str]:
    """`mains`, or `battery (72 %)` where one is being emptied."""
    folder, plugged_in = root / "sys/class/power_supply", False
    for supply in sorted(folder.glob("*")):
        # A mouse has a battery, too, whose scope is a device.
        if _says(supply / "scope", "unknown") == "Device":
            continue
        kind = _says(supply / "type")
        if kind == "Battery" and _says(supply / "status") == "Discharging":
            charge = _says(supply / "capacity")
            return known(f"battery ({charge} %)" if charge else "battery")
        plugged_in |= kind in ("Mains", "USB") and _says(supply / "online") == "1"
    return known("mains") if plugged_in else unknown("the kernel shows no power supply")


def power_profile(root: Path) -> Measured[str]:
    """What the firmware was told to favour: `low-power`, `balanced`, `performance`, …."""
    absent = "this machine has no platform profiles"
    return _read(root / "sys/firmware/acpi/platform_profile", absent, str)


def _says(path: Path, otherwise: str = "") -> str:
    return _read(path, otherwise, str).value or otherwise


def thermal_throttle(root: Path, cpus: Iterable[int]) -> Measured[float]:
    """For how long heat has held these processors down since the system booted, in s."""
    folder, name = root / "sys/devices/system/cpu", "package_throttle_total_time_ms"
    absent = "this processor or kernel does not count it"
    read = [_read(folder / f"cpu{cpu}/thermal_throttle" / name, absent, int) for cpu in cpus]
    counted = [each.value / 1000 for each in read if each.value is not None]
    return known(max(counted)) if counted else unknown(absent)


def package_energy(root: Path) -> Measured[dict[str, PackageEnergy]]:
    """A `PackageEnergy` for each processor package, by its name."""
    packages = {}
    for folder in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        name = _read(folder / "name", "it has no name", str)
        if name.value is not None and name.value.startswith("package"):
            used = _read(folder / "energy_uj", "the package shows no energy", int)
            height = _read(folder / "max_energy_range_uj", "the counter shows no height", int)
            energy = both(used, height, lambda uj, most: PackageEnergy(uj / 1e6, most / 1e6))
            if energy.value is None:
                return unknown(energy.why)
            packages[name.value] = energy.value
    if not packages:
        return unknown("this machine shows no package energy (RAPL), as most virtual machines")
    return known(packages)


def _read(path: Path, absent: str, parse: Callable[[str], T]) -> Measured[T]:
    """What a file says, without the white space around it, or why it cannot be read.

    absent: the reason where there is no such file.
    """
    try:
        return known(parse(path.read_text(encoding="utf-8", errors="replace").strip()))
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return unknown(absent)
    except PermissionError:
        return unknown(f"permission denied; `sudo chmod a+r {path}` lets it be read")
    except OSError as error:  # a kernel that was booted with psi=0 answers so
        return unknown(f"{path}: {why(error)}")
    except (ValueError, KeyError, IndexError):  # gVisor's /proc, for one, says less
        return unknown(f"{path} reads otherwise than Linux writes it")


def _numbers(ranges: str) -> list[int]:
    """`0-2,5` as `[0, 1, 2, 5]`."""
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


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
