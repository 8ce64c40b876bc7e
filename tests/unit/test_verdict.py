"""Verdicts: none on a quiet machine, and each in its own case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.judge import verdict
from bench.observe.devices import Device
from bench.workloads.registry import WORKLOADS
from tests.unit.entries import CPU, H100, failed, finished
from tests.unit.fake_nvml import KINDS
from tests.unit.test_conditions import WORKER, Machine, epochs
from tests.unit.test_telemetry import Bench

_RECORDED = Path(__file__).parent / "conditions"
QUIET = {"worker": 17.5, "other": 0.2, "parent": 0.1, "stolen": 0.02}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def on_cpu(conditions: dict[str, Any], **figures: Any) -> dict[str, Any]:
    return finished("convnet", CPU, conditions=conditions, **figures)


def on_gpu(bench: Bench, conditions: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
    return finished("convnet", H100, telemetry=bench.result(**how), conditions=conditions)


def word(entry: dict[str, Any]) -> str:
    return str(entry["verdict"]["word"])


# ---- quiet machines


def test_a_quiet_cpu_is_ok(machine: Machine) -> None:
    entry = on_cpu(machine.seen(**QUIET))
    quiet = "its steady epochs spread by 0.0 % around their median, and nothing held it back"
    assert entry["verdict"] == {"word": "OK", "evidence": quiet, "mend": None}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_gpu_that_trains_undisturbed_is_ok(kind: str, machine: Machine) -> None:
    assert word(on_gpu(Bench(kind), machine.seen(**QUIET))) == "OK"


@pytest.mark.parametrize("seconds", [0.1, 0.7, 30.0])
def test_a_quiet_gpu_is_ok_however_short_or_long_its_epochs(seconds: float) -> None:
    assert word(on_gpu(Bench("hopper"), seconds=seconds)) == "OK"


def test_on_a_machine_that_does_nothing_else_no_cause_is_seen_where_there_is_none() -> None:
    entries = json.loads((_RECORDED / "quiet.json").read_text(encoding="utf-8"))
    assert {entry["workload"] for entry in entries} == set(WORKLOADS)
    words = [verdict.judge(entry)["word"] for entry in entries]
    # A shared host changes its pace, by nothing that can be seen from inside.
    uneven = [entry["epochs"]["spread"] > 0.05 * entry["epochs"]["median"] for entry in entries]
    assert words == ["NOISY" if each else "OK" for each in uneven]
    assert words.count("OK") >= 7


def test_a_recorded_training_beside_other_tests_is_contended() -> None:
    entry = json.loads((_RECORDED / "busy_mlp.json").read_text(encoding="utf-8"))
    assert verdict.judge(entry)["word"] == "CONTENDED"


def test_threads_that_wait_for_each_other_are_no_contention(machine: Machine) -> None:
    conditions = machine.watch()
    conditions.begin(WORKER)
    machine.waited["cpu"] += 8.0
    machine.spend(10.0, **{**QUIET, "worker": 19.0})
    conditions.end()
    assert word(on_cpu(conditions.result(epochs(4)))) == "OK"


def test_load_that_nobody_waits_for_is_no_contention(machine: Machine) -> None:
    assert word(on_cpu(machine.seen(worker=4.0, other=6.0))) == "OK"


def test_a_gpu_at_its_default_limit_is_not_capped() -> None:
    bench = Bench("blackwell")
    result = bench.result()
    assert result["throttled"]["power"]["value"] == pytest.approx(0.95 * 8, rel=1e-3)
    assert word(finished("mlp", H100, telemetry=result)) == "OK"


def test_a_lowered_limit_that_never_binds_is_no_cap() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 500_000
    assert word(on_gpu(bench)) == "OK"


def test_a_notebook_that_only_holds_memory_is_no_contention() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    assert word(on_gpu(bench)) == "OK"


def test_throttling_for_microseconds_is_none() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {75: 1e-6, 269: 0.005, 270: 1e-6}
    assert word(on_gpu(bench)) == "OK"


def test_one_odd_moment_of_a_gpu_without_counters_is_no_throttling() -> None:
    bench = Bench("kepler")
    with bench.watch() as telemetry:
        bench.train(telemetry, epochs=2)
        bench.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = 0x8
        bench.pass_time(telemetry, 0.5)
        bench.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = [1, 0]
        bench.train(telemetry, epochs=4)
    result = telemetry.result(bench.epochs)
    assert result is not None
    assert 0 < result["reasons"]["hardware_slowdown"]["value"] < 0.1
    assert word(finished("mlp", H100, telemetry=result)) == "OK"


@pytest.mark.parametrize("driver", ["intel_pstate", "amd-pstate-epp"])
def test_powersave_is_the_usual_word_of_drivers_that_choose_themselves(
    machine: Machine, driver: str
) -> None:
    _governor(machine, "powersave", driver)
    assert word(on_cpu(machine.seen(**QUIET))) == "OK"


def test_what_could_not_be_measured_is_held_against_nobody() -> None:
    assert word(on_cpu({})) == "OK"
    bench = Bench("hopper")
    bench.nvml.functions["nvmlInitWithFlags"] = "NO_PERMISSION"
    with bench.watch() as telemetry:
        pass
    assert word(finished("mlp", H100, telemetry=telemetry.result([]))) == "OK"


# ---- each in its case


def test_epochs_that_differ_without_a_cause_are_noisy(machine: Machine) -> None:
    entry = on_cpu(machine.seen(**QUIET), seconds=(2.0, 1.0, 1.2, 0.8, 1.0, 1.1))
    assert word(entry) == "NOISY"
    assert "10 % around their median" in entry["verdict"]["evidence"]
    assert "pytest bench/ -k convnet --device cpu" in entry["verdict"]["mend"]


def test_a_gpu_that_was_lost_beside_a_finished_training_leaves_it_in_doubt() -> None:
    bench = Bench("hopper")
    with bench.watch() as telemetry:
        bench.train(telemetry)
        bench.nvml.lost = True
        telemetry.tick()
    entry = finished("mlp", H100, telemetry=telemetry.result(bench.epochs))
    assert word(entry) == "NOISY"
    assert "GPU is lost" in entry["verdict"]["evidence"]


def test_programs_of_others_that_keep_ours_waiting_are_contention(machine: Machine) -> None:
    conditions = machine.watch()
    conditions.begin(WORKER)
    machine.waited["cpu"] += 9.5
    machine.spend(10.0, worker=12.0, other=7.0)
    conditions.end()
    entry = on_cpu(conditions.result(epochs(4)), seconds=(2.0, 1.0, 1.5, 0.5))
    assert entry["verdict"] == {
        "word": "CONTENDED",
        "evidence": "other programs used 35 % of its processors, and tasks waited 95 % of the time",
        "mend": "ps -eo pcpu,pid,comm --sort=-pcpu | head shows them",
    }


def test_without_pressure_full_processors_stand_for_waiting(machine: Machine) -> None:
    for name in ("cpu", "memory", "io"):
        (machine.root / f"proc/pressure/{name}").unlink()
    machine.waited.clear()
    assert word(on_cpu(machine.seen(worker=12.0, other=7.0))) == "CONTENDED"
    assert word(on_cpu(machine.seen(worker=6.0, other=7.0))) == "OK"


def test_a_hypervisor_that_serves_others_is_contention(machine: Machine) -> None:
    entry = on_cpu(machine.seen(worker=15.0, stolen=1.0))
    assert word(entry) == "CONTENDED"
    assert "hypervisor gave 5.0 %" in entry["verdict"]["evidence"]


def test_waiting_for_memory_is_contention(machine: Machine) -> None:
    conditions = machine.watch()
    conditions.begin(WORKER)
    machine.waited["memory"] += 0.4
    machine.spend(10.0, **QUIET)
    conditions.end()
    entry = on_cpu(conditions.result(epochs(4)))
    assert word(entry) == "CONTENDED"
    assert "waited for memory 4.0 % of the time" in entry["verdict"]["evidence"]


def test_another_process_that_computes_on_the_gpu_is_contention() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    bench.nvml.functions["nvmlDeviceGetProcessUtilization"][bench.somebody] = 35
    entry = on_gpu(bench)
    assert word(entry) == "CONTENDED"
    assert f"(pid {bench.somebody}) computed on the same GPU" in entry["verdict"]["evidence"]
    assert entry["verdict"]["mend"] == "nvidia-smi -i 0 shows it; wait for it"


@pytest.mark.parametrize("device", ["gpu:1 of all", "gpu:1:2", "gpu:1:2 of all"])
def test_of_several_gpus_and_of_slices_the_gpu_that_is_meant_is_named(device: str) -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.12, 270: 0.01}
    judged = verdict.judge({**on_gpu(bench), "device": device})
    assert "nvidia-smi -q -i 1 -d TEMPERATURE" in str(judged["mend"])


def test_what_mends_a_tuned_row_trains_it_tuned_again() -> None:
    noisy = verdict.judge({**finished("mlp", seconds=(9.0, 2.0, 1.5, 2.5)), "mode": "tuned"})
    assert str(noisy["mend"]).startswith("pytest bench/ -k mlp --device cpu --mode tuned --profile")


def test_heat_that_was_counted_is_throttling() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.12, 270: 0.01}
    bench.nvml.functions["nvmlDeviceGetTemperatureV"] = [40, 91]
    entry = on_gpu(bench)
    assert word(entry) == "THROTTLED"
    assert entry["verdict"]["evidence"] == (
        "heat (the driver's limit) held the clocks down 12 % of the time, at up to 91 °C"
    )
    assert "nvidia-smi -q -i 0 -d TEMPERATURE,PERFORMANCE" in entry["verdict"]["mend"]


def test_a_power_brake_is_throttling_by_the_supply() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {271: 0.5}
    entry = on_gpu(bench)
    assert word(entry) == "THROTTLED"
    assert "check the supply and its cables" in entry["verdict"]["mend"]


def test_heat_that_was_only_seen_is_throttling_on_a_gpu_without_counters() -> None:
    bench = Bench("kepler")
    bench.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = [1, 0x8 | 0x40]
    entry = on_gpu(bench)
    assert word(entry) == "THROTTLED"
    assert "heat (the chip's own limit)" in entry["verdict"]["evidence"]


def test_a_quota_that_stops_the_worker_is_throttling(machine: Machine) -> None:
    machine.files["sys/fs/cgroup/a/b/cpu.max"] = "150000 100000\n"
    machine.write()
    conditions = machine.watch()
    conditions.begin(WORKER)
    machine.files["sys/fs/cgroup/a/b/cpu.stat"] = "throttled_usec 3000000\n"
    machine.spend(10.0, worker=15.0)
    conditions.end()
    entry = on_cpu(conditions.result(epochs(4)))
    assert word(entry) == "THROTTLED"
    assert "CPU quota stopped it 30 % of the time" in entry["verdict"]["evidence"]


def test_a_processor_that_is_too_hot_is_throttling(machine: Machine) -> None:
    path = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_total_time_ms"
    machine.files[path] = "0\n"
    machine.write()
    conditions = machine.watch()
    conditions.begin(WORKER)
    machine.files[path] = "2000\n"
    machine.spend(10.0, **QUIET)
    conditions.end()
    assert word(on_cpu(conditions.result(epochs(4)))) == "THROTTLED"


def test_a_forgotten_cap_is_power_capped_and_the_default_mends_it() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 250_000
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {74: 0.9}
    entry = on_gpu(bench)
    assert entry["verdict"] == {
        "word": "POWER-CAPPED",
        "evidence": "its power limit is 250 W, 36 % of its 700 W, and binds",
        "mend": "sudo nvidia-smi -i 0 -pl 700",
    }


def test_a_cap_on_gpus_together_is_mended_on_all_of_them() -> None:
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 250_000
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {74: 0.9}
    gpus = Device("gpus", "2 × H100", "GPU-1,GPU-2")
    entry = finished("mlp", gpus, telemetry=bench.result())
    assert entry["verdict"]["mend"] == "sudo nvidia-smi -pl 700"


def test_without_counters_a_cap_is_seen_by_its_bit_or_by_power_beside_it() -> None:
    for reasons in ([1, 4], "NOT_SUPPORTED"):
        bench = Bench("kepler")
        bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 145_000
        bench.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = reasons
        assert word(on_gpu(bench)) == "POWER-CAPPED"


def test_a_governor_that_keeps_the_clock_low_is_a_cap(machine: Machine) -> None:
    _governor(machine, "powersave", "acpi-cpufreq")
    entry = on_cpu(machine.seen(**QUIET))
    assert word(entry) == "POWER-CAPPED"
    assert entry["verdict"]["mend"] == "sudo cpupower frequency-set -g performance"


@pytest.mark.parametrize("quality", [0.1, 0.999, float("nan")])
def test_a_network_that_learned_nothing_or_too_much_is_below_its_floor(quality: float) -> None:
    entry = finished("mlp", H100, quality=quality)
    assert word(entry) == "BELOW-FLOOR"
    assert entry["verdict"]["evidence"] == entry["quality"]["reason"]
    assert "--seed 2; ansible-playbook playbooks/verify.yml" in entry["verdict"]["mend"]


# ---- which of several


def _bad_in_every_way(machine: Machine) -> dict[str, Any]:
    """A training that every verdict but OK fits."""
    bench = Bench("hopper")
    bench.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 250_000
    bench.nvml.functions["nvmlDeviceGetFieldValues"] |= {74: 0.9, 269: 0.4}
    bench.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[bench.somebody, 9000]]
    bench.nvml.functions["nvmlDeviceGetProcessUtilization"][bench.somebody] = 35
    conditions = machine.seen(**QUIET)
    noisy = (2.0, 1.0, 1.5, 0.5)
    return finished(
        "mlp", H100, quality=0.1, seconds=noisy, telemetry=bench.result(), conditions=conditions
    )


def _learned(entry: dict[str, Any]) -> None:
    entry["quality"] = {**entry["quality"], "ok": True, "reason": None}


def _alone(entry: dict[str, Any]) -> None:
    entry["telemetry"]["processes"]["value"] = []


def _cool(entry: dict[str, Any]) -> None:
    entry["telemetry"]["throttled"]["software_thermal"]["value"] = 0.0


def _free(entry: dict[str, Any]) -> None:
    entry["telemetry"]["power"]["limit_share"]["value"] = 1.0


def test_the_first_cause_that_holds_is_the_word_and_noise_the_last(machine: Machine) -> None:
    entry = _bad_in_every_way(machine)
    mended: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
        ("BELOW-FLOOR", _learned),
        ("CONTENDED", _alone),
        ("THROTTLED", _cool),
        ("POWER-CAPPED", _free),
    ]
    for expected, mend in mended:
        assert verdict.judge(entry)["word"] == expected
        mend(entry)
    assert verdict.judge(entry)["word"] == "NOISY"


# ---- baselines


def test_only_a_finished_training_that_is_ok_may_be_a_baseline(machine: Machine) -> None:
    assert verdict.may_be_baseline(on_cpu(machine.seen(**QUIET)))
    assert not verdict.may_be_baseline(on_cpu({}, seconds=(2.0, 1.0, 1.5, 0.5)))
    assert not verdict.may_be_baseline(finished("mlp", quality=0.1))
    assert not verdict.may_be_baseline(failed("mlp", CPU, "killed"))


def test_an_entry_from_before_there_were_verdicts_is_no_baseline() -> None:
    entry = finished("mlp")
    del entry["verdict"]
    assert not verdict.may_be_baseline(entry)


def _governor(machine: Machine, governor: str, driver: str) -> None:
    for cpu in "01":
        folder = f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        machine.files[f"{folder}/scaling_governor"] = governor
        machine.files[f"{folder}/scaling_driver"] = driver
    machine.write()
