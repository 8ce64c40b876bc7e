"""Kinds of hosts that are easily planned wrong, each over generated hosts.

What holds for all of them is in test_generated_hosts.py: the option that is set wins, holds are of
what is there, no PREEMPT_RT kernel gets a module; that the advice works, in test_gpu_stack_laws.py.
"""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugins.module_utils.gpu_chips import of_device
from plugins.module_utils.host_gpus import gpus
from plugins.module_utils.kernel_names import flavour_of
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.gpu_stack.plan import InstallDriver, NoDriver, Plan
from plugins.plugin_utils.gpu_stack.rows import Ceiling, Origin
from plugins.plugin_utils.host_facts import PASSED_THROUGH
from plugins.plugin_utils.versions import leading, numbers
from tests.support import archives
from tests.unit import hosts as folders
from tests.unit.plans import recorded
from tests.unit.plans.recorded import MATRIX
from tests.unit.test_generated_hosts import (
    ALIASED,
    OPTIONS,
    UBUNTUS,
    Facts,
    hosts,
    of_debian,
    of_others,
    of_ubuntu,
)

FEW = settings(max_examples=40, deadline=None)
NEW = st.sampled_from(["T4", "A100", "RTX 3090", "RTX 4090", "H100"])
OLD_FOR_SCREENS = st.sampled_from(["GT 710", "GeForce 210", "GTX 580"])


def came_of(found: Facts, options: Options | None = None) -> Plan | str:
    return recorded.outcome(recorded.Recorded("generated", found, options or Options()))


def installed(came: Plan | str) -> InstallDriver | None:
    driver = None if isinstance(came, str) else came.record.driver
    return driver if isinstance(driver, InstallDriver) else None


def fresh(system: str, *names: str, kernel: Facts | None = None, **more: Any) -> Facts:
    """A fresh host with those GPUs, and with that kernel alone."""
    found = recorded.system(system) | {
        "gpus": [recorded.gpu(name, place) for place, name in enumerate(names)]
    }
    if kernel:
        release = kernel["release"]
        found |= {
            "kernel": release,
            "kernels": {"running": release, "next": release, "installed": [kernel]},
        }
    return found | more


@FEW
@given(host=hosts(), count=st.integers(1, 6), vendor=st.sampled_from(["0x10de", "0x15b3"]))
def test_nvswitches_get_a_fabric_manager_beside_the_driver(
    host: tuple[str, Facts], count: int, vendor: str
) -> None:
    _, found = host
    found["switches"] = [{"address": str(n), "vendor": vendor} for n in range(count)]
    driver = installed(came_of(found))
    if driver:
        assert driver.fabric_manager in driver.packages
        assert not driver.fabric_manager[-1:].isdigit() or driver.fabric_manager.endswith(
            driver.branch
        )
        assert ("nvlsm" in driver.packages) == (vendor == "0x15b3")


@FEW
@given(kernel=of_debian(), version=st.sampled_from(["12", "13"]))
def test_a_kernel_of_debian_s_gets_its_line_s_headers_or_its_own(
    kernel: Facts, version: str
) -> None:
    release = kernel["release"]
    assert flavour_of(release) == kernel["flavour"]
    found = fresh(f"debian-{version}", "T4", kernel=kernel)
    driver = installed(came_of(found, Options(driver_origin="nvidia")))
    if driver:
        line = f"linux-headers-{kernel['flavour']}"
        assert set(driver.headers) <= {line, f"linux-headers-{release}"}


@FEW
@given(
    kernel=of_others(),
    system=st.sampled_from(["ubuntu-24.04", "debian-13"]),
    origin=st.sampled_from(["", "nvidia"]),
)
def test_a_kernel_of_somebody_else_s_is_built_for_and_no_package_is_made_up(
    kernel: Facts, system: str, origin: str
) -> None:
    state = {"state": "enabled", "enrolled": False}
    found = fresh(system, "T4", kernel=kernel, secure_boot=state)
    came = came_of(found, Options(driver_origin=origin))
    driver = installed(came)
    if driver:
        assert (driver.method, driver.secure_boot) == ("dkms", "stage")
        assert kernel["headers"]
        assert driver.headers == ()
    elif "expected one that" in str(came):  # newer than what the module builds for
        assert kernel["release"] in str(came)
    elif not kernel["headers"] and not kernel["realtime"] and kernel["package"]:
        assert f"linux-headers-{kernel['release']}" in str(came)


CEILINGS = [
    (row.system, version, row.origin, ceiling)
    for row in MATRIX.drivers
    for version in row.versions
    for ceiling in row.ceilings
    if "x86_64" in row.architectures
]


@FEW
@given(row=st.sampled_from(CEILINGS), data=st.data(), asked=st.booleans())
def test_a_kernel_that_a_module_does_not_build_for_is_kept_from_it_and_an_untold_one_is_named(
    row: tuple[str, str, Origin, Ceiling], data: st.DataObject, asked: bool
) -> None:
    system, version, origin, ceiling = row
    kernel = data.draw(of_ubuntu(version) if system == "ubuntu" else of_debian())
    options = Options(driver_origin=origin, driver=ceiling.branch if asked else "")
    gpu = "K80" if ceiling.branch == "470" else "T4"
    came = came_of(fresh(f"{system}-{version}", gpu, kernel=kernel), options)
    driver = installed(came)
    above = leading(kernel["release"]) >= numbers(ceiling.kernel)
    if driver and above and driver.branch == ceiling.branch:
        untold = f"builds for kernel {kernel['release']} is not known" in driver.reason
        assert untold == (driver.method == "dkms") or ceiling.known
        assert driver.flavour != ceiling.module or not ceiling.known
    elif driver is None and not above:
        assert kernel["realtime"] or "one before" not in str(came), came


@FEW
@given(
    want=st.sampled_from(["install", "hold", "deinstall", "purge"]),
    flag=st.sampled_from(["ok", "reinstreq"]),
    status=st.sampled_from(
        ["half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"]
    ),
)
def test_what_is_advised_for_dpkg_ends_the_state_that_it_is_in(
    want: str, flag: str, status: str
) -> None:
    stays = want in ("install", "hold")
    unfinished = [{"name": "some", "status": f"{want} {flag} {status}"}]
    packages = {"half_installed": ["some"], "unfinished": unfinished}
    said = str(came_of(fresh("debian-12", "T4", packages=packages)))
    unpacked_again = flag == "reinstreq" or status == "half-installed"
    if not stays:
        forced = "dpkg --remove --force-remove-reinstreq some"
        assert (forced if flag == "reinstreq" else "apt-get -f install") in said
    elif unpacked_again:  # dpkg --configure does nothing for it
        assert "apt-get install --reinstall some" in said
        assert "--configure" not in said
    else:
        assert ("--configure some" if want == "hold" else "--configure -a") in said


@FEW
@given(host=hosts(), options=OPTIONS, at=st.integers(0, 2))
def test_a_virtual_gpu_never_gets_an_ordinary_driver(
    host: tuple[str, Facts], options: Options, at: int
) -> None:
    _, found = host
    assume(found["gpus"] and not options.ignore_gpus)
    found["gpus"][at % len(found["gpus"])]["virtual"] = True
    assert not installed(came_of(found, options))


@FEW
@given(data=st.data(), version=st.sampled_from(["22.04", "24.04", "26.04"]))
def test_ubuntu_s_own_kernels_get_modules_that_ubuntu_has_signed(
    data: st.DataObject, version: str
) -> None:
    kernel = data.draw(of_ubuntu(version))
    named = ALIASED.get(flavour_of(kernel["release"]), flavour_of(kernel["release"]))
    assert flavour_of(kernel["release"]) in [ALIASED.get(each, each) for each in UBUNTUS]
    found = fresh(f"ubuntu-{version}", "T4", kernel=kernel, secure_boot={"state": "enabled"})
    driver = installed(came_of(found))
    if named in archives.COMPILED:
        assert driver
        assert (driver.method, driver.secure_boot) == ("precompiled", "signed")


@FEW
@given(host=hosts(), options=OPTIONS, cloud=st.sampled_from(MATRIX.clouds))
def test_no_key_is_staged_where_nobody_can_enroll_it(
    host: tuple[str, Facts], options: Options, cloud: Any
) -> None:
    _, found = host
    found["firmware"] = {"vendor": cloud.vendor, "product": cloud.product, "tag": cloud.tag}
    driver = installed(came_of(found, options))
    assert not driver or driver.secure_boot != "stage"


@FEW
@given(old=OLD_FOR_SCREENS, new=NEW, system=st.sampled_from(sorted(recorded.SYSTEMS)))
def test_an_old_board_for_the_screen_does_not_keep_the_others_from_their_plan(
    old: str, new: str, system: str
) -> None:
    alone, beside = came_of(fresh(system, new)), came_of(fresh(system, old, new))
    first, second = installed(alone), installed(beside)
    assert (first is None) == (second is None)
    if first and second:
        assert first.packages == second.packages
        assert isinstance(beside, Plan)
        assert [(gpu.used, bool(gpu.left_out)) for gpu in beside.record.gpus] == [
            (False, True),
            (True, False),
        ]


@FEW
@given(host=hosts(), options=OPTIONS, bound=st.sampled_from(PASSED_THROUGH))
def test_a_gpu_that_a_virtual_machine_has_is_never_used(
    host: tuple[str, Facts], options: Options, bound: str
) -> None:
    _, found = host
    assume(found["gpus"])
    found["gpus"][0]["bound"] = bound
    came = came_of(found, options)
    if isinstance(came, Plan):
        assert not came.record.gpus[0].used
        assert isinstance(came.record.driver, NoDriver) or found["gpus"][1:]


@FEW
@given(number=st.integers(0x2900, 0xFFFF))
def test_a_gpu_of_an_unknown_id_is_called_newer_and_never_nothing(number: int) -> None:
    chip = of_device(number)
    assume(not chip.generation)
    found = fresh("ubuntu-24.04")
    found["gpus"] = [{"address": "0000:01:00.0", "device": f"0x{number:04x}"}]
    assert "newer than Grindstone's table" in str(came_of(found))


def test_a_gpu_is_seen_whatever_its_id_says(tmp_path: Any) -> None:
    for number in ("0xffff", "0x3f00", "nonsense", ""):
        root = folders.write(
            tmp_path / f"a{number}", folders.device("0000:01:00.0", "0x10de", number, "0x030000")
        )
        assert [gpu["device"] for gpu in gpus(root)] == [number]


@FEW
@given(
    vendor=st.sampled_from(["0x1002", "0x8086"]),
    device=st.integers(1, 0xFFFE),
    system=st.sampled_from(sorted(recorded.SYSTEMS)),
)
def test_the_gpu_that_is_there_instead_is_named(vendor: str, device: int, system: str) -> None:
    other = {"address": "0000:03:00.0", "vendor": vendor, "device": f"0x{device:04x}"}
    came = came_of(fresh(system, other_gpus=[other]))
    if isinstance(came, Plan):
        assert isinstance(came.record.driver, NoDriver)
        assert f"{vendor[2:]}:{device:04x}" in came.record.driver.reason
