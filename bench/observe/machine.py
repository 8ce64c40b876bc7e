"""The machine that the numbers belong to."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from bench.observe.devices import Found, cpu_name
from bench.record.head import Cpu, Machine

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def describe(found: Found) -> Machine:
    """Host, processor, memory and devices."""
    import psutil

    return Machine(
        host=platform.node(),
        system=_system(),
        kernel=platform.release(),
        architecture=platform.machine(),
        cpu=Cpu(
            name=cpu_name(),
            cores=psutil.cpu_count(logical=False),
            threads=psutil.cpu_count(),
            affinity=tuple(sorted(os.sched_getaffinity(0))),
            governor=_governor(),
        ),
        memory=psutil.virtual_memory().total,
        driver=found.driver,
        why_no_gpu=found.why_no_gpu,
        devices=found.devices,
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _governor() -> str | None:
    """The frequency governor; None where the kernel shows none, as in most virtual machines."""
    try:
        return _GOVERNOR.read_text(encoding="ascii").strip()
    except OSError:
        return None
