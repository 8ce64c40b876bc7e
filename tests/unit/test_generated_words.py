"""Small things that a plan may say wrong, each over generated hosts."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils.gpu_chips import FIRST, G98, TEGRA, TEGRA_BLOCKS, of_device
from plugins.module_utils.host_packages import MARKS
from plugins.plugin_utils.gpu_stack.block import describe
from plugins.plugin_utils.gpu_stack.installed_driver import WHO
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.gpu_stack.plan import InstallDriver, KeepDriver, NoDriver, Plan
from plugins.plugin_utils.host_facts import parse
from tests.unit import test_generated_hosts as generated
from tests.unit.plans import recorded
from tests.unit.plans.recorded import MATRIX
from tests.unit.test_generated_hosts import DRIVEN, OPTIONS, Facts, hosts, of_proxmox
from tests.unit.test_generated_kinds import FEW, came_of, fresh, installed

GPUS = st.sampled_from(DRIVEN)
SYSTEMS = st.sampled_from(generated.SYSTEMS)
OTHERS_WORDS = {
    "arch": r"\bapt(-\w+)?\b|\bdpkg\b|update-initramfs",
    "debian": r"\bpacman\b|\bAUR\b|mkinitcpio",
    "ubuntu": r"\bpacman\b|\bAUR\b|mkinitcpio",
}
NUMBERS = st.tuples(st.integers(100, 200), st.integers(1, 9))
LOADED = st.builds(lambda branch, rest: f"{branch}.{rest[0]}.0{rest[1]}", st.just("580"), NUMBERS)


def text(found: Facts, came: Plan | str) -> str:
    return came if isinstance(came, str) else "\n".join(describe(came, parse(found), MATRIX, "a"))


def works(version: str, origin: str, name: str, **more: Any) -> Facts:
    """A driver that works, from one package."""
    branch, package = version.split(".")[0], {"name": name, "version": version, "origin": origin}
    both = {"loaded": version, "libraries": version, "loaded_flavour": "proprietary"}
    return {**both, "origin": origin, "branch": branch, "packages": [package], **more}


@FEW
@given(
    host=hosts(),
    options=OPTIONS,
    more=st.sampled_from(
        [
            {"free_boot_mb": 10},
            {"wsl": True, "driver": works("580.95.05", "distribution", "nvidia-utils")},
            {
                "driver": works("520.56.06", "distribution", "nvidia-utils-520"),
                "packages": {"held": ["nvidia-utils-520"]},
            },
            {"packages": {"locked": True}},
            {},
        ]
    ),
)
def test_a_plan_speaks_of_the_host_s_own_package_manager(
    host: tuple[str, Facts], options: Options, more: Facts
) -> None:
    system, found = host
    if more.get("packages", {}).get("locked") and system != "arch":
        more = {}  # apt's locks end with their processes
    found = recorded.merged(found, more)
    said = text(found, came_of(found, options))
    assert not re.search(OTHERS_WORDS[system.split("-")[0]], said), said


@FEW
@given(name=st.sampled_from(["forky", "duke", "sid"]), gpu=GPUS)
def test_a_debian_without_a_version_is_called_by_its_codename(name: str, gpu: str) -> None:
    found = fresh("debian-13", gpu)
    found["distribution"] = found["distribution"] | {"version": "", "codename": name}
    assert f"found Debian {name};" in str(came_of(found))


@FEW
@given(kernel=of_proxmox(), gpu=GPUS)
def test_proxmox_builds_with_headers_of_its_own(kernel: Facts, gpu: str) -> None:
    driver = installed(came_of(fresh("debian-13", gpu, kernel=kernel), Options("580", "nvidia")))
    if driver and not kernel["headers"]:
        assert driver.headers
    for name in driver.headers if driver else ():
        assert name.startswith("proxmox-headers-")


@FEW
@given(
    row=st.sampled_from(MATRIX.derivatives),
    version=LOADED,
    asked=st.sampled_from(["", "keep"]),
    there=st.booleans(),
)
def test_a_derivative_s_own_driver_is_kept_where_it_works_and_else_its_way_is_told(
    row: Any, version: str, asked: str, there: bool
) -> None:
    base = "ubuntu-22.04" if row.id == "pop" else "arch"
    found = fresh(base, "RTX 3090")
    like = [base.split("-")[0]]
    found["distribution"] = {"id": row.id, "name": row.name, "version": "22.04", "like": like}
    found["distribution"] |= {"base_codename": "jammy"} if row.id == "pop" else {"version": ""}
    found["driver"] = works(version, "unknown", "nvidia-utils") if there else {}
    came = came_of(found, Options(driver=asked))
    if there:
        assert isinstance(came, Plan)
        assert isinstance(came.record.driver, KeepDriver)
    else:
        assert isinstance(came, str)
        assert asked == "keep" or row.do in came


@FEW
@given(origin=st.sampled_from(sorted(set(WHO) - {""})), version=LOADED, gpu=st.just("RTX 3090"))
def test_a_driver_that_stays_is_said_to_come_from_whom_it_comes(
    origin: str, version: str, gpu: str
) -> None:
    found = fresh("ubuntu-24.04", gpu, driver=works(version, origin, "nvidia-driver-580"))
    came = came_of(found)
    assert isinstance(came, Plan)
    assert isinstance(came.record.driver, KeepDriver)
    assert came.record.driver.reason == f"it works, and comes from {WHO[origin]}"
    assert MARKS["-0lambda"] == "unknown"


@FEW
@given(
    other=st.sampled_from(["Windows Boot Manager", "osprober-gnulinux-simple", "Fedora"]),
    loaded=st.sampled_from(["nouveau", "another", "nothing"]),
    reboot=st.booleans(),
    system=SYSTEMS,
)
def test_no_reboot_starts_another_system(
    other: str, loaded: str, reboot: bool, system: str
) -> None:
    driver = {"nouveau": {"nouveau": True}, "nothing": {}}.get(loaded)
    found = fresh(system, "RTX 3090")
    found["driver"] = works("470.256.02", "", "") if driver is None else driver
    found["driver"].pop("packages", None)
    found["kernels"]["other_system"] = other
    came = came_of(found, Options(reboot=reboot))
    if isinstance(came, Plan) and isinstance(came.record.driver, InstallDriver):
        assert not any(change.startswith("reboot") for change in came.changes)
    elif isinstance(came, str) and "what the boot loader starts next" in came:
        assert reboot
        assert other in came


@FEW
@given(
    kind=st.sampled_from(["docker", "podman", "kubernetes", "lxc", "systemd-nspawn"]),
    loaded=LOADED,
    libraries=st.one_of(LOADED, st.just("")),
    system=SYSTEMS,
)
def test_a_container_s_libcuda_is_its_host_s_or_the_line_says_how_to_get_it(
    kind: str, loaded: str, libraries: str, system: str
) -> None:
    driver = {"loaded": loaded, "libraries": libraries, "devices": ["/dev/nvidia0"]}
    came = came_of(fresh(system, "RTX 3090", container=kind, driver=driver))
    given_by = kind in ("docker", "podman", "kubernetes")
    if libraries and (libraries == loaded or given_by):
        assert isinstance(came, Plan)
        assert isinstance(came.record.driver, NoDriver)
    else:
        assert ("without libcuda" if not libraries else f"libcuda {libraries}") in str(came)
        assert given_by or f"NVIDIA's driver {loaded} inside" in str(came)


@FEW
@given(
    path=st.sampled_from(
        [
            "/etc/modprobe.d/local.conf",
            "/usr/lib/modprobe.d/nvidia-off.conf",
            *(path for row in MATRIX.switchers for path in row.files),
        ]
    ),
    gpu=GPUS,
    system=SYSTEMS,
)
def test_a_module_that_may_not_be_loaded_is_not_installed(path: str, gpu: str, system: str) -> None:
    came = came_of(fresh(system, gpu, driver={"blacklisted": path}))
    assert not installed(came)
    if isinstance(came, str) and "blacklist" in came:
        assert path in came
        switchers = [row.do for row in MATRIX.switchers if path in row.files]
        assert any(f"`{do}`" in came for do in switchers) or not switchers


@FEW
@given(
    names=st.lists(
        st.sampled_from(["libnvidia-compute-580", "nvidia-utils", "libcuda1"]),
        min_size=1,
        unique=True,
    ),
    system=st.sampled_from(["ubuntu-24.04", "debian-13", "arch"]),
)
def test_a_linux_driver_inside_wsl_is_named_with_the_command_that_takes_it_off(
    names: list[str], system: str
) -> None:
    packages = [{"name": name, "version": "580", "origin": "distribution"} for name in names]
    driver = {"libraries": "580.95.05", "packages": packages}
    came = came_of(fresh(system, wsl=True, driver=driver))
    tool = "pacman -Rns" if system == "arch" else "apt-get remove --purge"
    assert f"run `{tool} {' '.join(names)}`" in str(came)


@FEW
@given(branch=st.integers(570, 620), gpu=st.sampled_from(["RTX 3090", "GTX 1080 Ti", "V100"]))
def test_a_rolling_host_that_keeps_an_older_driver_is_told_of_the_next_upgrade(
    branch: int, gpu: str
) -> None:
    (row,) = (each for each in MATRIX.drivers if each.at_least)
    driver = works(f"{branch}.10.01", "distribution", "nvidia")
    came = came_of(fresh("arch", gpu, driver=driver))
    old = gpu != "RTX 3090"
    if old and branch > int(MATRIX.generations[4].last):
        assert isinstance(came, str)
        assert "nvidia-580xx-dkms" in came
        return
    assert isinstance(came, Plan)
    assert isinstance(came.record.driver, KeepDriver)
    newer = branch < int(row.at_least)
    assert (f"the next upgrade brings {row.at_least}" in came.record.driver.reason) == newer
    assert ("does not drive" in came.record.driver.reason) == (newer and old)


@FEW
@given(gpu=st.sampled_from(sorted(n for n, g in recorded.GPUS.items() if g["generation"])))
def test_a_gpu_that_arch_has_dropped_is_told_its_driver_of_the_aur(gpu: str) -> None:
    found = fresh("arch", gpu)
    (row,) = (each for each in MATRIX.generations if each.name == found["gpus"][0]["generation"])
    if row.last:
        assert f"nvidia-{row.last}xx-dkms" in str(came_of(found))
    else:
        assert "AUR" not in str(came_of(found))


@FEW
@given(st.one_of(st.integers(*G98), st.integers(0x40, FIRST - 1)))
def test_what_is_from_before_fermi_is_told_so(device: int) -> None:
    assert of_device(device).generation == "Tesla"


@FEW
@given(st.sampled_from(TEGRA_BLOCKS), st.integers(0, 0x3F))
def test_a_jetson_s_own_gpu_is_not_taken_for_a_newer_one(block: int, number: int) -> None:
    assert of_device(block + number).code == TEGRA
