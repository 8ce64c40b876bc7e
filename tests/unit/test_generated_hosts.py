"""Generated hosts: kernels by a grammar of names, repositories, states of packages, GPUs, switches.

Whatever comes: no traceback, only holds of what is or will be installed, and the option that is set
wins.  That the packages exist is test_installable.py's.
"""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.module_utils.kernel_names import flavour_of, is_realtime
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.gpu_stack.plan import InstallDriver, KeepDriver, Plan
from tests.unit.plans import recorded

Facts = dict[str, Any]
SYSTEMS = ("ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04", "debian-12", "debian-13", "arch")
NUMBERS = st.tuples(st.integers(5, 7), st.integers(0, 19), st.integers(0, 200))
ABI = st.integers(1, 2100)
# GPUs that there is a driver for nearly everywhere; the others are one in four.
DRIVEN = ("T4", "A100", "RTX 3090", "RTX 4090", "RTX 3060 Mobile", "L40S", "H100", "V100", "P100")

# Each kind: releases, and the packages that follow them, by the system whose kernels they are.
UBUNTUS = [
    *("generic", "lowlatency", "aws", "azure", "gcp", "gke", "oracle", "nvidia", "kvm"),
    "intel-iotg",
    *("generic-hwe", "oem", "virtual", "azure-fde", "realtime"),
]
ALIASED = {"virtual": "generic", "generic-hwe": "generic"}


@st.composite
def of_ubuntu(draw: st.DrawFn, version: str) -> Facts:
    """One of Ubuntu's own, perhaps after an upgrade that took its meta-package away."""
    flavour = draw(st.sampled_from(UBUNTUS))
    major, minor, _ = draw(NUMBERS)
    release = f"{major}.{minor}.0-{draw(ABI)}-{ALIASED.get(flavour, flavour)}"
    suffix = {"generic-hwe": f"-{version}", "oem": f"-{version}{draw(st.sampled_from('abcd'))}"}
    line = flavour + suffix.get(flavour, "")
    followed = draw(st.booleans())
    return kernel(
        draw,
        release,
        f"linux-image-{release}",
        line if followed else flavour_of(release),
        [f"linux-image-{line}"] if followed else [],
    )


@st.composite
def of_debian(draw: st.DrawFn) -> Facts:
    major, minor, patch = draw(NUMBERS)
    mark = draw(
        st.sampled_from(
            [
                f"{major}.{minor}.0-{draw(ABI)}",
                f"{major}.{minor}.{patch}+deb13",
                f"{major}.{minor}.{patch}+deb13+1",
                f"{major}.{minor}.{patch}+bpo",
                f"{major}.{minor}.0-0.deb12.{draw(st.integers(1, 9))}",
            ]
        )
    )
    flavour = draw(st.sampled_from(["amd64", "amd64", "amd64", "cloud-amd64", "rt-amd64"]))
    release = f"{mark}-{flavour}"
    metas = draw(st.sampled_from([[], [f"linux-image-{flavour}"]]))
    return kernel(draw, release, f"linux-image-{release}", flavour, metas)


@st.composite
def of_proxmox(draw: st.DrawFn) -> Facts:
    major, minor, patch = draw(NUMBERS)
    release = f"{major}.{minor}.{patch}-{draw(st.integers(1, 20))}-pve"
    followed = draw(st.booleans())
    series = f"{major}.{minor}"
    return kernel(
        draw,
        release,
        f"proxmox-kernel-{release}-signed",
        series if followed else "pve",
        [f"proxmox-kernel-{series}"] if followed else [],
    )


@st.composite
def of_arch(draw: st.DrawFn) -> Facts:
    major, minor, patch = draw(NUMBERS)
    name, end = draw(
        st.sampled_from(
            [
                ("linux", "arch1-1"),
                ("linux-lts", "1-lts"),
                ("linux-zen", "zen1-1-zen"),
                ("linux-hardened", "hardened1-1-hardened"),
                ("linux-cachyos", "2-cachyos"),
            ]
        )
    )
    return kernel(draw, f"{major}.{minor}.{patch}-{end}", name, name, [])


@st.composite
def of_others(draw: st.DrawFn) -> Facts:
    """Mainline builds, xanmod's, liquorix' and one's own, packaged or not."""
    major, minor, patch = draw(NUMBERS)
    version = f"{major}.{minor}.{patch}"
    release = draw(
        st.sampled_from(
            [
                f"{version}-{major:02}{minor:02}{patch % 100:02}-generic",
                f"{version}-x64v3-xanmod1",
                f"{version}-1-liquorix-amd64",
                f"{version}-mine",
                f"{version}-76061603-generic",
                version,
                f"{version}-2-cachyos",
                f"{version}-rt-x64v3-xanmod1",
            ]
        )
    )
    package = draw(st.sampled_from(["", f"linux-image-{release}"]))
    return kernel(draw, release, package, flavour_of(release), [], foreign=bool(package))


def kernel(
    draw: st.DrawFn, release: str, package: str, flavour: str, metas: list[str], **more: Any
) -> Facts:
    return {
        "release": release,
        "package": package,
        "flavour": flavour,
        "metas": metas,
        "realtime": is_realtime(release, ""),
        "headers": draw(st.sampled_from([True, True, False])),
        "nvidia": {},
        **more,
    }


REPOSITORIES = st.sampled_from([[], [], ["nvidia"]])  # of apt's: pacman knows neither


@st.composite
def hosts(draw: st.DrawFn) -> tuple[str, Facts]:
    system = draw(st.sampled_from(SYSTEMS))
    name, _, version = system.partition("-")
    own = {"ubuntu": of_ubuntu(version), "debian": st.one_of(of_debian(), of_proxmox())}
    kinds = st.one_of(*[own.get(name, of_arch())] * 4, of_others())
    seldom = draw(st.sampled_from(["", "", "", "", "ppa", "half", "none", "any"]))
    foreign = ["ppa:graphics-drivers"] if seldom == "ppa" else draw(REPOSITORIES)
    kernels = draw(st.lists(kinds, min_size=1, max_size=2, unique_by=lambda each: each["release"]))
    running, following = (draw(st.sampled_from(kernels))["release"] for _ in range(2))
    found = recorded.system(system)
    which = sorted(recorded.GPUS) if seldom == "any" else DRIVEN
    most = 0 if seldom == "none" else 3
    names = draw(st.lists(st.sampled_from(which), min_size=min(most, 1), max_size=most))
    found["gpus"] = [recorded.gpu(each, place) for place, each in enumerate(names)]
    found["kernels"] = {"running": running, "next": following, "installed": kernels}
    found["kernel"] = running
    found["desktop"] = draw(st.booleans())
    found["switches"] = draw(st.sampled_from([[], [], [{"address": "a", "device": "0x22a3"}]]))
    found["packages"] = {
        "repositories": foreign if name != "arch" else [],
        "unfinished": draw(st.sampled_from([[], [{"name": "a", "status": ""}]])),
        "half_installed": ["a"] if seldom == "half" else [],
    }
    found["secure_boot"] = {"state": draw(st.sampled_from(["enabled", "disabled"]))}
    return system, found


OPTIONS = st.builds(
    Options,
    driver=st.sampled_from([*[""] * 9, "580", "580", "595", "610", "535", "550", "470", "skip"]),
    driver_origin=st.sampled_from(["", "", "distribution", "nvidia"]),
    cuda=st.sampled_from(["wheels", "wheels", "wheels", "none", "system"]),
    ignore_gpus=st.sampled_from([*[()] * 7, ("01:00.0",)]),
)


@settings(max_examples=60, deadline=None)
@given(host=hosts(), options=OPTIONS)
def test_a_generated_host_gets_what_is_asked_for_or_one_line(
    host: tuple[str, Facts], options: Options
) -> None:
    _, found = host
    came = recorded.outcome(recorded.Recorded("generated", found, options))
    if isinstance(came, str):
        assert re.fullmatch(r"found [^\n]+; expected [^\n]+: [^\n]+", came)
        return
    must_be_as_asked(came, options)
    driver = came.record.driver
    if isinstance(driver, InstallDriver):
        must_hold_what_is_there(found, driver)
        must_serve_what_boots(found, driver)


def must_be_as_asked(came: Plan, options: Options) -> None:
    driver = came.record.driver
    if isinstance(driver, InstallDriver):
        assert options.driver in ("", driver.branch)
        assert options.driver_origin in ("", driver.origin)
    assert not (options.driver == "skip" and isinstance(driver, (InstallDriver, KeepDriver)))
    ignored = {f"0000:{address}" for address in options.ignore_gpus}
    assert not ignored & {gpu.address for gpu in came.record.gpus if gpu.used}


def must_hold_what_is_there(found: Facts, driver: InstallDriver) -> None:
    kernels = found["kernels"]["installed"]
    there = {name for each in kernels for name in (each["package"], *each["metas"])}
    assert set(driver.hold) <= there | set(driver.packages) - {""}
    assert "" not in driver.hold


def must_serve_what_boots(found: Facts, driver: InstallDriver) -> None:
    """The kernel that boots next is none that the module refuses, and its headers will be there."""
    kernels = found["kernels"]
    (following,) = (each for each in kernels["installed"] if each["release"] == kernels["next"])
    assert not following["realtime"]
    if driver.method == "dkms" and not following["headers"]:
        assert driver.headers
