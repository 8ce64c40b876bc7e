"""Telemetry where something goes wrong, of several GPUs, and of an idle one."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import pytest

from bench.observe import telemetry as telemetries
from bench.observe.telemetry import GpuMonitor, idle_power
from bench.observe.window import together
from bench.record.head import Device
from bench.record.telemetry import Lost
from tests.support.measured import leaves, places, value, why
from tests.support.records import telemetry
from tests.support.watched_gpu import NEVER, WatchedGpu, seen
from tests.unit.fake_nvml import FakeNvml

CPU = Device("a processor")


@pytest.fixture
def gpu(request: pytest.FixtureRequest) -> WatchedGpu:
    return WatchedGpu(getattr(request, "param", "hopper"))


# ---- what goes wrong


def test_a_gpu_lost_in_mid_epoch_is_an_event_and_the_last_thing_read(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=3)
        gpu.pass_time(monitor, 0.7)
        gpu.nvml.lost = True
        gpu.pass_time(monitor, 0.1)
        assert monitor.tick() is False
        calls = sum(gpu.nvml.counts.values())
    result = seen(monitor, gpu.epochs)
    assert result.lost is not None
    assert (result.lost.epoch, result.lost.why) == (4, "GPU is lost")
    assert result.lost.seconds_into_it == pytest.approx(0.8)
    assert value(result, "power.mean") == 310  # what was read before still stands
    assert sum(gpu.nvml.counts.values()) == calls
    assert gpu.nvml.open == 0


@pytest.mark.parametrize("gpu", ["hopper", "kepler", "mig_slice"], indirect=True)
def test_a_gpu_lost_before_the_training_is_an_event_too(gpu: WatchedGpu) -> None:
    gpu.nvml.lost = True
    with gpu.watch() as monitor:
        pass
    result = seen(monitor)
    assert result.lost == Lost(1, None, "GPU is lost")
    assert why(result, "pcie.width_limit") == "the GPU is lost: GPU is lost"
    assert gpu.nvml.open == 0


def test_a_gpu_that_must_be_reset_is_lost(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=2)
        gpu.nvml.functions["nvmlDeviceGetPowerUsage"] = "RESET_REQUIRED"
        monitor.tick()
    result = seen(monitor, gpu.epochs)
    assert result.lost is not None
    assert result.lost.why == "GPU requires restart"


def test_what_is_not_permitted_says_so_and_leaves_the_rest(gpu: WatchedGpu) -> None:
    for name in ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues"):
        gpu.nvml.functions[name] = "NO_PERMISSION"
    result = gpu.result()
    assert why(result, "power.mean") == "permission denied; run as root to read it"
    assert why(result, "throttled.thermal") == "permission denied; run as root to read it"
    assert value(result, "temperature") == 44


def test_an_nvml_that_permits_nothing_gives_that_reason_everywhere(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlInitWithFlags"] = "NO_PERMISSION"
    with gpu.watch() as monitor:
        pass
    result = seen(monitor)
    reasons = {leaf.why for path, leaf in leaves(result) if path == "memory.before"}
    assert reasons == {"NVML does not answer: Insufficient Permissions"}


def test_a_hiccup_is_not_held_against_the_gpu(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=2)
        power = gpu.nvml.functions.pop("nvmlDeviceGetPowerUsage")
        gpu.nvml.functions["nvmlDeviceGetPowerUsage"] = "UNKNOWN"
        monitor.tick()
        gpu.nvml.functions["nvmlDeviceGetPowerUsage"] = power
        gpu.train(monitor, epochs=2)
    result = seen(monitor, gpu.epochs)
    assert value(result, "power.mean") == 310


def test_another_package_of_that_name_is_told_apart_and_not_asked() -> None:
    rogue = ModuleType("pynvml")
    gpu = FakeNvml("hopper").device
    assert "pip uninstall pynvml" in str(idle_power(gpu, rogue).why)
    with GpuMonitor(gpu, rogue) as monitor:
        monitor.worker = 4711
    result = seen(monitor)
    assert "pip uninstall pynvml" in why(result, "memory.before")
    assert result.ticks == 0


def test_without_nvidia_ml_py_there_are_reasons_and_no_crash() -> None:
    with GpuMonitor(FakeNvml("hopper").device, None) as monitor:
        pass
    result = seen(monitor)
    assert why(result, "memory.total") == "nvidia-ml-py is not here"


def test_a_gpu_that_nvml_does_not_know_gives_reasons(gpu: WatchedGpu) -> None:
    other = Device("a GPU", index=0, uuids=("GPU-00000000-0000-0000-0000-000000000000",))
    with GpuMonitor(other, gpu.nvml.module, interval=NEVER, clock=gpu.nvml.clock) as monitor:
        gpu.train(monitor)
    result = seen(monitor, gpu.epochs)
    assert why(result, "power.mean") == "Not Found"


def test_the_cpu_has_no_telemetry() -> None:
    with GpuMonitor(CPU, None) as monitor:
        monitor.worker = 4711
    assert monitor.result([]) is None


# ---- several GPUs that train one network


_OTHER = "GPU-00000000-0000-4000-8000-000000000001"


def test_gpus_that_train_together_are_read_by_one_thread_and_added_up(gpu: WatchedGpu) -> None:
    gpu.nvml.uuids.add(_OTHER)
    both = Device("2 × H100", group="gpus", uuids=(gpu.nvml.uuid, _OTHER))
    nvml = gpu.nvml
    idle = idle_power(both, nvml.module, wait=_passing(nvml), clock=nvml.clock)
    assert idle.value == pytest.approx(2 * 70, rel=1e-3)
    with GpuMonitor(both, nvml.module, idle=idle, interval=NEVER, clock=nvml.clock) as monitor:
        assert len([t for t in threading.enumerate() if t.name == "telemetry"]) == 1
        gpu.train(monitor)
    result = seen(monitor, gpu.epochs)
    assert value(result, "energy.gross") == pytest.approx(8 * 2 * 310, rel=1e-3)
    assert value(result, "energy.net") == pytest.approx(8 * 2 * (310 - 70), rel=1e-3)
    assert value(result, "power.mean") == 2 * 310
    assert value(result, "power.limit") == 700
    assert value(result, "memory.total") == 2 * 81559 * 1024**2
    assert value(result, "clocks.sm") == 1980
    assert value(result, "ecc.remapped_rows").pending is False
    assert monitor.energy_on_the_clock(gpu.epochs).value == pytest.approx(6200, rel=1e-3)
    assert places(result) == places(WatchedGpu("hopper").result())


def test_of_gpus_together_the_slowest_and_the_hottest_count() -> None:
    cool = telemetry(clocks={"sm": 1980.0}, temperature=50.0, busy=1.0)
    hot = telemetry(clocks={"sm": 1200.0}, temperature=90.0, busy=0.5)
    joined = together([cool, hot])
    assert value(joined, "clocks.sm") == 1200
    assert value(joined, "temperature") == 90
    assert value(joined, "busy") == 0.75


def test_what_one_gpu_does_not_tell_is_not_told_of_all() -> None:
    joined = together([telemetry(energy={"gross": 5.0}), telemetry()])
    assert why(joined, "energy.gross") == "not supported by this GPU"


# ---- the thread


def test_the_thread_reads_by_itself_and_ends_with_the_block(gpu: WatchedGpu) -> None:
    ticked = threading.Event()
    nvml = gpu.nvml.module
    real = nvml.nvmlDeviceGetPowerUsage

    def power(handle: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            ticked.set()
        return real(handle)

    nvml.nvmlDeviceGetPowerUsage = power  # type: ignore[attr-defined]
    with GpuMonitor(gpu.nvml.device, nvml, interval=0.001) as monitor:
        assert ticked.wait(60)
    assert not [thread for thread in threading.enumerate() if thread.name == "telemetry"]
    result = seen(monitor)
    assert result.ticks >= 1
    assert result.cpu_seconds > 0
    assert gpu.nvml.open == 0


def test_an_nvml_that_never_returns_does_not_hold_up_the_training(
    gpu: WatchedGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetries, "_PATIENCE", 0.0)
    caught, released = threading.Event(), threading.Event()

    def power(_handle: Any) -> int:
        if threading.current_thread() is not threading.main_thread():
            caught.set()
            released.wait(60)
        return 310_000

    gpu.nvml.module.nvmlDeviceGetPowerUsage = power  # type: ignore[attr-defined]
    with GpuMonitor(gpu.nvml.device, gpu.nvml.module, interval=0.001) as monitor:
        assert caught.wait(60)
    result = seen(monitor)
    released.set()
    assert result.lost is not None
    assert result.lost.why == "NVML does not answer any more"


# ---- the idle GPU


@pytest.mark.parametrize(("kind", "watts"), [("hopper", 70.0), ("pascal", 12.0), ("ada", 22.0)])
def test_idle_power_is_what_the_gpu_draws_with_nothing_of_ours_on_it(
    kind: str, watts: float
) -> None:
    nvml = FakeNvml(kind)
    idle = idle_power(nvml.device, nvml.module, wait=_passing(nvml), clock=nvml.clock)
    assert idle.value == pytest.approx(watts, rel=1e-3)
    assert nvml.open == 0


@pytest.mark.parametrize("kind", ["vgpu", "mig_slice"])
def test_idle_power_that_cannot_be_had_has_its_reason(kind: str) -> None:
    nvml = FakeNvml(kind)
    idle = idle_power(nvml.device, nvml.module, wait=_passing(nvml), clock=nvml.clock)
    assert idle.value is None
    assert idle.why


def test_idle_power_of_a_lost_gpu_is_a_reason() -> None:
    nvml = FakeNvml("hopper")
    nvml.lost = True
    assert idle_power(nvml.device, nvml.module, wait=_passing(nvml)).why == "GPU is lost"
    assert nvml.open == 0


def test_the_cpu_has_no_idle_power() -> None:
    assert idle_power(CPU, None).why == "this is no GPU"


def _passing(nvml: FakeNvml) -> Any:
    def wait(seconds: float) -> None:
        nvml.now += seconds

    return wait
