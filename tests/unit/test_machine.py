from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psutil
import pytest

from bench.observe import devices
from bench.observe.devices import Found
from bench.record.head import Device, Machine

GPU = Device("NVIDIA H100 80GB HBM3", index=0, uuids=("GPU-8f6d0c9e",))
FOUND = Found((Device("a processor"), GPU), driver="580.95.05")


def test_a_machine_is_described_by_what_its_numbers_depend_on() -> None:
    described = devices.describe_machine(FOUND)
    assert described.memory == psutil.virtual_memory().total
    assert described.cpu.affinity == tuple(sorted(os.sched_getaffinity(0)))
    assert (described.cpu.threads or 0) >= len(described.cpu.affinity) >= 1
    assert described.driver == "580.95.05"
    assert described.devices == FOUND.devices
    assert msgspec.json.decode(msgspec.json.encode(described), type=Machine) == described


def test_the_governor_is_the_kernels_or_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    governor = tmp_path / "scaling_governor"
    monkeypatch.setattr(devices, "_GOVERNOR", governor)
    assert devices.describe_machine(FOUND).cpu.governor is None
    governor.write_text("powersave\n", encoding="ascii")
    assert devices.describe_machine(FOUND).cpu.governor == "powersave"


def test_a_system_that_does_not_say_what_it_is_is_called_by_its_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing() -> dict[str, str]:
        raise OSError("no os-release")

    monkeypatch.setattr("platform.freedesktop_os_release", nothing)
    assert devices.describe_machine(FOUND).system == "Linux"
