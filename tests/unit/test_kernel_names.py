"""Whose a kernel is: its flavour, what follows it, and whether it is a realtime one."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.kernel_names import flavour_of
from tests.unit.hosts import debs, kernel, merged
from tests.unit.test_host_kernels import HWE, NEW, only


@pytest.mark.parametrize(
    ("release", "flavour"),
    [
        ("6.12.74+deb13+1-amd64", "amd64"),
        ("6.12.107+deb13-cloud-amd64", "cloud-amd64"),
        ("6.1.0-50-cloud-amd64", "cloud-amd64"),
        ("6.18.1-arch1-1", "linux"),
        ("6.12.60-1-lts", "linux-lts"),
        ("6.8.0-90-generic", "generic"),
        ("6.12.9+bpo-amd64", "amd64"),
        ("6.5.0-0.deb12.4-amd64", "amd64"),
        ("6.1.0-0.deb11.13-rt-amd64", "rt-amd64"),
        ("6.12.57+deb12-amd64", "amd64"),
        ("6.14.0-1018-oem", "oem"),
        ("6.18.14-061814-generic", "generic"),
        ("6.8.12-4-pve", "pve"),
        ("6.12.10-x64v3-xanmod1", "x64v3-xanmod1"),
        ("6.15.3-mine", "mine"),
        ("6.18.1", ""),
    ],
)
def test_a_release_says_its_flavour(release: str, flavour: str) -> None:
    assert flavour_of(release) == flavour


@pytest.mark.parametrize(
    ("release", "config", "realtime"),
    [
        ("6.1.0-50-rt-amd64", "", True),
        ("6.8.0-2019-realtime", "", True),
        ("6.17.5.14.realtime2-1-rt", "", True),
        ("6.12.10-rt-x64v3-xanmod1", "", True),
        ("6.8.0-90-lowlatency", "", False),
        ("6.1.0-50-amd64", "CONFIG_PREEMPT_RT=y", True),
        ("6.1.0-50-rt-amd64", "# CONFIG_PREEMPT_RT is not set", False),
        ("6.8.0-90-smart", "", False),
    ],
)
def test_a_kernel_is_realtime_by_its_configuration_else_by_its_name(
    tmp_path: Path, release: str, config: str, realtime: bool
) -> None:
    files = {f"boot/config-{release}": f"CONFIG_64BIT=y\n{config}\n"} if config else {}
    assert only(tmp_path, merged(kernel(release), files))["realtime"] is realtime


GA, GA_BEFORE = "6.8.0-90-generic", "6.8.0-88-generic"


@pytest.mark.parametrize(
    ("packages", "release", "metas"),
    [
        pytest.param(
            [f"linux-image-virtual 6.8.0-90\nDepends: linux-image-{GA}", f"linux-image-{GA} 1"],
            GA,
            ["linux-image-virtual"],
            id="what depends on it",
        ),
        pytest.param(
            [
                f"linux-image-virtual 6.8.0-90\nDepends: linux-image-{GA}",
                f"linux-image-{GA} 1\nSource: linux-signed (1)",
                f"linux-image-{GA_BEFORE} 1\nSource: linux-signed",
            ],
            GA_BEFORE,
            ["linux-image-virtual"],
            id="what depends on a newer one of its source",
        ),
        pytest.param(
            [f"linux-image-{GA} 1\nSource: linux-signed", HWE], GA, [], id="nothing: it is left"
        ),
        pytest.param(
            [
                "proxmox-kernel-6.8 6.8.12-4\nDepends: proxmox-kernel-6.8.12-4-pve-signed",
                "proxmox-kernel-6.8.12-4-pve-signed 6.8.12-4",
            ],
            "6.8.12-4-pve",
            ["proxmox-kernel-6.8"],
            id="Proxmox",
        ),
    ],
)
def test_the_meta_packages_that_keep_a_kernel_s_line_up_to_date_are_named(
    tmp_path: Path, packages: list[str], release: str, metas: list[str]
) -> None:
    assert only(tmp_path, merged(kernel(release), debs(*packages)))["metas"] == metas


@pytest.mark.parametrize(
    ("maintainer", "foreign"),
    [
        ("Debian Kernel Team <debian-kernel@lists.debian.org>", False),
        ("Canonical Kernel Team <kernel-team@lists.ubuntu.com>", False),
        ("root <root@workstation>", True),
    ],
)
def test_a_kernel_that_somebody_else_has_packaged_is_foreign(
    tmp_path: Path, maintainer: str, foreign: bool
) -> None:
    packages = debs(f"linux-image-{NEW} 1\nMaintainer: {maintainer}")
    assert only(tmp_path, merged(kernel(NEW), packages))["foreign"] is foreign
