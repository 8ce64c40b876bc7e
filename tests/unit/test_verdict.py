"""Verdicts: none on a quiet machine, and each in its own case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bench.judge.verdict import judge
from bench.record.comparable import why_excluded
from bench.record.conditions import Conditions
from bench.record.head import Device
from bench.record.measured import known
from bench.record.model import Finished
from bench.record.verdict import Verdict
from bench.workloads import WORKLOADS
from tests.support.fake_host import FakeHost, epochs
from tests.support.judged import QUIET, govern, on_cpu, on_gpu, on_watched_gpu
from tests.support.records import CPU, H100, conditions, failed, quality, result
from tests.support.watched_gpu import WatchedGpu
from tests.unit.fake_nvml import KINDS

_RECORDED = Path(__file__).parent / "conditions"


def recorded(name: str) -> list[Finished]:
    """Trainings that were recorded on a real machine."""
    entries = json.loads((_RECORDED / name).read_text(encoding="utf-8"))
    return [
        result(
            entry["workload"],
            seconds=entry["seconds"],
            conditions=msgspec.convert(entry["conditions"], Conditions),
        )
        for entry in entries
    ]


# ---- quiet machines


def test_a_quiet_cpu_is_ok(machine: FakeHost) -> None:
    quiet = "epochs vary by 0.0 % (MAD)"
    assert on_cpu(machine.seen(**QUIET)) == Verdict("OK", quiet, None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_gpu_that_trains_undisturbed_is_ok(kind: str) -> None:
    assert on_gpu(WatchedGpu(kind)).word == "OK"


@pytest.mark.parametrize("seconds", [0.1, 0.7, 30.0])
def test_a_quiet_gpu_is_ok_however_short_or_long_its_epochs(seconds: float) -> None:
    assert on_gpu(WatchedGpu("hopper"), seconds=seconds).word == "OK"


def test_on_a_machine_that_does_nothing_else_no_cause_is_seen_where_there_is_none() -> None:
    results = recorded("quiet.json")
    assert {each.workload for each in results} == set(WORKLOADS)
    words = [judge(each).word for each in results]
    # A shared host changes its pace, by nothing that can be seen from inside.
    assert words == ["NOISY" if each.epochs.relative_spread > 0.05 else "OK" for each in results]
    assert words.count("OK") >= 7


def test_a_recorded_training_beside_other_tests_is_contended() -> None:
    (busy,) = recorded("busy_mlp.json")
    assert judge(busy).word == "CONTENDED"


def test_threads_that_wait_for_each_other_are_no_contention(machine: FakeHost) -> None:
    with machine.watching() as monitor:
        machine.waited["cpu"] += 8.0
        machine.spend(10.0, **{**QUIET, "worker": 19.0})
    assert on_cpu(monitor.result(epochs(4))).word == "OK"


def test_load_that_nobody_waits_for_is_no_contention(machine: FakeHost) -> None:
    assert on_cpu(machine.seen(worker=4.0, other=6.0)).word == "OK"


def test_a_gpu_at_its_default_limit_is_not_capped() -> None:
    gpu = WatchedGpu("blackwell")
    seen = gpu.result()
    assert seen.throttled.power.value == pytest.approx(0.95 * 8, rel=1e-3)
    assert on_watched_gpu(seen).word == "OK"


def test_a_lowered_limit_that_never_binds_is_no_cap() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 500_000
    assert on_gpu(gpu).word == "OK"


def test_a_notebook_that_only_holds_memory_is_no_contention() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[gpu.somebody, 9000]]
    assert on_gpu(gpu).word == "OK"


def test_throttling_for_microseconds_is_none() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {75: 1e-6, 269: 0.005, 270: 1e-6}
    assert on_gpu(gpu).word == "OK"


def test_one_odd_moment_of_a_gpu_without_counters_is_no_throttling() -> None:
    gpu = WatchedGpu("kepler")
    with gpu.watch() as monitor:
        gpu.train(monitor, epochs=2)
        gpu.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = 0x8
        gpu.pass_time(monitor, 0.5)
        gpu.nvml.functions["nvmlDeviceGetCurrentClocksThrottleReasons"] = [1, 0]
        gpu.train(monitor, epochs=4)
    seen = monitor.result(gpu.epochs)
    assert seen is not None
    share = seen.reasons.hardware_slowdown.value
    assert share is not None
    assert 0 < share < 0.1
    assert on_watched_gpu(seen).word == "OK"


@pytest.mark.parametrize("driver", ["intel_pstate", "amd-pstate-epp"])
def test_powersave_is_the_usual_word_of_drivers_that_choose_themselves(
    machine: FakeHost, driver: str
) -> None:
    govern(machine, "powersave", driver)
    assert on_cpu(machine.seen(**QUIET)).word == "OK"


def test_what_could_not_be_measured_is_held_against_nobody() -> None:
    assert on_cpu(conditions()).word == "OK"
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlInitWithFlags"] = "NO_PERMISSION"
    with gpu.watch() as monitor:
        pass
    assert on_watched_gpu(monitor.result([])).word == "OK"


# ---- each in its case


def test_epochs_that_differ_without_a_cause_are_noisy(machine: FakeHost) -> None:
    judged = on_cpu(machine.seen(**QUIET), seconds=(2.0, 1.0, 1.2, 0.8, 1.0, 1.1))
    assert judged.word == "NOISY"
    assert "epochs vary by 10 % (MAD)" in str(judged.evidence)
    assert "pytest bench/ -k convnet --device cpu" in str(judged.fix)


def test_a_gpu_that_was_lost_beside_a_finished_training_leaves_it_in_doubt() -> None:
    gpu = WatchedGpu("hopper")
    with gpu.watch() as monitor:
        gpu.train(monitor)
        gpu.nvml.lost = True
        monitor.tick()
    judged = on_watched_gpu(monitor.result(gpu.epochs))
    assert judged.word == "NOISY"
    assert "GPU is lost" in str(judged.evidence)


def test_programs_of_others_that_keep_ours_waiting_are_contention(machine: FakeHost) -> None:
    with machine.watching() as monitor:
        machine.waited["cpu"] += 9.5
        machine.spend(10.0, worker=12.0, other=7.0)
    judged = on_cpu(monitor.result(epochs(4)), seconds=(2.0, 1.0, 1.5, 0.5))
    assert judged == Verdict(
        "CONTENDED",
        "other programs used 35 % of its processors, and tasks waited 95 % of the time",
        "ps -eo pcpu,pid,comm --sort=-pcpu | head shows them; wait for them, or end them",
    )


def test_without_pressure_full_processors_stand_for_waiting(machine: FakeHost) -> None:
    for name in ("cpu", "memory", "io"):
        (machine.root / f"proc/pressure/{name}").unlink()
    machine.waited.clear()
    assert on_cpu(machine.seen(worker=12.0, other=7.0)).word == "CONTENDED"
    assert on_cpu(machine.seen(worker=6.0, other=7.0)).word == "OK"


def test_a_hypervisor_that_serves_others_is_contention(machine: FakeHost) -> None:
    judged = on_cpu(machine.seen(worker=15.0, stolen=1.0))
    assert judged.word == "CONTENDED"
    assert "hypervisor gave 5.0 %" in str(judged.evidence)


def test_waiting_for_memory_is_contention(machine: FakeHost) -> None:
    with machine.watching() as monitor:
        machine.waited["memory"] += 0.4
        machine.spend(10.0, **QUIET)
    judged = on_cpu(monitor.result(epochs(4)))
    assert judged.word == "CONTENDED"
    assert "waited for memory 4.0 % of the time" in str(judged.evidence)


def test_another_process_that_computes_on_the_gpu_is_contention() -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[gpu.somebody, 9000]]
    gpu.nvml.functions["nvmlDeviceGetProcessUtilization"][gpu.somebody] = 35
    judged = on_gpu(gpu)
    assert judged.word == "CONTENDED"
    assert f"(pid {gpu.somebody}) computed on the same GPU" in str(judged.evidence)
    assert str(judged.fix) == "nvidia-smi -i 0 shows it; wait for it"


@pytest.mark.parametrize("place", [{"group": "all"}, {"slice": 2}, {"slice": 2, "group": "all"}])
def test_of_several_gpus_and_of_slices_the_gpu_that_is_meant_is_named(
    place: dict[str, Any],
) -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {269: 0.12, 270: 0.01}
    judged = on_gpu(gpu, Device("NVIDIA H100", index=1, **place))
    assert "nvidia-smi -q -i 1 -d TEMPERATURE" in str(judged.fix)


def test_what_repairs_a_tuned_row_trains_it_tuned_again() -> None:
    noisy = judge(result(seconds=(9.0, 2.0, 1.5, 2.5), mode="tuned"))
    assert str(noisy.fix).startswith("pytest bench/ -k mlp --device cpu --mode tuned --profile")


_AGAIN = ("--data-dir=/my data", "--profile=smoke", "--seed=7", "--worker-python=/b/python")


def test_what_repairs_a_row_trains_it_on_the_same_data_with_the_same_interpreter() -> None:
    missed = judge(result("mlp", H100, value=0.1), _AGAIN)
    assert str(missed.fix).startswith(
        "pytest bench/ -k mlp --device gpu:0 '--data-dir=/my data' --profile=smoke "
        "--worker-python=/b/python --seed 8; "
    )
    noisy = result(seconds=(9.0, 2.0, 1.5, 2.5))
    assert str(judge(noisy, _AGAIN).fix) == (
        "pytest bench/ -k mlp --device cpu '--data-dir=/my data' --seed=7 "
        "--worker-python=/b/python --profile full"
    )
    longest = judge(noisy, ["--profile=full"])
    assert str(longest.fix).endswith("--device cpu --profile=full --processes 5")


@pytest.mark.parametrize("value", [0.1, 0.999, float("nan")])
def test_a_network_that_learned_nothing_or_too_much_is_below_its_floor(value: float) -> None:
    missed = result("mlp", H100, value=value)
    judged = judge(missed)
    assert (judged.word, judged.evidence) == ("BELOW-FLOOR", missed.quality.reason)
    assert "--seed 2; ansible-playbook playbooks/verify.yml" in str(judged.fix)


# ---- which of several


def test_the_first_cause_that_holds_is_the_word_and_noise_the_last(machine: FakeHost) -> None:
    gpu = WatchedGpu("hopper")
    gpu.nvml.functions["nvmlDeviceGetEnforcedPowerLimit"] = 250_000
    gpu.nvml.functions["nvmlDeviceGetFieldValues"] |= {74: 0.9, 269: 0.4}
    gpu.nvml.functions["nvmlDeviceGetComputeRunningProcesses_v3"] += [[gpu.somebody, 9000]]
    gpu.nvml.functions["nvmlDeviceGetProcessUtilization"][gpu.somebody] = 35
    noisy, seen, quiet = (2.0, 1.0, 1.5, 0.5), gpu.result(), machine.seen(**QUIET)
    made = result("mlp", H100, value=0.1, seconds=noisy, telemetry=seen, conditions=quiet)
    words = [judge(made).word]
    made = replace(made, quality=quality())
    words.append(judge(made).word)
    for repaired in (
        {"processes": known(())},
        {"throttled": replace(seen.throttled, software_thermal=known(0.0))},
        {"power": replace(seen.power, limit_share=known(1.0))},
    ):
        seen = replace(seen, **repaired)
        words.append(judge(replace(made, telemetry=seen)).word)
    assert words == ["BELOW-FLOOR", "CONTENDED", "THROTTLED", "POWER-CAPPED", "NOISY"]


# ---- baselines


def test_only_a_finished_training_that_is_ok_may_be_a_baseline() -> None:
    noisy = result(verdict=Verdict("NOISY", "its epochs differ", "run it again"))
    assert why_excluded(result()) is None
    assert why_excluded(noisy) == "NOISY"
    assert why_excluded(result(value=0.1)) == "BELOW-FLOOR"
    assert why_excluded(failed("mlp", CPU, "killed")) == "failed"


def test_a_training_from_before_there_were_verdicts_passes_by_its_quality() -> None:
    assert why_excluded(replace(result(), verdict=None)) is None
    assert why_excluded(replace(result(value=0.1), verdict=None)) == "BELOW-FLOOR"
