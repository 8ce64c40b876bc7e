"""What the kernel tells in files below /proc and /sys: each a value, or why there is none.

Every function takes the folder that stands for the root of the file system.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.measured import Measured, known, unknown

_TICKS = os.sysconf("SC_CLK_TCK")
_NO_SCALING = "the kernel shows no frequency scaling here, as in most virtual machines"


@dataclass(frozen=True, slots=True)
class CpuTime:
    """What a processor did since the system booted, in s."""

    busy: float
    idle: float
    stolen: float


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What a process took since it began: CPU time in s, and pages that had to be read in."""

    seconds: float
    major_faults: int


def pressure(root: Path, resource: str) -> dict[str, Measured]:
    """For how long some, and all, tasks waited for a resource since the system booted, in s.

    resource: `cpu`, `memory` or `io`.
    """
    absent = unknown("this kernel keeps no pressure (PSI); boot it with psi=1")
    text = _text(root / "proc/pressure" / resource, absent)
    if text.why is not None:
        return {"some": text, "full": text}
    totals = {}
    for line in text.value.splitlines():
        kind, *fields = line.split()
        totals[kind] = known(int(dict(f.split("=") for f in fields)["total"]) / 1e6)
    return {kind: totals.get(kind, absent) for kind in ("some", "full")}


def cpu_times(root: Path) -> Measured:
    """A `CpuTime` for each processor, by its number."""
    text = _text(root / "proc/stat", unknown("there is no /proc/stat"))
    return text.then(
        lambda lines: {
            int(name[3:]): _cpu_time([int(ticks) / _TICKS for ticks in ticks])
            for name, *ticks in map(str.split, lines.splitlines())
            if name.startswith("cpu") and name != "cpu"
        }
    )


def _cpu_time(seconds: list[float]) -> CpuTime:
    user, nice, system, idle, waiting, interrupts, soft, stolen = seconds[:8]
    return CpuTime(user + nice + system + interrupts + soft, idle + waiting, stolen)


def process_use(root: Path, pids: Iterable[int], *, ended_children: bool) -> Measured:
    """A `ProcessUse` of processes together.

    ended_children: count those of theirs, too, that have ended and were waited for.
    """
    seconds, faults = 0.0, 0
    for pid in pids:
        text = _text(root / f"proc/{pid}/stat", unknown(f"process {pid} had ended"))
        if text.why is not None:
            return text
        # The name in parentheses may hold blanks and parentheses of its own.
        fields = [int(field) for field in text.value.rpartition(")")[2].split()[1:]]
        own, children = fields[10:12], fields[12:14]
        seconds += sum(own + children if ended_children else own) / _TICKS
        faults += fields[8]
    return known(ProcessUse(seconds, faults))


def allowed_cpus(root: Path, pid: int) -> Measured:
    """The numbers of the processors that a process may run on."""
    text = _text(root / f"proc/{pid}/status", unknown(f"process {pid} had ended"))
    return text.then(
        lambda lines: next(
            _numbers(line.split(":")[1].strip())
            for line in lines.splitlines()
            if line.startswith("Cpus_allowed_list")
        )
    )


def online_cpus(root: Path) -> Measured:
    """The numbers of the processors that are on."""
    absent = unknown("the kernel shows no processors in /sys")
    return _text(root / "sys/devices/system/cpu/online", absent).then(_numbers)


def memory(root: Path, field: str) -> Measured:
    """Bytes; field: `MemTotal` or `MemAvailable`."""
    text = _text(root / "proc/meminfo", unknown("there is no /proc/meminfo"))
    if text.why is not None:
        return text
    for line in text.value.splitlines():
        name, _, size = line.partition(":")
        if name == field:
            return known(int(size.split()[0]) * 1024)
    return unknown(f"/proc/meminfo has no {field}")


def governor(root: Path, cpus: Iterable[int]) -> Measured:
    """What chooses the clocks of these processors: `performance`, or `ondemand, performance`."""
    return _alike(root, cpus, "scaling_governor")


def scaling_driver(root: Path, cpus: Iterable[int]) -> Measured:
    """What sets the clocks of these processors: `intel_pstate`, `acpi-cpufreq`, …."""
    return _alike(root, cpus, "scaling_driver")


def turbo(root: Path) -> Measured:
    """Whether clocks above the nominal one are allowed."""
    folder = root / "sys/devices/system/cpu"
    off = _text(folder / "intel_pstate/no_turbo", unknown(_NO_SCALING))
    if off.why is None:
        return off.then(lambda text: text == "0")
    return _text(folder / "cpufreq/boost", unknown(_NO_SCALING)).then(lambda text: text == "1")


def thermal_throttle(root: Path, cpus: Iterable[int]) -> Measured:
    """For how long heat has held these processors down since the system booted, in s."""
    name = "thermal_throttle/package_throttle_total_time_ms"
    absent = unknown("this processor or kernel does not count it")
    texts = [_text(root / f"sys/devices/system/cpu/cpu{cpu}" / name, absent) for cpu in cpus]
    counted = [int(text.value) / 1000 for text in texts if text.why is None]
    return known(max(counted)) if counted else absent


def package_energy(root: Path) -> Measured:
    """J that each processor package took, by its name, with the height from which it wraps."""
    packages = {}
    for folder in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        name = _text(folder / "name", unknown("it has no name"))
        if name.why is not None or not name.value.startswith("package"):
            continue
        counter = folder / "energy_uj"
        used = _text(counter, unknown("the package shows no energy"))
        if used.why is not None:
            return used
        height = _text(folder / "max_energy_range_uj", unknown("")).value or "0"
        packages[name.value] = (int(used.value) / 1e6, int(height) / 1e6)
    if not packages:
        return unknown("this machine shows no package energy (RAPL), as most virtual machines")
    return known(packages)


def _alike(root: Path, cpus: Iterable[int], file: str) -> Measured:
    folder = root / "sys/devices/system/cpu"
    texts = [_text(folder / f"cpu{cpu}/cpufreq/{file}", unknown(_NO_SCALING)) for cpu in cpus]
    found = sorted({text.value for text in texts if text.why is None})
    return known(", ".join(found)) if found else unknown(_NO_SCALING)


def _text(path: Path, absent: Measured) -> Measured:
    """A file's text without the white space around it, or why it cannot be had."""
    try:
        return known(path.read_text(encoding="utf-8", errors="replace").strip())
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return absent
    except PermissionError:
        return unknown(f"permission denied; `sudo chmod a+r {path}` lets it be read")
    except OSError as error:  # a kernel that was booted with psi=0 answers so
        return unknown(f"{path}: {error.strerror}")


def _numbers(ranges: str) -> list[int]:
    """`0-2,5` as `[0, 1, 2, 5]`."""
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
