"""Verdicts of what holds the clocks down: THROTTLED and POWER-CAPPED."""

from __future__ import annotations

import pytest

from bench.record.head import Device
from bench.record.verdict import Verdict
from tests.support.fake_host import FakeHost, epochs
from tests.support.judged import QUIET, govern, on_cpu, on_gpu
from tests.support.watched_gpu import WatchedGpu


def test_heat_that_was_counted_is_throttling() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.12, 270: 0.01}
    gpu.nvml.functions["nvmlDeviceGetTemperatureV"] = [40, 91]
    judged = on_gpu(gpu)
    assert judged.word == "THROTTLED"
    assert str(judged.evidence) == (
        "heat (the driver's limit) held the clocks down 12 % of the time, at up to 91 °C"
    )
    assert "nvidia-smi -q -i 0 -d TEMPERATURE,PERFORMANCE" in str(judged.fix)


def test_a_power_brake_is_throttling_by_the_supply() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {271: 0.5}
    judged = on_gpu(gpu)
    assert judged.word == "THROTTLED"
    assert "check the supply and its cables" in str(judged.fix)


def test_heat_that_was_only_seen_is_throttling_on_a_gpu_without_counters() -> None:
    gpu = WatchedGpu("kepler")
    gpu.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = [1, 0x8 | 0x40]
    judged = on_gpu(gpu)
    assert judged.word == "THROTTLED"
    assert "heat (the chip's own limit)" in str(judged.evidence)


def test_a_quota_that_stops_the_worker_is_throttling(machine: FakeHost) -> None:
    machine.files["sys/fs/cgroup/a/b/cpu.max"] = "150000 100000\n"
    machine.write()
    with machine.watching() as monitor:
        machine.files["sys/fs/cgroup/a/b/cpu.stat"] = "throttled_usec 3000000\n"
        machine.spend(10.0, worker=15.0)
    judged = on_cpu(monitor.result(epochs(4)))
    assert judged.word == "THROTTLED"
    assert "CPU quota stopped it 30 % of the time" in str(judged.evidence)


def test_a_processor_that_is_too_hot_is_throttling(machine: FakeHost) -> None:
    path = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_total_time_ms"
    machine.files[path] = "0\n"
    machine.write()
    with machine.watching() as monitor:
        machine.files[path] = "2000\n"
        machine.spend(10.0, **QUIET)
    assert on_cpu(monitor.result(epochs(4))).word == "THROTTLED"


def test_a_forgotten_cap_is_power_capped_and_the_default_mends_it() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 250_000
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {74: 0.9}
    judged = on_gpu(gpu)
    assert judged == Verdict(
        "POWER-CAPPED",
        "its power limit is 250 W, 36 % of its 700 W, and binds",
        "sudo nvidia-smi -i 0 -pl 700",
    )


def test_a_cap_on_gpus_together_is_mended_on_all_of_them() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 250_000
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {74: 0.9}
    gpus = Device("2 × H100", group="gpus", uuids=("GPU-1", "GPU-2"))
    assert on_gpu(gpu, gpus).fix == "sudo nvidia-smi -pl 700"


def test_without_counters_a_cap_is_seen_by_its_bit_or_by_power_beside_it() -> None:
    for reasons in ([1, 4], "NOT_SUPPORTED"):
        gpu = WatchedGpu("kepler")
        gpu.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 145_000
        gpu.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = reasons
        assert on_gpu(gpu).word == "POWER-CAPPED"


def test_a_governor_that_keeps_the_clock_low_is_a_cap(machine: FakeHost) -> None:
    govern(machine, "powersave", "acpi-cpufreq")
    judged = on_cpu(machine.seen(**QUIET))
    assert judged.word == "POWER-CAPPED"
    assert str(judged.fix) == "sudo cpupower frequency-set -g performance"


@pytest.mark.parametrize(
    ("files", "evidence", "fix"),
    [
        (
            {"BAT0/type": "Battery", "BAT0/status": "Discharging", "BAT0/capacity": "72"},
            "the machine ran on its battery (72 %)",
            "plug it in",
        ),
        (
            {"acpi": "low-power", "AC/type": "Mains", "AC/online": "1"},
            "the power profile low-power keeps the clocks low",
            "powerprofilesctl set performance",
        ),
    ],
)
def test_a_battery_and_a_profile_that_saves_power_are_caps(
    machine: FakeHost, files: dict[str, str], evidence: str, fix: str
) -> None:
    _power(machine, files)
    judged = on_cpu(machine.seen(**QUIET))
    assert (judged.word, judged.evidence, judged.fix) == ("POWER-CAPPED", evidence, fix)


def test_a_plug_a_full_battery_and_that_of_a_mouse_are_none(machine: FakeHost) -> None:
    mouse = {"hid/type": "Battery", "hid/status": "Discharging", "hid/scope": "Device"}
    full = {"BAT0/type": "Battery", "BAT0/status": "Full", "ADP1/type": "Mains"}
    _power(machine, {**mouse, **full, "ADP1/online": "1", "acpi": "balanced"})
    seen = machine.seen(**QUIET)
    assert (seen.power_source.value, seen.power_profile.value) == ("mains", "balanced")
    assert on_cpu(seen).word == "OK"


def _power(machine: FakeHost, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = f"sys/class/power_supply/{name}"
        machine.files["sys/firmware/acpi/platform_profile" if name == "acpi" else path] = text
    machine.write()
