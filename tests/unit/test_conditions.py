"""The CPU side of a training, read from folders of files that stand for a machine."""

from __future__ import annotations

import os
import tempfile

import pytest

from bench.observe.host import HostMonitor
from tests.conftest import unprivileged
from tests.support.fake_host import PARENT, WORKER, FakeHost, epochs
from tests.support.measured import leaves, value, why

# ---- counters over the window


def test_a_quiet_machine_shows_the_workers_work_and_nobody_elses(machine: FakeHost) -> None:
    seen = machine.seen(worker=18.0, parent=0.1)
    assert seen.seconds == 10.0
    assert value(seen, "worker_cpu.seconds") == pytest.approx(18.0)
    assert value(seen, "worker_cpu.per_second") == pytest.approx(1.8)
    assert value(seen, "other_load") == pytest.approx(0.0, abs=1e-3)
    assert value(seen, "idle") == pytest.approx(0.095)
    assert value(seen, "steal") == 0


def test_load_of_others_is_a_share_of_the_workers_processors(machine: FakeHost) -> None:
    assert value(machine.seen(worker=8.0, other=6.0), "other_load") == pytest.approx(0.3)


def test_load_on_processors_that_the_worker_may_not_use_does_not_count(machine: FakeHost) -> None:
    machine.files[f"proc/{WORKER}/status"] = "Cpus_allowed_list:\t0\n"
    machine.write()
    with machine.watching() as monitor:
        machine.cpu[1]["user"] += 10.0
        machine.cpu[0]["user"] += 9.0
        machine.cpu[0]["idle"] += 1.0
        machine.used[WORKER] += 9.0
        machine.now += 10.0
        machine.write()
    seen = monitor.result(epochs(3))
    assert value(seen, "other_load") == pytest.approx(0.0)
    assert value(seen, "cpus") == 1
    assert value(seen, "cpus_online") == 2


def test_a_worker_beside_this_one_is_ours_and_no_other_load(machine: FakeHost) -> None:
    machine.used[4712] = 0.0
    machine.write()
    with machine.watching(4712) as monitor:
        machine.used[4712] += 6.0
        machine.spend(10.0, worker=8.0, other=6.0)
    seen = monitor.result(epochs(3))
    assert value(seen, "other_load") == pytest.approx(0.0)
    assert value(seen, "worker_cpu.seconds") == pytest.approx(8.0)


def test_time_that_the_hypervisor_took_is_a_share(machine: FakeHost) -> None:
    assert value(machine.seen(worker=10.0, stolen=2.0), "steal") == pytest.approx(0.1)


def test_pressure_is_the_share_of_the_window_that_tasks_waited(machine: FakeHost) -> None:
    with machine.watching() as monitor:
        machine.waited["cpu"] += 9.5
        machine.waited["memory"] += 0.5
        machine.spend(10.0, worker=5.0)
    seen = monitor.result(epochs(3))
    assert value(seen, "pressure.cpu.some") == pytest.approx(0.95)
    assert value(seen, "pressure.memory.full") == pytest.approx(0.05)
    assert value(seen, "pressure.io.some") == 0


def test_a_kernel_that_knows_no_full_pressure_of_the_cpu_tells_the_other(machine: FakeHost) -> None:
    monitor = machine.watch()
    only_some = "some avg10=0.00 avg60=0.00 avg300=0.00 total=5000000\n"
    (machine.root / "proc/pressure/cpu").write_text(only_some, encoding="utf-8")
    monitor.begin(WORKER)
    machine.now += 10.0
    monitor.end()
    seen = monitor.result(epochs(3))
    assert value(seen, "pressure.cpu.some") == 0
    assert "5.13" in why(seen, "pressure.cpu.full")


def test_pages_that_were_read_in_are_the_workers_of_the_window(machine: FakeHost) -> None:
    with machine.watching() as monitor:
        machine.faults += 5
        machine.spend(10.0, worker=5.0)
    assert value(monitor.result(epochs(3)), "major_faults") == 5


def test_memory_is_that_of_the_scarcer_end(machine: FakeHost) -> None:
    with machine.watching() as monitor:
        machine.files["proc/meminfo"] = "MemTotal: 16000 kB\nMemAvailable: 500 kB\n"
        machine.spend(10.0)
    seen = monitor.result(epochs(3))
    assert value(seen, "memory_available") == 500 * 1024
    assert value(seen, "memory_total") == 16000 * 1024


def test_over_too_short_a_window_the_ticks_tell_nothing(machine: FakeHost) -> None:
    seen = machine.seen(seconds=0.2, worker=0.2, other=0.1)
    assert why(seen, "other_load") == "the steady epochs took 0.20 s, and this takes 0.5 s"
    assert why(seen, "steal") == why(seen, "other_load")


def test_a_count_of_processor_time_that_stood_still_is_divided_by_nothing(
    machine: FakeHost,
) -> None:
    with machine.watching() as monitor:
        machine.now += 10.0
    seen = monitor.result(epochs(3))
    assert why(seen, "idle") == "the kernel's count of processor time stood still"


def test_a_window_of_no_length_is_none(machine: FakeHost) -> None:
    assert machine.seen(seconds=0.0).seconds is None


# ---- settings of the machine


def _scaling(machine: FakeHost, driver: str, *governors: str) -> None:
    for number, governor in enumerate(governors):
        folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
        machine.files[f"{folder}/scaling_governor"] = f"{governor}\n"
        machine.files[f"{folder}/scaling_driver"] = f"{driver}\n"
    machine.write()


def test_the_governor_of_all_processors_is_one_word_where_they_are_alike(machine: FakeHost) -> None:
    _scaling(machine, "acpi-cpufreq", "ondemand", "ondemand")
    seen = machine.seen()
    assert value(seen, "governor") == "ondemand"
    assert value(seen, "scaling_driver") == "acpi-cpufreq"


def test_governors_that_differ_are_all_named(machine: FakeHost) -> None:
    _scaling(machine, "acpi-cpufreq", "powersave", "performance")
    assert value(machine.seen(), "governor") == "performance, powersave"


@pytest.mark.parametrize(
    ("file", "text", "on"),
    [
        ("intel_pstate/no_turbo", "0", True),
        ("intel_pstate/no_turbo", "1", False),
        ("cpufreq/boost", "1", True),
        ("cpufreq/boost", "0", False),
    ],
)
def test_turbo_is_on_or_off_with_either_driver(
    machine: FakeHost, file: str, text: str, on: bool
) -> None:
    machine.files[f"sys/devices/system/cpu/{file}"] = text
    machine.write()
    assert value(machine.seen(), "turbo") is on


def test_a_virtual_machine_without_scaling_says_so(machine: FakeHost) -> None:
    seen = machine.seen()
    for place in ("governor", "scaling_driver", "turbo"):
        assert "no frequency scaling here" in why(seen, place)


def test_heat_that_held_the_processor_down_is_a_share(machine: FakeHost) -> None:
    for cpu in "01":
        folder = f"sys/devices/system/cpu/cpu{cpu}/thermal_throttle"
        machine.files[f"{folder}/package_throttle_total_time_ms"] = "100\n"
    machine.write()
    with machine.watching() as monitor:
        for path in [path for path in machine.files if "thermal_throttle" in path]:
            machine.files[path] = "2600\n"
        machine.spend(10.0)
    assert value(monitor.result(epochs(3)), "throttled") == pytest.approx(0.25)


# ---- quotas


def test_a_containers_quota_that_held_the_worker_back_is_a_share(machine: FakeHost) -> None:
    machine.files["sys/fs/cgroup/a/b/cpu.max"] = "150000 100000\n"
    machine.write()
    with machine.watching() as monitor:
        machine.files["sys/fs/cgroup/a/b/cpu.stat"] = "usage_usec 5\nthrottled_usec 3000000\n"
        machine.spend(10.0)
    seen = monitor.result(epochs(3))
    assert value(seen, "quota.cpus") == 1.5
    assert value(seen, "quota.throttled") == pytest.approx(0.3)


def test_a_quota_further_up_holds_too(machine: FakeHost) -> None:
    machine.files["sys/fs/cgroup/a/cpu.max"] = "400000 100000\n"
    machine.files["sys/fs/cgroup/a/cpu.stat"] = "throttled_usec 0\n"
    machine.write()
    assert value(machine.seen(), "quota.cpus") == 4


def test_a_quota_of_the_first_version_of_control_groups_is_read_too(machine: FakeHost) -> None:
    group = "sys/fs/cgroup/cpu,cpuacct/docker/1f"
    machine.files |= {
        f"proc/{WORKER}/cgroup": "5:memory:/docker/1f\n3:cpu,cpuacct:/docker/1f\n",
        "sys/fs/cgroup/a/b/cpu.max": None,
        f"{group}/cpu.cfs_quota_us": "200000\n",
        f"{group}/cpu.cfs_period_us": "100000\n",
        f"{group}/cpu.stat": "nr_periods 4\nthrottled_time 0\n",
    }
    machine.write()
    assert value(machine.seen(), "quota.cpus") == 2


def test_within_a_container_that_does_not_see_its_path_the_top_is_its_group(
    machine: FakeHost,
) -> None:
    machine.files |= {
        f"proc/{WORKER}/cgroup": "0::/system.slice/docker-1f.scope\n",
        "sys/fs/cgroup/cpu.max": "50000 100000\n",
        "sys/fs/cgroup/cpu.stat": "throttled_usec 0\n",
    }
    machine.write()
    assert value(machine.seen(), "quota.cpus") == 0.5


def test_without_a_quota_nothing_was_held_back(machine: FakeHost) -> None:
    seen = machine.seen()
    assert why(seen, "quota.cpus") == "there is no quota"
    assert value(seen, "quota.throttled") == 0


def test_without_control_groups_the_quota_is_not_known(machine: FakeHost) -> None:
    machine.files |= {"sys/fs/cgroup/a/b/cpu.max": None, "sys/fs/cgroup/a/b/cpu.stat": None}
    machine.write()
    assert why(machine.seen(), "quota.throttled") == "no control groups are mounted here"


# ---- energy


def _packages(machine: FakeHost, *microjoules: int) -> None:
    for number, used in enumerate(microjoules):
        folder = f"sys/class/powercap/intel-rapl:{number}"
        machine.files[f"{folder}/name"] = f"package-{number}\n"
        machine.files[f"{folder}/energy_uj"] = f"{used}\n"
        machine.files[f"{folder}/max_energy_range_uj"] = "262143000000\n"
        machine.files[f"{folder}:0/name"] = "core\n"
        machine.files[f"{folder}:0/energy_uj"] = "1\n"
    machine.write()


def test_the_energy_of_all_packages_is_added_up_and_shared_among_theepochs(
    machine: FakeHost,
) -> None:
    _packages(machine, 5_000_000, 7_000_000)
    with machine.watching() as monitor:
        _packages(machine, 605_000_000, 207_000_000)
        machine.spend(10.0)
    seen = monitor.result(epochs(5))
    assert value(seen, "energy.package") == pytest.approx(800)
    assert value(seen, "energy.per_epoch") == pytest.approx(200)


def test_an_energy_counter_that_wrapped_goes_on_from_zero(machine: FakeHost) -> None:
    _packages(machine, 262_000_000_000)
    with machine.watching() as monitor:
        _packages(machine, 57_000_000)
        machine.spend(10.0)
    assert value(monitor.result(epochs(2)), "energy.package") == pytest.approx(200)


def test_energy_that_only_root_may_read_says_what_lets_it_be_read(machine: FakeHost) -> None:
    _packages(machine, 5_000_000)
    counter = machine.root / "sys/class/powercap/intel-rapl:0/energy_uj"
    counter.chmod(0)
    for folder in (machine.root, *machine.root.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    monitor = machine.watch()
    with unprivileged():
        monitor.begin(WORKER)
        machine.now += 10.0
        monitor.end()
    reason = why(monitor.result(epochs(2)), "energy.package")
    assert reason == f"permission denied; `sudo chmod a+r {counter}` lets it be read"


def test_a_machine_without_a_counter_has_no_package_energy(machine: FakeHost) -> None:
    assert "shows no package energy (RAPL)" in why(machine.seen(), "energy.package")


# ---- what is not there


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ("proc/pressure/cpu", ["pressure.cpu.some", "pressure.cpu.full"]),
        ("proc/stat", ["other_load", "steal", "idle"]),
        ("proc/meminfo", ["memory_available", "memory_total"]),
        (f"proc/{WORKER}/status", ["other_load", "cpus", "governor"]),
        (f"proc/{WORKER}/stat", ["worker_cpu.seconds", "other_load", "major_faults"]),
        (f"proc/{PARENT}/stat", ["other_load"]),
        ("sys/devices/system/cpu/online", ["cpus_online"]),
    ],
)
def test_a_file_that_is_not_there_takes_its_values_and_no_others(
    machine: FakeHost, file: str, places: list[str]
) -> None:
    whole = {path for path, leaf in leaves(machine.seen(worker=5.0)) if leaf.why is None}
    (machine.root / file).unlink()
    with machine.watching() as monitor:
        machine.now += 10.0
    seen = dict(leaves(monitor.result(epochs(3))))
    for place in places:
        assert seen[place].value is None
        assert seen[place].why
    still = {path for path, leaf in seen.items() if leaf.why is None}
    ticks = {"steal", "idle", "worker_cpu.per_second", "other_load"}  # stand still here
    assert whole - still <= {*places, *ticks}


@pytest.mark.parametrize(
    "text", ["", "\n", "some", "cpu0 1 2", "a:b\nc", "::", "-", "9" * 400, "\xff"]
)
def test_files_that_read_otherwise_than_expected_are_reasons_and_no_crash(
    machine: FakeHost, text: str
) -> None:
    _packages(machine, 1)
    _scaling(machine, "acpi-cpufreq", "ondemand")
    for file in (path for path in machine.root.rglob("*") if path.is_file()):
        file.write_text(text, encoding="latin-1")
    with machine.watching() as monitor:
        machine.now += 10.0
    assert monitor.result(epochs(3)).seconds == 10.0


def test_a_kernel_that_says_less_than_linux_leaves_reasons(machine: FakeHost) -> None:
    machine.files[f"proc/{WORKER}/status"] = "Name:\tpython\nThreads:\t9\n"  # as gVisor's
    machine.write()
    seen = machine.seen(worker=5.0)
    assert "reads otherwise than Linux writes it" in why(seen, "other_load")
    assert value(seen, "worker_cpu.seconds") == pytest.approx(5.0)


def test_a_training_that_did_not_come_to_its_end_has_the_same_places(machine: FakeHost) -> None:
    begun = machine.watch()
    begun.begin(WORKER)
    for seen in (machine.watch().result([]), begun.result([])):
        assert seen.seconds is None
        found = dict(leaves(seen))
        assert set(found) == set(dict(leaves(machine.seen())))
        assert {leaf.why for leaf in found.values()} == {"no steady epoch came to its end"}


def test_this_machine_can_be_looked_at() -> None:
    monitor = HostMonitor()
    monitor.begin(os.getpid())
    monitor.end()
    seen = monitor.result(epochs(2))
    assert value(seen, "memory_total") > 0
    assert value(seen, "worker_cpu.seconds") >= 0
