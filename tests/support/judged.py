"""Verdicts of trainings on hosts and GPUs that a test makes."""

from __future__ import annotations

from typing import Any

from bench.judge.verdict import judge
from bench.record.conditions import Conditions
from bench.record.head import Device
from bench.record.telemetry import Telemetry
from bench.record.verdict import Verdict
from tests.support.fake_host import FakeHost
from tests.support.records import CPU, H100, result
from tests.support.watched_gpu import WatchedGpu

QUIET = {"worker": 17.5, "other": 0.2, "parent": 0.1, "stolen": 0.02}


def on_cpu(seen: Conditions, **members: Any) -> Verdict:
    return judge(result("convnet", CPU, conditions=seen, **members))


def on_gpu(gpu: WatchedGpu, device: Device = H100, **how: Any) -> Verdict:
    return on_watched_gpu(gpu.result(**how), device)


def on_watched_gpu(seen: Telemetry | None, device: Device = H100) -> Verdict:
    return judge(result("convnet", device, telemetry=seen))


def govern(machine: FakeHost, governor: str, driver: str) -> None:
    for cpu in "01":
        folder = f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        machine.files[f"{folder}/scaling_governor"] = governor
        machine.files[f"{folder}/scaling_driver"] = driver
    machine.write()
