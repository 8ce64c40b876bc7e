"""Which kernels a host has, which boots next, and which have headers and NVIDIA's module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import host_kernels, host_packages, kernel_module
from tests.support.program import script
from tests.unit import hosts
from tests.unit.hosts import arch_kernel, arch_packages, debs, kernel, merged

OLD, NEW = "6.1.0-9-amd64", "6.1.0-50-amd64"
TWO = merged(kernel(OLD), kernel(NEW))
HWE = (
    "linux-image-generic-hwe-24.04 6.14.0-33.33~24.04.1\n"
    "Depends: linux-image-6.14.0-33-generic, linux-firmware, intel-microcode"
)
GRUB_CFG = """
menuentry 'Debian GNU/Linux' --class debian {
}
submenu 'Advanced options for Debian GNU/Linux' {
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-50-amd64' --class debian {
\t}
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-50-amd64 (recovery mode)' --class debian {
\t}
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-9-amd64' --class debian {
\t}
}
"""


def look(root: Path, host: hosts.Host, running: str = NEW) -> dict[str, Any]:
    hosts.write(root, host)
    packages = host_packages.installed(host_packages.known(root))
    return host_kernels.look(root, running, packages)


def only(root: Path, host: hosts.Host) -> dict[str, Any]:
    (kernel,) = look(root, host)["installed"]
    return dict(kernel)


def test_a_release_is_newer_by_its_numbers_not_its_letters(tmp_path: Path) -> None:
    found = look(tmp_path, TWO)
    assert [kernel["release"] for kernel in found["installed"]] == [OLD, NEW]


def test_modules_whose_kernel_is_gone_are_no_kernel(tmp_path: Path) -> None:
    left = {"lib/modules/5.10.0-8-amd64/updates/dkms/nvidia.ko": hosts.module("1.0", "NVIDIA")}
    found = look(tmp_path, merged(TWO, left))
    assert [kernel["release"] for kernel in found["installed"]] == [OLD, NEW]


def test_a_host_without_kernels_boots_what_it_runs(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.DEBIAN_12, "5.15.0-1-of-the-host")
    assert found == {
        "running": "5.15.0-1-of-the-host",
        "next": "5.15.0-1-of-the-host",
        "other_system": "",
        "installed": [],
    }


SAVED = {"etc/default/grub": "GRUB_DEFAULT=saved\n"}
OF_OLD = f"gnulinux-advanced-7c9e>gnulinux-{OLD}-advanced-7c9e"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({}, NEW, id="nothing"),
        pytest.param({"etc/default/grub": "GRUB_DEFAULT=0\n"}, NEW, id="the first"),
        pytest.param(
            {"etc/default/grub": f'GRUB_DEFAULT="Advanced options>Debian, with Linux {OLD}"\n'},
            OLD,
            id="a title",
        ),
        pytest.param({"etc/default/grub": f"#GRUB_DEFAULT='{OLD}'\n"}, NEW, id="a comment"),
        pytest.param(
            {
                "etc/default/grub": "GRUB_DEFAULT=0\n",
                "etc/default/grub.d/50-site.cfg": f"GRUB_DEFAULT='x>{OLD}'\n",
            },
            OLD,
            id="a later file",
        ),
        pytest.param(
            {"etc/default/grub": "GRUB_DEFAULT='1>2'\n", "boot/grub/grub.cfg": GRUB_CFG},
            OLD,
            id="a number",
        ),
        pytest.param(
            {"etc/default/grub": "GRUB_DEFAULT='1>7'\n", "boot/grub/grub.cfg": GRUB_CFG},
            NEW,
            id="a number that there is not",
        ),
        pytest.param(SAVED, NEW, id="saved, and nothing is"),
        pytest.param(
            merged(SAVED, {"boot/grub/grubenv": f"# GRUB\nsaved_entry={OF_OLD}\n####"}),
            OLD,
            id="saved",
        ),
        pytest.param(
            {"boot/grub/grubenv": f"# GRUB\nsaved_entry={OF_OLD}\n"}, NEW, id="saved, not asked for"
        ),
        pytest.param({"boot/grub/grubenv": f"# GRUB\nnext_entry={OF_OLD}\n"}, OLD, id="once"),
        pytest.param({"boot/grub/grubenv": "# GRUB\nnext_entry=\n"}, NEW, id="once, and it was"),
        pytest.param(
            {"boot/grub/grubenv": "# GRUB\nnext_entry=1>2\n", "boot/grub/grub.cfg": GRUB_CFG},
            OLD,
            id="once, by its number",
        ),
        pytest.param(
            {"boot/loader/loader.conf": f"timeout 3\ndefault 4f2a-{OLD}.conf\n"},
            OLD,
            id="systemd-boot",
        ),
    ],
)
def test_the_next_kernel_is_what_the_boot_loader_says_else_the_newest(
    tmp_path: Path, said: hosts.Host, expected: str
) -> None:
    assert look(tmp_path, merged(TWO, said), running=OLD)["next"] == expected


def test_a_release_that_another_begins_with_is_not_taken_for_it(tmp_path: Path) -> None:
    cloud = "6.1.0-50-amd64-mine"
    host = merged(TWO, kernel(cloud), {"boot/grub/grubenv": f"next_entry=x>with {cloud}\n"})
    assert look(tmp_path, host)["next"] == cloud


def test_a_link_to_headers_is_followed_below_the_sysroot(tmp_path: Path) -> None:
    found = look(tmp_path, merged(kernel(OLD), kernel(NEW, headers=True)))
    assert [kernel["headers"] for kernel in found["installed"]] == [False, True]


@pytest.mark.parametrize("target", ["/usr", "../../../../../../../../../../../usr", "/nowhere"])
def test_a_link_to_headers_that_leads_nowhere_below_the_sysroot_gives_none(
    tmp_path: Path, target: str
) -> None:
    host = merged(kernel(NEW), {f"lib/modules/{NEW}/build": f"->{target}"})
    assert only(tmp_path, host)["headers"] is False


def test_links_that_run_in_a_circle_end(tmp_path: Path) -> None:
    host = merged(kernel(NEW), {f"lib/modules/{NEW}/build": "->build"})
    assert only(tmp_path, host)["headers"] is False


@pytest.mark.parametrize(
    ("name", "licence", "flavour"),
    [
        ("nvidia-current", hosts.PROPRIETARY, "proprietary"),
        ("nvidia-current-open", hosts.OPEN, "open"),
        ("nvidia-tesla-470", hosts.PROPRIETARY, "proprietary"),
    ],
)
def test_dkms_has_built_debian_s_module_for_one_of_two_kernels(
    tmp_path: Path, name: str, licence: str, flavour: str
) -> None:
    built = {
        f"lib/modules/{OLD}/updates/dkms/{name}.ko": hosts.module("535.261.03", licence),
        f"lib/modules/{OLD}/updates/dkms/{name}-uvm.ko": hosts.module("0.1", "x"),
        f"lib/modules/{NEW}/kernel/drivers/video/fbdev/nvidiafb.ko": "",
    }
    old, new = look(tmp_path, merged(TWO, built))["installed"]
    assert old["nvidia"] == {
        "version": "535.261.03",
        "flavour": flavour,
        "path": f"/lib/modules/{OLD}/updates/dkms/{name}.ko",
    }
    assert new["nvidia"] == {}


def test_ubuntu_s_precompiled_module_is_found(tmp_path: Path) -> None:
    path = "lib/modules/6.8.0-87-generic/kernel/nvidia-580srv-open/nvidia.ko"
    host = merged(kernel("6.8.0-87-generic"), {path: hosts.module("580.95.05", hosts.OPEN)})
    expected = {"version": "580.95.05", "flavour": "open", "path": f"/{path}"}
    assert only(tmp_path, host)["nvidia"] == expected


def test_a_module_of_dkms_comes_before_a_precompiled_one(tmp_path: Path) -> None:
    host = merged(
        kernel(NEW),
        {
            f"lib/modules/{NEW}/kernel/nvidia-580/nvidia.ko": hosts.module("580.95.05", "NVIDIA"),
            f"lib/modules/{NEW}/updates/dkms/nvidia.ko": hosts.module("570.10", "NVIDIA"),
        },
    )
    assert only(tmp_path, host)["nvidia"]["version"] == "570.10"


@pytest.mark.parametrize("name", ["nvidia-current", "nvidia-current-open"])
def test_of_debian_s_two_flavours_the_alternative_s_counts(tmp_path: Path, name: str) -> None:
    host = merged(
        kernel(NEW),
        {
            f"lib/modules/{NEW}/updates/dkms/nvidia-current.ko": hosts.module("1.0", "NVIDIA"),
            f"lib/modules/{NEW}/updates/dkms/nvidia-current-open.ko": hosts.module("1.0", "NVIDIA"),
            "etc/modprobe.d/nvidia.conf": "->/etc/alternatives/glx--nvidia-modprobe.conf",
            "etc/alternatives/glx--nvidia-modprobe.conf": "->/etc/nvidia/nvidia-modprobe.conf",
            "etc/nvidia/nvidia-modprobe.conf": f"install nvidia modprobe -i {name} $CMDLINE_OPTS\n",
        },
    )
    assert only(tmp_path, host)["nvidia"]["path"].endswith(f"/{name}.ko")


def test_a_damaged_module_is_there_without_a_version(tmp_path: Path) -> None:
    path = f"lib/modules/{NEW}/updates/dkms/nvidia.ko"
    found = only(tmp_path, merged(kernel(NEW), {path: "\x7fELF"}))
    assert found["nvidia"] == {"version": "", "flavour": "", "path": f"/{path}"}


@pytest.mark.parametrize("content", ["", "\x7fELF\x02\x01", "\x7fELF\x02\x01" + 99 * "\x7f"])
def test_a_module_that_is_no_whole_elf_file_is_there_without_a_version(
    tmp_path: Path, content: str
) -> None:
    path = f"lib/modules/{NEW}/updates/dkms/nvidia.ko"
    assert only(tmp_path, merged(kernel(NEW), {path: content}))["nvidia"]["version"] == ""


def test_a_module_that_is_cut_anywhere_is_there_at_most_without_a_version(tmp_path: Path) -> None:
    hosts.write(tmp_path, kernel(NEW))
    path = tmp_path / f"lib/modules/{NEW}/updates/dkms/nvidia.ko"
    path.parent.mkdir(parents=True)
    whole = hosts.module("580.95.05", hosts.OPEN).encode("latin-1")
    told = set()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        told.add(only(tmp_path, {})["nvidia"]["version"])
    assert told <= {"", "580.95.05"}


MODINFO = """#!/bin/sh
case "$1" in *{}) ;; *) echo "modinfo: ERROR: no such module" >&2; exit 1 ;; esac
printf 'filename:       %s\n' "$1"
printf 'version:        590.48.01\nsupported:      external\nlicense:        Dual MIT/GPL\n'
printf 'parm:           version: of what\n'
"""


@pytest.mark.parametrize(
    ("readable", "expected"),
    [
        pytest.param("nvidia-modeset.ko.zst", ("590.48.01", "open"), id="by its smaller part"),
        pytest.param("nvidia.ko.zst", ("590.48.01", "open"), id="by itself"),
        pytest.param("none", ("", ""), id="by neither"),
    ],
)
def test_a_compressed_module_is_asked_for_by_modinfo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readable: str, expected: tuple[str, str]
) -> None:
    program = script(tmp_path / "modinfo", MODINFO.format(readable))
    monkeypatch.setattr(kernel_module, "MODINFO", (str(tmp_path / "none"), str(program)))
    folder = "usr/lib/modules/6.18.1-arch1-1/extramodules"
    files = {f"{folder}/nvidia.ko.zst": "", f"{folder}/nvidia-modeset.ko.zst": ""}
    found = only(tmp_path / "root", merged(arch_kernel("6.18.1-arch1-1"), files))["nvidia"]
    assert (found["version"], found["flavour"]) == expected
    assert found["path"] == f"/{folder}/nvidia.ko.zst"


def test_a_compressed_module_says_nothing_where_there_is_no_modinfo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_module, "MODINFO", (str(tmp_path / "none"),))
    path = f"lib/modules/{NEW}/updates/dkms/nvidia.ko.xz"
    found = only(tmp_path, merged(kernel(NEW), {path: ""}))["nvidia"]
    assert found == {"version": "", "flavour": "", "path": f"/{path}"}


@pytest.mark.parametrize(
    ("release", "packages", "expected"),
    [
        pytest.param(
            NEW,
            [
                f"linux-image-{NEW} 6.1.176-1",
                f"linux-image-amd64 6.1.176-1\nDepends: linux-image-{NEW} (= 6.1.176-1)",
            ],
            (f"linux-image-{NEW}", "amd64"),
            id="Debian",
        ),
        pytest.param(
            "6.12.107+deb13-cloud-amd64",
            ["linux-image-6.12.107+deb13-cloud-amd64 6.12.107-1"],
            ("linux-image-6.12.107+deb13-cloud-amd64", "cloud-amd64"),
            id="Debian 13 without a meta-package",
        ),
        pytest.param(
            "6.14.0-33-generic",
            ["linux-image-6.14.0-33-generic 6.14.0-33.33~24.04.1", HWE],
            ("linux-image-6.14.0-33-generic", "generic-hwe-24.04"),
            id="Ubuntu's hardware enablement",
        ),
        pytest.param(
            "6.14.0-32-generic",
            [
                "linux-image-6.14.0-32-generic 6.14.0-32.32\nSource: linux-signed-hwe-6.14 (6.14)",
                HWE,
            ],
            ("linux-image-6.14.0-32-generic", "generic-hwe-24.04"),
            id="the one before of it",
        ),
        pytest.param(
            "6.8.0-87-generic",
            ["linux-image-6.8.0-87-generic 6.8.0-87.88\nSource: linux-signed", HWE],
            ("linux-image-6.8.0-87-generic", "generic"),
            id="Ubuntu's own beside it",
        ),
        pytest.param(
            "6.8.0-87-generic",
            ["linux-image-unsigned-6.8.0-87-generic 6.8.0-87.88"],
            ("linux-image-unsigned-6.8.0-87-generic", "generic"),
            id="unsigned",
        ),
        pytest.param("6.17.3-mine", [], ("", "mine"), id="built by hand"),
        pytest.param(
            NEW,
            [f"linux-image-{NEW} 6.1.176-1\nStatus: deinstall ok config-files"],
            ("", "amd64"),
            id="removed, its kernel left behind",
        ),
    ],
)
def test_a_kernel_s_flavour_is_its_meta_package_s_else_its_release_s(
    tmp_path: Path, release: str, packages: list[str], expected: tuple[str, str]
) -> None:
    found = only(tmp_path, merged(kernel(release), debs(*packages)))
    assert (found["package"], found["flavour"]) == expected


ARCH_THREE = merged(
    hosts.ARCH,
    arch_kernel("6.18.2-arch1-1"),
    arch_kernel("6.12.60-1-lts", "linux-lts"),
    arch_kernel("6.18.2-zen1-1-zen", "linux-zen"),
    arch_packages("linux 6.18.2.arch1-1", "linux-lts 6.12.60-1", "linux-zen 6.18.2.zen1-1"),
    {"usr/lib/modules/6.18.2-arch1-1/build/Makefile": ""},
)


def test_arch_s_kernels_say_their_own_names(tmp_path: Path) -> None:
    found = look(tmp_path, ARCH_THREE)["installed"]
    assert {each["release"]: (each["package"], each["headers"]) for each in found} == {
        "6.12.60-1-lts": ("linux-lts", False),
        "6.18.2-arch1-1": ("linux", True),
        "6.18.2-zen1-1-zen": ("linux-zen", False),
    }


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ("6.18.1-arch1-1", "6.18.2-arch1-1"),  # its modules went with the upgrade
        ("6.12.59-1-lts", "6.12.60-1-lts"),
        ("6.18.2-zen1-1-zen", "6.18.2-zen1-1-zen"),
    ],
)
def test_arch_boots_the_kernel_of_the_flavour_that_runs(
    tmp_path: Path, running: str, expected: str
) -> None:
    assert look(tmp_path, ARCH_THREE, running)["next"] == expected


@pytest.mark.parametrize(
    ("running", "flavour", "upgraded"),
    [
        ("6.17.9-2-cachyos", "linux-cachyos", "6.17.12-2-cachyos"),
        ("6.12.58-2-cachyos-lts", "linux-cachyos-lts", "6.12.60-2-cachyos-lts"),
        ("6.16.0.rt3.arch1-1-rt", "linux-rt", "6.16.0.rt4.arch1-2-rt"),
    ],
)
def test_the_flavour_that_runs_boots_next_though_an_upgrade_took_its_folder(
    tmp_path: Path, running: str, flavour: str, upgraded: str
) -> None:
    host = merged(ARCH_THREE, arch_kernel(upgraded, flavour))
    assert look(tmp_path, host, running)["next"] == upgraded


def test_a_kernel_of_arch_s_users_that_runs_says_its_flavour_itself(tmp_path: Path) -> None:
    host = merged(ARCH_THREE, arch_kernel(running := "6.17.9-2-cachyos", "linux-cachyos"))
    assert look(tmp_path, host, running)["next"] == running


LTS = {"boot/loader/entries/a-2.conf": "linux /vmlinuz-linux-lts\n"}


@pytest.mark.parametrize(
    "said",
    [
        LTS | {"boot/loader/loader.conf": "default a*\n"},
        {"boot/loader/loader.conf": "default arch-linux-lts.efi\n"},
        {"etc/default/grub": "GRUB_DEFAULT='Advanced options>Arch Linux, with Linux linux-lts'\n"},
    ],
)
def test_arch_boots_what_its_boot_loader_names(tmp_path: Path, said: hosts.Host) -> None:
    assert look(tmp_path, merged(ARCH_THREE, said), "6.18.2-zen1-1-zen")["next"] == "6.12.60-1-lts"
