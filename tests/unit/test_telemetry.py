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
def bench(request: pytest.FixtureRequest) -> WatchedGpu:
    return WatchedGpu(getattr(request, "param", "hopper"))


# ---- every kind of GPU


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_every_kind_of_gpu_gives_values_or_reasons_and_never_both(bench: WatchedGpu) -> None:
    assert len(list(leaves(bench.result()))) > 40


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_results_of_all_kinds_have_the_same_places(bench: WatchedGpu) -> None:
    assert places(bench.result()) == places(WatchedGpu("hopper").result())


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_what_a_gpu_refuses_is_not_asked_again(bench: WatchedGpu) -> None:
    functions = bench.nvml.functions
    bench.result()
    for name, answer in functions.items():
        if answer == "NOT_SUPPORTED":
            kinds = 2 if "Ecc" in name else 1
            assert bench.nvml.counts.get(name, 0) <= kinds, name


@pytest.mark.parametrize("bench", [k for k in KINDS if k != "mig_slice"], indirect=True)
def test_a_tick_takes_five_calls_at_most(bench: WatchedGpu) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=1)
        before = sum(bench.nvml.counts.values())
        bench.pass_time(monitor, 10 * TICK)
        calls = sum(bench.nvml.counts.values()) - before
    # The list of processes takes two calls into the library: for its length, and for itself.
    assert calls <= 10 * 5 + 2


def test_a_pause_between_epochs_is_no_want_of_work_in_them(bench: WatchedGpu) -> None:
    whole = value(WatchedGpu("hopper").result(), "busy")
    with bench.watch() as monitor:
        for number in range(1, 4):
            bench.train(monitor, epochs=1)
            bench.epochs[-1] = replace(bench.epochs[-1], number=number)
            bench.nvml.busy = False
            bench.pass_time(monitor, 2.0)
    result = seen(monitor, bench.epochs)
    assert value(result, "busy") == pytest.approx(whole, rel=0.05)
    assert value(result, "power.mean") < 0.9 * 310  # that is of the whole time, as the energy is


@pytest.mark.parametrize("bench", _COUNTED, indirect=True)
def test_energy_is_the_counters_from_volta_on(bench: WatchedGpu) -> None:
    watts = bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] / 1000
    result = bench.result()
    assert value(result, "energy.source") == "counter"
    assert value(result, "energy.gross") == pytest.approx(8 * watts, rel=1e-3)
    assert value(result, "energy.gross_per_epoch") == pytest.approx(2 * watts, rel=1e-3)


@pytest.mark.parametrize("bench", _INTEGRATED, indirect=True)
def test_energy_before_volta_is_integrated_and_says_so(bench: WatchedGpu) -> None:
    watts = bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] / 1000
    result = bench.result()
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


def test_net_energy_is_what_training_took_on_top_of_idle(bench: WatchedGpu) -> None:
    bench.idle = known(70.0)
    result = bench.result()
    assert value(result, "energy.net") == pytest.approx(8 * (310 - 70), rel=1e-3)
    assert value(result, "energy.net_per_epoch") == pytest.approx(2 * (310 - 70), rel=1e-3)


def test_the_first_epoch_and_what_lies_around_is_outside_the_window(bench: WatchedGpu) -> None:
    with bench.watch() as monitor:
        bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 690_000
        bench.train(monitor, epochs=1)
        bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 310_000
        bench.nvml.busy = True  # the counter goes on with the new power
        bench.train(monitor, epochs=4)
        bench.nvml.functions["nvmlDeviceGetPowerUsage"][1] = 690_000
        bench.pass_time(monitor, 3.0)
    epochs = [bench.epochs[0], *bench.epochs[1:]]
    result = seen(monitor, epochs)
    assert value(result, "power.mean") == pytest.approx(310, rel=0.02)
    assert value(result, "energy.gross") == pytest.approx(8 * 310, rel=0.02)


def test_what_nvml_averages_over_a_second_is_not_told_of_less(bench: WatchedGpu) -> None:
    result = bench.result(seconds=0.2)
    assert why(result, "busy") == (
        "the epochs took 0.8 s in a row, and a reading of utilization covers 1 s"
    )
    assert why(result, "power.mean") == (
        "the epochs took 0.8 s in a row, and a reading of power covers 1 s"
    )
    assert value(result, "clocks.sm")


def test_utilization_of_what_came_before_the_epochs_is_not_theirs(bench: WatchedGpu) -> None:
    _, share = bench.nvml.functions["nvmlDeviceGetUtilizationRates"]
    with bench.watch() as monitor:
        bench.train(monitor, epochs=1)
        bench.nvml.busy = False
        bench.pass_time(monitor, 3.0)
        begun = bench.nvml.now
        bench.pass_time(monitor, 0.9)  # NVML still tells of the idle second before
        bench.nvml.busy = True
        bench.pass_time(monitor, 1.1)
        bench.epochs.append(EpochTiming(2, begun, bench.nvml.now, 100, 0.5))
    assert value(seen(monitor, bench.epochs), "busy") == pytest.approx(share / 100)


def test_energy_of_less_than_two_seconds_is_not_given(bench: WatchedGpu) -> None:
    result = bench.result(seconds=0.4)
    assert why(result, "energy.gross") == "the epochs took 1.6 s together, and energy takes 2 s"
    assert why(result, "energy.net_per_epoch") == why(result, "energy.gross")
    assert value(result, "power.mean") == 310


def test_an_energy_counter_that_stands_still_is_not_taken_for_none_used(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetPowerUsage"] = [0, 0]
    assert why(bench.result(), "energy.gross") == "the energy counter stood still"


def test_energy_on_the_clock_leaves_out_what_lies_between_epochs(bench: WatchedGpu) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=5, seconds=2.0, gap=1.0)
    on_the_clock = monitor.energy_on_the_clock(bench.epochs)
    assert on_the_clock.value == pytest.approx(5 * 2 * 310, rel=1e-3)


def test_throttling_is_told_by_its_reason_in_seconds_of_the_window(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.25, 271: 0.5}
    result = bench.result()
    assert value(result, "throttled.software_thermal") == pytest.approx(0.25 * 8, rel=1e-3)
    assert value(result, "throttled.power_brake") == pytest.approx(0.5 * 8, rel=1e-3)
    assert value(result, "throttled.hardware_thermal") == 0


def test_one_field_that_fails_leaves_the_others_alone(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {75: "UNKNOWN", 270: 0.5}
    result = bench.result()
    assert why(result, "throttled.thermal") == "Unknown Error"
    assert value(result, "throttled.hardware_thermal") == pytest.approx(4, rel=1e-3)


def test_the_reasons_of_the_moment_are_shares_of_the_readings(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetCurrentClocksEventReasons"] = [1, 0x4 | 0x40]
    result = bench.result()
    assert value(result, "reasons.power") == 1
    assert value(result, "reasons.hardware_thermal") == 1
    assert value(result, "reasons.power_brake") == 0


def test_an_idle_gpu_and_set_clocks_are_no_throttling(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetCurrentClocksEventReasons"] = [1, 0x1 | 0x2 | 0x100]
    result = bench.result()
    assert all(leaf.value == 0 for path, leaf in leaves(result) if path.startswith("reasons."))


def test_a_lowered_limit_is_a_share_of_the_default(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 350_000
    assert value(bench.result(), "power.limit_share") == 0.5


def test_the_link_is_that_under_load(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetCurrPcieLinkGeneration"] = [1, 5]
    bench.nvml.functions["nvmlDeviceGetCurrPcieLinkWidth"] = [16, 8]
    result = bench.result()
    assert value(result, "pcie.generation") == 5
    assert (value(result, "pcie.width"), value(result, "pcie.width_limit")) == (8, 16)


def test_ecc_errors_are_those_of_this_training(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetTotalEccErrors"] = [17, 20]
    assert value(bench.result(), "ecc.corrected") == 3


def test_a_share_that_cannot_be_is_not_believed(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetUtilizationRates"] = 4294967295
    assert why(bench.result(), "busy") == "NVML answered 4294967295 %"


def test_a_gap_between_readings_takes_the_energy_away(bench: WatchedGpu) -> None:
    with bench.watch() as monitor:
        bench.train(monitor, epochs=3)
        begun = bench.nvml.now
        bench.nvml.now += 30.0  # NVML kept the thread waiting
        monitor.tick()
        bench.epochs.append(EpochTiming(4, begun, bench.nvml.now, 100, 0.5))
    result = seen(monitor, bench.epochs)
    assert why(result, "energy.gross") == "NVML kept us waiting for 30.0 s between two readings"


def test_without_a_steady_epoch_there_is_no_window(bench: WatchedGpu) -> None:
    result = bench.result(epochs=1)
    assert result.steady_seconds is None
    assert why(result, "energy.gross") == "no steady epoch came to its end"
    assert why(result, "processes") == "no steady epoch came to its end"


# ---- others on the GPU


def test_a_process_of_somebody_else_is_named(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    bench.nvml.functions["nvmlDeviceGetProcessUtilization"][bench.somebody] = 35
    (other,) = value(bench.result(), "processes")
    assert other.pid == bench.somebody
    assert (other.memory, other.busy) == (9000 * 1024**2, 0.35)
    assert other.name


def test_a_process_that_only_holds_memory_is_known_to_be_idle(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    (other,) = value(bench.result(), "processes")
    assert other.busy == 0


def test_where_use_is_not_told_an_idle_process_is_not_presumed(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    bench.nvml.functions["nvmlDeviceGetProcessUtilization"] = "NOT_SUPPORTED"
    (other,) = value(bench.result(), "processes")
    assert other.busy is None


def test_a_process_that_ended_before_the_steady_epochs_is_not_in_the_window(
    bench: WatchedGpu,
) -> None:
    listed = bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed.append([bench.somebody, 9000])
    with bench.watch() as monitor:
        bench.pass_time(monitor, 2.0)
        listed.remove([bench.somebody, 9000])
        bench.train(monitor)
    result = seen(monitor, bench.epochs)
    assert value(result, "processes") == ()


_OF_THE_HOST = [3_900_001, 3_900_002]  # above what this machine's processes have reached


def test_in_a_container_the_worker_is_not_taken_for_somebody_else(bench: WatchedGpu) -> None:
    listed = bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed.clear()
    with bench.watch() as monitor:
        listed.append([_OF_THE_HOST[0], 70_000])  # the worker, by the host's process id
        bench.train(monitor)
    result = seen(monitor, bench.epochs)
    assert value(result, "processes") == ()


def test_in_a_container_one_that_was_there_before_the_worker_is_somebody_else(
    bench: WatchedGpu,
) -> None:
    listed = bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"]
    listed[:] = [[_OF_THE_HOST[0], 500]]
    with bench.watch() as monitor:
        listed.append([_OF_THE_HOST[1], 70_000])
        bench.train(monitor)
    result = seen(monitor, bench.epochs)
    (other,) = value(result, "processes")
    assert (other.pid, other.name) == (_OF_THE_HOST[0], None)


def test_process_ids_that_cannot_be_are_left_out(bench: WatchedGpu) -> None:
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[4294967295, 1], [0, 1]]
    assert value(bench.result(), "processes") == ()
