"""Telemetry of every kind of GPU, through nvidia-ml-py's own code (see fake_nvml.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.record.measured import known
from bench.record.timing import EpochTiming
from tests.support.measured import leaves, places, value, why
from tests.support.watched_gpu import TICK, WatchedGpu, seen
from tests.unit.fake_nvml import KINDS

_COUNTED = ("volta", "turing_laptop", "ada", "hopper", "blackwell")
_INTEGRATED = ("kepler", "pascal")


@pytest.fixture
def gpu(request: pytest.FixtureRequest) -> WatchedGpu:
    return WatchedGpu(getattr(request, "param", "hopper"))


# ---- every kind of GPU


@pytest.mark.parametrize("gpu", KINDS, indirect=True)
def test_every_kind_of_gpu_gives_values_or_reasons_and_never_both(gpu: WatchedGpu) -> None:
    assert len(list(leaves(gpu.result()))) > 40


@pytest.mark.parametrize("gpu", KINDS, indirect=True)
def test_results_of_all_kinds_have_the_same_places(gpu: WatchedGpu) -> None:
    assert places(gpu.result()) == places(WatchedGpu("hopper").result())


@pytest.mark.parametrize("gpu", KINDS, indirect=True)
def test_what_a_gpu_refuses_is_not_asked_again(gpu: WatchedGpu) -> None:
    functions = gpu.nvml.functions
    gpu.result()
    for name, answer in functions.items():
        if answer == "NOT_SUPPORTED":
            kinds = 2 if "Ecc" in name else 1
            assert gpu.nvml.counts.get(name, 0) <= kinds, name


@pytest.mark.parametrize("gpu", [k for k in KINDS if k != "mig_slice"], indirect=True)
def test_a_tick_takes_five_calls_at_most(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=1)
        before = sum(gpu.nvml.counts.values())
        gpu.pass_time(monitor, 10 * TICK)
        calls = sum(gpu.nvml.counts.values()) - before
    # The list of processes takes two calls into the library: for its length, and for itself.
    assert calls <= 10 * 5 + 2


def test_a_pause_between_epochs_is_no_want_of_work_in_them(gpu: WatchedGpu) -> None:
    whole = value(WatchedGpu("hopper").result(), "busy")
    with gpu.watch() as monitor:
        for number in range(1, 4):
            gpu.train(monitor, epochs=1)
            gpu.epochs[-1] = replace(gpu.epochs[-1], number=number)
            gpu.nvml.busy = False
            gpu.pass_time(monitor, 2.0)
    result = seen(monitor, gpu.epochs)
    assert value(result, "busy") == pytest.approx(whole, rel=0.05)
    assert value(result, "power.mean") < 0.9 * 310  # that is of the whole time, as the energy is


@pytest.mark.parametrize("gpu", _COUNTED, indirect=True)
def test_energy_is_the_counters_from_volta_on(gpu: WatchedGpu) -> None:
    watts = gpu.nvml.functions["nvmlDeviceGetPowerUsage"][1] / 1000
    result = gpu.result()
    assert value(result, "energy.source") == "counter"
    assert value(result, "energy.gross") == pytest.approx(8 * watts, rel=1e-3)
    assert value(result, "energy.gross_per_epoch") == pytest.approx(2 * watts, rel=1e-3)


@pytest.mark.parametrize("gpu", _INTEGRATED, indirect=True)
def test_energy_before_volta_is_integrated_and_says_so(gpu: WatchedGpu) -> None:
    watts = gpu.nvml.functions["nvmlDeviceGetPowerUsage"][1] / 1000
    result = gpu.result()
    assert value(result, "energy.source") == "integrated from power samples"
    assert value(result, "energy.gross") == pytest.approx(8 * watts, rel=1e-3)


def test_a_guest_with_a_part_of_a_gpu_has_its_memory_and_its_use_and_no_power() -> None:
    result = WatchedGpu("vgpu").result()
    assert value(result, "busy") == pytest.approx(0.66)
    assert value(result, "memory.peak") == 38000 * 1024**2
    for place in ("energy.gross", "power.mean", "clocks.sm", "temperature", "throttled.power"):
        assert why(result, place) == "not supported by this GPU"


def test_a_mig_slice_has_its_own_memory_and_the_gpus_clocks_but_not_its_power() -> None:
    result = WatchedGpu("mig_slice").result()
    assert value(result, "memory.total") == 9728 * 1024**2
    assert value(result, "clocks.sm") == 1410
    assert value(result, "temperature") == 51
    assert value(result, "throttled.hardware_thermal") == 0
    assert "its neighbours' too" in why(result, "energy.gross")
    assert "its neighbours' too" in why(result, "power.mean")


def test_a_laptop_shows_its_power_and_not_its_limit() -> None:
    result = WatchedGpu("turing_laptop").result()
    assert value(result, "power.mean") == 78
    assert why(result, "power.limit_share") == "not supported by this GPU"
    assert value(result, "throttled.power") == pytest.approx(0.9 * 8, rel=1e-3)


def test_a_driver_from_before_the_new_names_is_asked_by_the_old_ones() -> None:
    result = WatchedGpu("kepler").result()
    assert value(result, "temperature") == 72
    assert value(result, "reasons.power") == 0
    assert value(result, "processes") == ()
    assert value(result, "memory.peak") == 10900 * 1024**2


# ---- what is read


def test_net_energy_is_what_training_took_on_top_of_idle(gpu: WatchedGpu) -> None:
    gpu.idle = known(70.0)
    result = gpu.result()
    assert value(result, "energy.net") == pytest.approx(8 * (310 - 70), rel=1e-3)
    assert value(result, "energy.net_per_epoch") == pytest.approx(2 * (310 - 70), rel=1e-3)


def test_the_first_epoch_and_what_lies_around_is_outside_the_window(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 690_000
        gpu.train(monitor, epochs=1)
        gpu.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 310_000
        gpu.nvml.busy = True  # the counter goes on with the new power
        gpu.train(monitor, epochs=4)
        gpu.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 690_000
        gpu.pass_time(monitor, 3.0)
    epochs = [gpu.epochs[0], *gpu.epochs[1:]]
    result = seen(monitor, epochs)
    assert value(result, "power.mean") == pytest.approx(310, rel=0.02)
    assert value(result, "energy.gross") == pytest.approx(8 * 310, rel=0.02)


def test_what_nvml_averages_over_a_second_is_not_told_of_less(gpu: WatchedGpu) -> None:
    result = gpu.result(seconds=0.2)
    assert why(result, "busy") == (
        "the epochs took 0.8 s in a row, and a reading of utilization covers 1 s"
    )
    assert why(result, "power.mean") == (
        "the epochs took 0.8 s in a row, and a reading of power covers 1 s"
    )
    assert value(result, "clocks.sm")


def test_utilization_of_what_came_before_the_epochs_is_not_theirs(gpu: WatchedGpu) -> None:
    _, share = gpu.nvml.functions["nvmlDeviceGetUtilizationRates"]
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=1)
        gpu.nvml.busy = False
        gpu.pass_time(monitor, 3.0)
        begun = gpu.nvml.now
        gpu.pass_time(monitor, 0.9)  # NVML still tells of the idle second before
        gpu.nvml.busy = True
        gpu.pass_time(monitor, 1.1)
        gpu.epochs.append(EpochTiming(2, begun, gpu.nvml.now, 100, 0.5))
    assert value(seen(monitor, gpu.epochs), "busy") == pytest.approx(share / 100)


def test_energy_of_less_than_two_seconds_is_not_given(gpu: WatchedGpu) -> None:
    result = gpu.result(seconds=0.4)
    assert why(result, "energy.gross") == "the epochs took 1.6 s together, and energy takes 2 s"
    assert why(result, "energy.net_per_epoch") == why(result, "energy.gross")
    assert value(result, "power.mean") == 310


def test_an_energy_counter_that_stands_still_is_not_taken_for_none_used(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetPowerUsage"] = [0, 0]
    assert why(gpu.result(), "energy.gross") == "the energy counter stood still"


def test_energy_on_the_clock_leaves_out_what_lies_between_epochs(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=5, seconds=2.0, gap=1.0)
    on_the_clock = monitor.energy_on_the_clock(gpu.epochs)
    assert on_the_clock.value == pytest.approx(5 * 2 * 310, rel=1e-3)


def test_throttling_is_told_by_its_reason_in_seconds_of_the_window(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.25, 271: 0.5}
    result = gpu.result()
    assert value(result, "throttled.software_thermal") == pytest.approx(0.25 * 8, rel=1e-3)
    assert value(result, "throttled.power_brake") == pytest.approx(0.5 * 8, rel=1e-3)
    assert value(result, "throttled.hardware_thermal") == 0


def test_one_field_that_fails_leaves_the_others_alone(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {75: "UNKNOWN", 270: 0.5}
    result = gpu.result()
    assert why(result, "throttled.thermal") == "Unknown Error"
    assert value(result, "throttled.hardware_thermal") == pytest.approx(4, rel=1e-3)


def test_the_reasons_of_the_moment_are_shares_of_the_readings(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetCurrentClocksEventReasons"] = [1, 0x4 | 0x40]
    result = gpu.result()
    assert value(result, "reasons.power") == 1
    assert value(result, "reasons.hardware_thermal") == 1
    assert value(result, "reasons.power_brake") == 0


def test_an_idle_gpu_and_set_clocks_are_no_throttling(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetCurrentClocksEventReasons"] = [1, 0x1 | 0x2 | 0x100]
    result = gpu.result()
    assert all(leaf.value == 0 for path, leaf in leaves(result) if path.startswith("reasons."))


def test_a_lowered_limit_is_a_share_of_the_default(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 350_000
    assert value(gpu.result(), "power.limit_share") == 0.5


def test_the_link_is_that_under_load(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetCurrPcieLinkGeneration"] = [1, 5]
    gpu.nvml.functions["nvmlDeviceGetCurrPcieLinkWidth"] = [16, 8]
    result = gpu.result()
    assert value(result, "pcie.generation") == 5
    assert (value(result, "pcie.width"), value(result, "pcie.width_limit")) == (8, 16)


def test_ecc_errors_are_those_of_this_training(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetTotalEccErrors"] = [17, 20]
    assert value(gpu.result(), "ecc.corrected") == 3


def test_a_share_that_cannot_be_is_not_believed(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetUtilizationRates"] = 4294967295
    assert why(gpu.result(), "busy") == "NVML answered 4294967295 %"


def test_a_gap_between_readings_takes_the_energy_away(gpu: WatchedGpu) -> None:
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=3)
        begun = gpu.nvml.now
        gpu.nvml.now += 30.0  # NVML kept the thread waiting
        monitor.tick()
        gpu.epochs.append(EpochTiming(4, begun, gpu.nvml.now, 100, 0.5))
    result = seen(monitor, gpu.epochs)
    assert why(result, "energy.gross") == "NVML kept us waiting for 30.0 s between two readings"


def test_without_a_steady_epoch_there_is_no_window(gpu: WatchedGpu) -> None:
    result = gpu.result(epochs=1)
    assert result.steady_seconds is None
    assert why(result, "energy.gross") == "no steady epoch came to its end"
    assert why(result, "processes") == "no steady epoch came to its end"


# ---- others on the GPU


def test_a_process_of_somebody_else_is_named(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[gpu.somebody, 9000]]
    gpu.nvml.functions["nvmlDeviceGetProcessUtilization"][gpu.somebody] = 35
    (other,) = value(gpu.result(), "processes")
    assert other.pid == gpu.somebody
    assert (other.memory, other.busy) == (9000 * 1024**2, 0.35)
    assert other.name


def test_a_process_that_only_holds_memory_is_known_to_be_idle(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[gpu.somebody, 9000]]
    (other,) = value(gpu.result(), "processes")
    assert other.busy == 0


def test_where_use_is_not_told_an_idle_process_is_not_presumed(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[gpu.somebody, 9000]]
    gpu.nvml.functions["nvmlDeviceGetProcessUtilization"] = "NOT_SUPPORTED"
    (other,) = value(gpu.result(), "processes")
    assert other.busy is None


def test_a_process_that_ended_before_the_steady_epochs_is_not_in_the_window(
    gpu: WatchedGpu,
) -> None:
    listed = gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed.append([gpu.somebody, 9000])
    with gpu.watch() as monitor:
        gpu.pass_time(monitor, 2.0)
        listed.remove([gpu.somebody, 9000])
        gpu.train(monitor)
    result = seen(monitor, gpu.epochs)
    assert value(result, "processes") == ()


_OF_THE_HOST = [3_900_001, 3_900_002]  # above what this machine's processes have reached


def test_in_a_container_the_worker_is_not_taken_for_somebody_else(gpu: WatchedGpu) -> None:
    listed = gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed.clear()
    with gpu.watch() as monitor:
        listed.append([_OF_THE_HOST[0], 70_000])  # the worker, by the host's process id
        gpu.train(monitor)
    result = seen(monitor, gpu.epochs)
    assert value(result, "processes") == ()


def test_in_a_container_one_that_was_there_before_the_worker_is_somebody_else(
    gpu: WatchedGpu,
) -> None:
    listed = gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed[:] = [[_OF_THE_HOST[0], 500]]
    with gpu.watch() as monitor:
        listed.append([_OF_THE_HOST[1], 70_000])
        gpu.train(monitor)
    result = seen(monitor, gpu.epochs)
    (other,) = value(result, "processes")
    assert (other.pid, other.name) == (_OF_THE_HOST[0], None)


def test_process_ids_that_cannot_be_are_left_out(gpu: WatchedGpu) -> None:
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[4294967295, 1], [0, 1]]
    assert value(gpu.result(), "processes") == ()
