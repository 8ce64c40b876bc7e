"""Telemetry of every kind of GPU, through nvidia-ml-py's own code (see fake_nvml.py)."""

from __future__ import annotations

import atexit
import threading
from dataclasses import replace
from functools import cache
from subprocess import PIPE, Popen
from types import ModuleType
from typing import Any

import pytest

from bench.observe.gpu import telemetry as telemetries
from bench.observe.gpu.idle import idle_power
from bench.observe.gpu.telemetry import GpuMonitor
from bench.observe.gpu.together import together
from bench.record.head import Device
from bench.record.measured import known
from bench.record.telemetry import Lost, Telemetry
from bench.record.timing import EpochTiming
from tests.support.measured import leaves, value, why
from tests.support.records import telemetry
from tests.unit.fake_nvml import KINDS, FakeNvml

_NEVER = 1e6  # s between two ticks of the thread: these tests tick themselves
_TICK = 0.1
_COUNTED = ("volta", "turing_laptop", "ada", "hopper", "blackwell")
_INTEGRATED = ("kepler", "pascal")
CPU = Device("a processor")


@cache
def _process(_name: str) -> Popen[bytes]:
    """One in a session of its own, as each worker has; it ends with this process.

    One that is there anyway may be in the session of these tests, as a container's first is.
    """
    process = Popen(["cat"], stdin=PIPE, start_new_session=True)
    atexit.register(process.communicate)
    return process


class Bench:
    """Trains on a fake GPU for as long as a test says.

    epochs: those that came to their end.
    worker, somebody: the ids of the process that trains and of one that has nothing to do with it.
    """

    def __init__(self, kind: str) -> None:
        self.worker, self.somebody = _process("worker").pid, _process("somebody").pid
        self.nvml = FakeNvml(kind)
        self.epochs: list[EpochTiming] = []
        self.idle = known(40.0)

    def watch(self) -> GpuMonitor:
        return GpuMonitor(
            self.nvml.device,
            self.nvml.module,
            idle=self.idle,
            interval=_NEVER,
            clock=self.nvml.clock,
        )

    def train(
        self, monitor: GpuMonitor, *, epochs: int = 5, seconds: float = 2.0, gap: float = 0.0
    ) -> None:
        """Epochs of as many seconds, with a gap behind each."""
        self.nvml.worker = monitor.worker = self.worker
        self.nvml.busy = True
        for number in range(1, epochs + 1):
            begun = self.nvml.now
            self.pass_time(monitor, seconds)
            self.epochs.append(EpochTiming(number, begun, self.nvml.now, 100, 0.5))
            self.pass_time(monitor, gap)

    def pass_time(self, monitor: GpuMonitor, seconds: float) -> None:
        for _ in range(round(seconds / _TICK)):
            self.nvml.now += _TICK
            monitor.tick()

    def result(self, **how: Any) -> Telemetry:
        """The whole of a training, and what was read of it."""
        with self.watch() as monitor:
            self.train(monitor, **how)
        result = monitor.result(self.epochs)
        assert result is not None
        assert self.nvml.open == 0, "NVML was left open"
        return result


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(getattr(request, "param", "hopper"))


# ---- every kind of GPU


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_every_kind_of_gpu_gives_values_or_reasons_and_never_both(bench: Bench) -> None:
    assert len(list(leaves(bench.result()))) > 40


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_results_of_all_kinds_have_the_same_places(bench: Bench) -> None:
    places = {path for path, _ in leaves(bench.result())}
    assert places == {path for path, _ in leaves(Bench("hopper").result())}


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_what_a_gpu_refuses_is_not_asked_again(bench: Bench) -> None:
    functions = bench.nvml.functions
    bench.result()
    for name, answer in functions.items():
        if answer == "NOT_SUPPORTED":
            kinds = 2 if "Ecc" in name else 1
            assert bench.nvml.counts.get(name, 0) <= kinds, name


@pytest.mark.parametrize("bench", [k for k in KINDS if k != "mig_slice"], indirect=True)
def test_a_tick_takes_five_calls_at_most(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=1)
        before = sum(bench.nvml.counts.values())
        bench.pass_time(monitor, 10 * _TICK)
        calls = sum(bench.nvml.counts.values()) - before
    # The list of processes takes two calls into the library: for its length, and for itself.
    assert calls <= 10 * 5 + 2


def test_a_pause_between_epochs_is_no_want_of_work_in_them(bench: Bench) -> None:
    whole = value(Bench("hopper").result(), "busy")
    with bench.watch() as monitor:
        for number in range(1, 4):
            bench.train(monitor, epochs=1)
            bench.epochs[-1] = replace(bench.epochs[-1], number=number)
            bench.nvml.busy = False
            bench.pass_time(monitor, 2.0)
    result = monitor.result(bench.epochs)
    assert result is not None
    assert value(result, "busy") == pytest.approx(whole, rel=0.05)
    assert value(result, "power.mean") < 0.9 * 310  # that is of the whole time, as the energy is


@pytest.mark.parametrize("bench", _COUNTED, indirect=True)
def test_energy_is_the_counters_from_volta_on(bench: Bench) -> None:
    watts = bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] / 1000
    result = bench.result()
    assert value(result, "energy.source") == "counter"
    assert value(result, "energy.gross") == pytest.approx(8 * watts, rel=1e-3)
    assert value(result, "energy.gross_per_epoch") == pytest.approx(2 * watts, rel=1e-3)


@pytest.mark.parametrize("bench", _INTEGRATED, indirect=True)
def test_energy_before_volta_is_integrated_and_says_so(bench: Bench) -> None:
    watts = bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] / 1000
    result = bench.result()
    assert value(result, "energy.source") == "integrated from power samples"
    assert value(result, "energy.gross") == pytest.approx(8 * watts, rel=1e-3)


def test_a_guest_with_a_part_of_a_gpu_has_its_memory_and_its_use_and_no_power() -> None:
    result = Bench("vgpu").result()
    assert value(result, "busy") == pytest.approx(0.66)
    assert value(result, "memory.peak") == 38000 * 1024**2
    for place in ("energy.gross", "power.mean", "clocks.sm", "temperature", "throttled.power"):
        assert why(result, place) == "not supported by this GPU"


def test_a_mig_slice_has_its_own_memory_and_the_gpus_clocks_but_not_its_power() -> None:
    result = Bench("mig_slice").result()
    assert value(result, "memory.total") == 9728 * 1024**2
    assert value(result, "clocks.sm") == 1410
    assert value(result, "temperature") == 51
    assert value(result, "throttled.hardware_thermal") == 0
    assert "its neighbours' too" in why(result, "energy.gross")
    assert "its neighbours' too" in why(result, "power.mean")


def test_a_laptop_shows_its_power_and_not_its_limit() -> None:
    result = Bench("turing_laptop").result()
    assert value(result, "power.mean") == 78
    assert why(result, "power.limit_share") == "not supported by this GPU"
    assert value(result, "throttled.power") == pytest.approx(0.9 * 8, rel=1e-3)


def test_a_driver_from_before_the_new_names_is_asked_by_the_old_ones() -> None:
    result = Bench("kepler").result()
    assert value(result, "temperature") == 72
    assert value(result, "reasons.power") == 0
    assert value(result, "processes") == ()
    assert value(result, "memory.peak") == 10900 * 1024**2


# ---- what is read


def test_net_energy_is_what_training_took_on_top_of_idle(bench: Bench) -> None:
    bench.idle = known(70.0)
    result = bench.result()
    assert value(result, "energy.net") == pytest.approx(8 * (310 - 70), rel=1e-3)
    assert value(result, "energy.net_per_epoch") == pytest.approx(2 * (310 - 70), rel=1e-3)


def test_the_first_epoch_and_what_lies_around_is_outside_the_window(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 690_000
        bench.train(monitor, epochs=1)
        bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 310_000
        bench.nvml.busy = True  # the counter goes on with the new power
        bench.train(monitor, epochs=4)
        bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 690_000
        bench.pass_time(monitor, 3.0)
    epochs = [bench.epochs[0], *bench.epochs[1:]]
    result = monitor.result(epochs)
    assert result is not None
    assert value(result, "power.mean") == pytest.approx(310, rel=0.02)
    assert value(result, "energy.gross") == pytest.approx(8 * 310, rel=0.02)


def test_energy_of_less_than_two_seconds_is_not_given(bench: Bench) -> None:
    result = bench.result(seconds=0.4)
    assert why(result, "energy.gross") == "the epochs took 1.6 s together, and energy takes 2 s"
    assert why(result, "energy.net_per_epoch") == why(result, "energy.gross")
    assert value(result, "power.mean") == 310


def test_an_energy_counter_that_stands_still_is_not_taken_for_none_used(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetPowerUsage"] = [0, 0]
    assert why(bench.result(), "energy.gross") == "the energy counter stood still"


def test_energy_on_the_clock_leaves_out_what_lies_between_epochs(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=5, seconds=2.0, gap=1.0)
    on_the_clock = monitor.energy_on_the_clock(bench.epochs)
    assert on_the_clock.value == pytest.approx(5 * 2 * 310, rel=1e-3)


def test_throttling_is_told_by_its_reason_in_seconds_of_the_window(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.25, 271: 0.5}
    result = bench.result()
    assert value(result, "throttled.software_thermal") == pytest.approx(0.25 * 8, rel=1e-3)
    assert value(result, "throttled.power_brake") == pytest.approx(0.5 * 8, rel=1e-3)
    assert value(result, "throttled.hardware_thermal") == 0


def test_one_field_that_fails_leaves_the_others_alone(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {75: "UNKNOWN", 270: 0.5}
    result = bench.result()
    assert why(result, "throttled.thermal") == "Unknown Error"
    assert value(result, "throttled.hardware_thermal") == pytest.approx(4, rel=1e-3)


def test_the_reasons_of_the_moment_are_shares_of_the_readings(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetCurrentClocksEventReasons"] = [1, 0x4 | 0x40]
    result = bench.result()
    assert value(result, "reasons.power") == 1
    assert value(result, "reasons.hardware_thermal") == 1
    assert value(result, "reasons.power_brake") == 0


def test_an_idle_gpu_and_set_clocks_are_no_throttling(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetCurrentClocksEventReasons"] = [1, 0x1 | 0x2 | 0x100]
    result = bench.result()
    assert all(leaf.value == 0 for path, leaf in leaves(result) if path.startswith("reasons."))


def test_a_lowered_limit_is_a_share_of_the_default(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 350_000
    assert value(bench.result(), "power.limit_share") == 0.5


def test_the_link_is_that_under_load(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetCurrPcieLinkGeneration"] = [1, 5]
    bench.nvml.functions["nvmlDeviceGetCurrPcieLinkWidth"] = [16, 8]
    result = bench.result()
    assert value(result, "pcie.generation") == 5
    assert (value(result, "pcie.width"), value(result, "pcie.width_limit")) == (8, 16)


def test_ecc_errors_are_those_of_this_training(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetTotalEccErrors"] = [17, 20]
    assert value(bench.result(), "ecc.corrected") == 3


def test_a_share_that_cannot_be_is_not_believed(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetUtilizationRates"] = 4294967295
    assert why(bench.result(), "busy") == "NVML answered 4294967295 %"


def test_a_gap_between_readings_takes_the_energy_away(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=3)
        begun = bench.nvml.now
        bench.nvml.now += 30.0  # NVML kept the thread waiting
        monitor.tick()
        bench.epochs.append(EpochTiming(4, begun, bench.nvml.now, 100, 0.5))
    result = monitor.result(bench.epochs)
    assert result is not None
    assert why(result, "energy.gross") == "NVML kept us waiting for 30.0 s between two readings"


def test_without_a_steady_epoch_there_is_no_window(bench: Bench) -> None:
    result = bench.result(epochs=1)
    assert result.steady_seconds is None
    assert why(result, "energy.gross") == "no steady epoch came to its end"
    assert why(result, "processes") == "no steady epoch came to its end"


# ---- others on the GPU


def test_a_process_of_somebody_else_is_named(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    bench.nvml.functions["nvmlDeviceGetProcessUtilization"][bench.somebody] = 35
    (other,) = value(bench.result(), "processes")
    assert other.pid == bench.somebody
    assert (other.memory, other.busy) == (9000 * 1024**2, 0.35)
    assert other.name


def test_a_process_that_only_holds_memory_is_known_to_be_idle(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    (other,) = value(bench.result(), "processes")
    assert other.busy == 0


def test_where_use_is_not_told_an_idle_process_is_not_presumed(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    bench.nvml.functions["nvmlDeviceGetProcessUtilization"] = "NOT_SUPPORTED"
    (other,) = value(bench.result(), "processes")
    assert other.busy is None


def test_a_process_that_ended_before_the_steady_epochs_is_not_in_the_window(bench: Bench) -> None:
    listed = bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed.append([bench.somebody, 9000])
    with bench.watch() as monitor:
        bench.pass_time(monitor, 2.0)
        listed.remove([bench.somebody, 9000])
        bench.train(monitor)
    result = monitor.result(bench.epochs)
    assert result is not None
    assert value(result, "processes") == ()


_OF_THE_HOST = [3_900_001, 3_900_002]  # above what this machine's processes have reached


def test_in_a_container_the_worker_is_not_taken_for_somebody_else(bench: Bench) -> None:
    listed = bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed.clear()
    with bench.watch() as monitor:
        listed.append([_OF_THE_HOST[0], 70_000])  # the worker, by the host's process id
        bench.train(monitor)
    result = monitor.result(bench.epochs)
    assert result is not None
    assert value(result, "processes") == ()


def test_in_a_container_one_that_was_there_before_the_worker_is_somebody_else(bench: Bench) -> None:
    listed = bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed[:] = [[_OF_THE_HOST[0], 500]]
    with bench.watch() as monitor:
        listed.append([_OF_THE_HOST[1], 70_000])
        bench.train(monitor)
    result = monitor.result(bench.epochs)
    assert result is not None
    (other,) = value(result, "processes")
    assert (other.pid, other.name) == (_OF_THE_HOST[0], None)


def test_process_ids_that_cannot_be_are_left_out(bench: Bench) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[4294967295, 1], [0, 1]]
    assert value(bench.result(), "processes") == ()


# ---- what goes wrong


def test_a_gpu_lost_in_mid_epoch_is_an_event_and_the_last_thing_read(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=3)
        bench.pass_time(monitor, 0.7)
        bench.nvml.lost = True
        bench.pass_time(monitor, 0.1)
        assert monitor.tick() is False
        calls = sum(bench.nvml.counts.values())
    result = monitor.result(bench.epochs)
    assert result is not None
    assert result.lost is not None
    assert (result.lost.epoch, result.lost.why) == (4, "GPU is lost")
    assert result.lost.seconds_into_it == pytest.approx(0.8)
    assert value(result, "power.mean") == 310  # what was read before still stands
    assert sum(bench.nvml.counts.values()) == calls
    assert bench.nvml.open == 0


@pytest.mark.parametrize("bench", ["hopper", "kepler", "mig_slice"], indirect=True)
def test_a_gpu_lost_before_the_training_is_an_event_too(bench: Bench) -> None:
    bench.nvml.lost = True
    with bench.watch() as monitor:
        pass
    result = monitor.result([])
    assert result is not None
    assert result.lost == Lost(1, None, "GPU is lost")
    assert why(result, "pcie.width_limit") == "the GPU is lost: GPU is lost"
    assert bench.nvml.open == 0


def test_a_gpu_that_must_be_reset_is_lost(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=2)
        bench.nvml.functions["nvmlDeviceGetPowerUsage"] = "RESET_REQUIRED"
        monitor.tick()
    result = monitor.result(bench.epochs)
    assert result is not None
    assert result.lost is not None
    assert result.lost.why == "GPU requires restart"


def test_what_is_not_permitted_says_so_and_leaves_the_rest(bench: Bench) -> None:
    for name in ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues"):
        bench.nvml.functions[name] = "NO_PERMISSION"
    result = bench.result()
    assert why(result, "power.mean") == "permission denied; run as root to read it"
    assert why(result, "throttled.thermal") == "permission denied; run as root to read it"
    assert value(result, "temperature") == 44


def test_an_nvml_that_permits_nothing_gives_that_reason_everywhere(bench: Bench) -> None:
    bench.nvml.functions["nvmlInitWithFlags"] = "NO_PERMISSION"
    with bench.watch() as monitor:
        pass
    result = monitor.result([])
    assert result is not None
    reasons = {leaf.why for path, leaf in leaves(result) if path == "memory.before"}
    assert reasons == {"NVML does not answer: Insufficient Permissions"}


def test_a_hiccup_is_not_held_against_the_gpu(bench: Bench) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=2)
        power = bench.nvml.functions.pop("nvmlDeviceGetPowerUsage")
        bench.nvml.functions["nvmlDeviceGetPowerUsage"] = "UNKNOWN"
        monitor.tick()
        bench.nvml.functions["nvmlDeviceGetPowerUsage"] = power
        bench.train(monitor, epochs=2)
    result = monitor.result(bench.epochs)
    assert result is not None
    assert value(result, "power.mean") == 310


def test_another_package_of_that_name_is_told_apart_and_not_asked() -> None:
    rogue = ModuleType("pynvml")
    gpu = FakeNvml("hopper").device
    assert "pip uninstall pynvml" in str(idle_power(gpu, rogue).why)
    with GpuMonitor(gpu, rogue) as monitor:
        monitor.worker = 4711
    result = monitor.result([])
    assert result is not None
    assert "pip uninstall pynvml" in why(result, "memory.before")
    assert result.ticks == 0


def test_without_nvidia_ml_py_there_are_reasons_and_no_crash() -> None:
    with GpuMonitor(FakeNvml("hopper").device, None) as monitor:
        pass
    result = monitor.result([])
    assert result is not None
    assert why(result, "memory.total") == "nvidia-ml-py is not here"


def test_a_gpu_that_nvml_does_not_know_gives_reasons(bench: Bench) -> None:
    other = Device("a GPU", index=0, uuids=("GPU-00000000-0000-0000-0000-000000000000",))
    with GpuMonitor(other, bench.nvml.module, interval=_NEVER, clock=bench.nvml.clock) as monitor:
        bench.train(monitor)
    result = monitor.result(bench.epochs)
    assert result is not None
    assert why(result, "power.mean") == "Not Found"


def test_the_cpu_has_no_telemetry() -> None:
    with GpuMonitor(CPU, None) as monitor:
        monitor.worker = 4711
    assert monitor.result([]) is None


# ---- several GPUs that train one network


_OTHER = "GPU-00000000-0000-4000-8000-000000000001"


def test_gpus_that_train_together_are_read_by_one_thread_and_added_up(bench: Bench) -> None:
    bench.nvml.uuids.add(_OTHER)
    both = Device("2 × H100", group="gpus", uuids=(bench.nvml.uuid, _OTHER))
    nvml = bench.nvml
    idle = idle_power(both, nvml.module, wait=_passing(nvml), clock=nvml.clock)
    assert idle.value == pytest.approx(2 * 70, rel=1e-3)
    with GpuMonitor(both, nvml.module, idle=idle, interval=_NEVER, clock=nvml.clock) as monitor:
        assert len([t for t in threading.enumerate() if t.name == "telemetry"]) == 1
        bench.train(monitor)
    result = monitor.result(bench.epochs)
    assert result is not None
    assert value(result, "energy.gross") == pytest.approx(8 * 2 * 310, rel=1e-3)
    assert value(result, "energy.net") == pytest.approx(8 * 2 * (310 - 70), rel=1e-3)
    assert value(result, "power.mean") == 2 * 310
    assert value(result, "power.limit") == 700
    assert value(result, "memory.total") == 2 * 81559 * 1024**2
    assert value(result, "clocks.sm") == 1980
    assert value(result, "ecc.remapped_rows").pending is False
    assert monitor.energy_on_the_clock(bench.epochs).value == pytest.approx(6200, rel=1e-3)
    assert {path for path, _ in leaves(result)} == {p for p, _ in leaves(Bench("hopper").result())}


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


def test_the_thread_reads_by_itself_and_ends_with_the_block(bench: Bench) -> None:
    ticked = threading.Event()
    nvml = bench.nvml.module
    real = nvml.nvmlDeviceGetPowerUsage

    def power(handle: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            ticked.set()
        return real(handle)

    nvml.nvmlDeviceGetPowerUsage = power  # type: ignore[attr-defined]
    with GpuMonitor(bench.nvml.device, nvml, interval=0.001) as monitor:
        assert ticked.wait(60)
    assert not [thread for thread in threading.enumerate() if thread.name == "telemetry"]
    result = monitor.result([])
    assert result is not None
    assert result.ticks >= 1
    assert result.cpu_seconds > 0
    assert bench.nvml.open == 0


def test_an_nvml_that_never_returns_does_not_hold_up_the_training(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetries, "_PATIENCE", 0.0)
    caught, released = threading.Event(), threading.Event()

    def power(_handle: Any) -> int:
        if threading.current_thread() is not threading.main_thread():
            caught.set()
            released.wait(60)
        return 310_000

    bench.nvml.module.nvmlDeviceGetPowerUsage = power  # type: ignore[attr-defined]
    with GpuMonitor(bench.nvml.device, bench.nvml.module, interval=0.001) as monitor:
        assert caught.wait(60)
    result = monitor.result([])
    released.set()
    assert result is not None
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
