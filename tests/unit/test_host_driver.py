"""NVIDIA's driver on a host: loaded, on the disk, whose it is, and who uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import host_driver, host_kernels, host_packages
from tests.unit import hosts
from tests.unit.hosts import arch_packages, debs, kernel, merged

KERNEL = "6.8.0-87-generic"
LIBRARY = "usr/lib/x86_64-linux-gnu"
PROPRIETARY = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
)
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  "
    "(dvs-builder@U22-I3-AM02-24-3)  Tue Sep 23 09:55:41 UTC 2025\nGCC version:  gcc 13.3.0\n"
)
NVIDIA_S = "var/lib/apt/lists/developer.download.nvidia.com_compute_cuda_x86%5f64_Packages"


def look(root: Path, host: hosts.Host) -> dict[str, Any]:
    hosts.write(root, host)
    packages = host_packages.installed(host_packages.known(root))
    return host_driver.look(root, host_kernels.look(root, KERNEL, packages), packages)


def test_a_host_without_a_driver_has_none(tmp_path: Path) -> None:
    assert look(tmp_path, merged(hosts.DEBIAN_12, debs("bash 5.2"), kernel(KERNEL))) == {
        "loaded": "",
        "loaded_flavour": "",
        "libraries": "",
        "nouveau": False,
        "nouveau_blacklisted": False,
        "blacklisted": "",
        "fabric_manager": False,
        "vgpu_manager": False,
        "subnet_manager": False,
        "origin": "",
        "branch": "",
        "packages": [],
        "devices": [],
        "uvm": False,
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (PROPRIETARY, ("535.183.01", "proprietary")),
        (OPEN, ("580.95.05", "open")),
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  340.108  Wed",
            ("340.108", "proprietary"),
        ),
        ("something else\n", ("", "")),
    ],
)
def test_the_loaded_module_says_its_version_and_flavour(
    tmp_path: Path, said: str, expected: tuple[str, str]
) -> None:
    found = look(tmp_path, {"proc/driver/nvidia/version": said})
    assert (found["loaded"], found["loaded_flavour"]) == expected


def test_a_driver_that_was_upgraded_under_a_loaded_one_is_of_the_branch_on_the_disk(
    tmp_path: Path,
) -> None:
    host = {
        "proc/driver/nvidia/version": PROPRIETARY,
        f"{LIBRARY}/libcuda.so.1": "->libcuda.so.580.95.05",
        f"{LIBRARY}/libcuda.so.580.95.05": "",
    }
    found = look(tmp_path, host)
    assert (found["loaded"], found["libraries"], found["branch"]) == (
        "535.183.01",
        "580.95.05",
        "580",
    )


def test_nvidia_s_run_file_is_known_by_its_uninstaller(tmp_path: Path) -> None:
    host = {
        "usr/bin/nvidia-uninstall": "",
        f"{LIBRARY}/libcuda.so.570.86.15": "",
        "proc/driver/nvidia/version": PROPRIETARY.replace("535.183.01", "570.86.15"),
    }
    found = look(tmp_path, host)
    assert (found["origin"], found["branch"], found["packages"]) == ("runfile", "570", [])


def test_a_run_file_over_the_distribution_s_packages_is_the_driver(tmp_path: Path) -> None:
    host = debs("nvidia-driver-580 580.95.05-0ubuntu1") | {"usr/bin/nvidia-uninstall": ""}
    assert look(tmp_path, host)["origin"] == "runfile"


def test_a_library_that_no_package_has_is_of_an_unknown_origin(tmp_path: Path) -> None:
    found = look(tmp_path, debs("bash 5.2") | {f"{LIBRARY}/libcuda.so.535.54.03": ""})
    assert (found["origin"], found["branch"]) == ("unknown", "535")


@pytest.mark.parametrize(
    ("packages", "offered", "expected"),
    [
        pytest.param(
            ["nvidia-driver 535.261.03-1~deb12u1"], "", ("distribution", "535"), id="Debian"
        ),
        pytest.param(
            ["nvidia-open 590.48.01-1", "libcuda1 590.48.01-1"],
            "Package: libcuda1\nVersion: 590.48.01-1\n",
            ("nvidia", "590"),
            id="two origins: the one further from the distribution",
        ),
        pytest.param(
            ["nvidia-driver-580 580.95.05-1", "nvidia-settings 590.1-1", "nvidia-modprobe 590.1-1"],
            "Package: nvidia-settings\nVersion: 590.1-1\n",
            ("distribution", "580"),
            id="tools do not count beside a driver",
        ),
        pytest.param(
            ["nvidia-driver 1:580.95.05-1", "nvidia-driver-pinning-590 590-1"],
            "Package: nvidia-driver-pinning-590\nVersion: 590-1\n",
            ("distribution", "580"),
            id="a pin is no driver",
        ),
        pytest.param(
            ["firmware-nvidia-graphics 20250410-2"], "", ("", ""), id="nouveau's firmware"
        ),
        pytest.param(
            ["nvidia-container-toolkit 1.18.0-1", "libnvidia-container1 1.18.0-1"],
            "",
            ("", ""),
            id="containers' tools",
        ),
        pytest.param(
            ["nvidia-driver 535.1-1\nStatus: deinstall ok config-files"], "", ("", ""), id="removed"
        ),
    ],
)
def test_a_driver_is_from_where_its_main_packages_are(
    tmp_path: Path, packages: list[str], offered: str, expected: tuple[str, str]
) -> None:
    found = look(tmp_path, debs(*packages) | {NVIDIA_S: offered})
    assert (found["origin"], found["branch"]) == expected


def test_a_driver_of_arch_s_users_is_of_an_unknown_origin(tmp_path: Path) -> None:
    built = arch_packages("nvidia-580xx-dkms 580.119.02-1", validation="none")
    found = look(tmp_path, merged(arch_packages("egl-wayland 1.1.20-1"), built))
    assert (found["origin"], found["branch"]) == ("unknown", "580")


def test_arch_s_own_driver_is_the_distribution_s(tmp_path: Path) -> None:
    packages = arch_packages("nvidia-open 590.48.01-9", "nvidia-utils 590.48.01-1")
    found = look(tmp_path, packages | {"usr/lib/libcuda.so.590.48.01": ""})
    assert (found["origin"], found["branch"]) == ("distribution", "590")
    assert found["packages"][0] == {
        "name": "nvidia-open",
        "version": "590.48.01-9",
        "origin": "distribution",
    }


def test_what_is_left_of_a_foreign_architecture_is_no_branch(tmp_path: Path) -> None:
    left = "libnvidia-compute-535 535.247.01-0ubuntu0.24.04.1\nArchitecture: i386"
    found = look(tmp_path, debs(left))
    assert found["branch"] == ""
    assert [each["name"] for each in found["packages"]] == ["libnvidia-compute-535:i386"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("quiet modprobe.blacklist=nvidia_drm,nvidia", "/proc/cmdline"),
        ("module_blacklist=nvidia,nvidia_drm quiet", "/proc/cmdline"),
        ("modprobe.blacklist=nvidia_drm,nouveau", ""),
    ],
)
def test_the_kernel_s_command_line_keeps_a_module_out(
    tmp_path: Path, line: str, expected: str
) -> None:
    assert look(tmp_path, {"proc/cmdline": line})["blacklisted"] == expected


@pytest.mark.parametrize(
    "host",
    [
        pytest.param({f"{LIBRARY}/libcuda.so.1": "->libcuda.so.535.261.03"}, id="by a link"),
        pytest.param(
            {
                f"{LIBRARY}/libcuda.so.1": "->/etc/alternatives/glx--libcuda.so.1",
                "etc/alternatives/glx--libcuda.so.1": f"->/{LIBRARY}/nvidia/current/libcuda.so.1",
                f"{LIBRARY}/nvidia/current/libcuda.so.1": "->libcuda.so.535.261.03",
                f"{LIBRARY}/nvidia/current/libcuda.so.535.261.03": "",
            },
            id="by Debian's alternatives",
        ),
    ],
)
def test_the_library_is_the_one_that_programs_open(tmp_path: Path, host: hosts.Host) -> None:
    two = {f"{LIBRARY}/libcuda.so.{version}": "" for version in ("535.261.03", "550.54.14")}
    assert look(tmp_path, two | host)["libraries"] == "535.261.03"


def test_a_link_to_a_library_that_is_gone_is_no_library(tmp_path: Path) -> None:
    gone = {f"{LIBRARY}/libcuda.so.1": "->libcuda.so.535.261.03"}
    assert look(tmp_path, gone)["libraries"] == ""


H100 = "580.159.04"


def lies(folder: str) -> hosts.Host:
    return {f"{folder}/libcuda.so.{H100}": "", f"{folder}/libcuda.so.1": f"->libcuda.so.{H100}"}


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(lies("usr/local/nvidia/lib64"), id="a device plugin's mount"),
        pytest.param(lies("run/opengl-driver/lib"), id="NixOS"),
        pytest.param(
            lies("home/kubernetes/bin/nvidia/lib64")
            | {"usr/local/nvidia": "->/home/kubernetes/bin/nvidia"},
            id="GKE, by a link of a folder",
        ),
        pytest.param(
            lies("opt/nvidia/current/lib64")
            | {"etc/ld.so.conf.d/nvidia.conf": "# Flatcar\n  /opt/nvidia/current/lib64\n"},
            id="Flatcar, by the loader's settings",
        ),
        pytest.param(
            lies("opt/driver") | {"etc/ld.so.conf": "include ld.so.conf.d/*.conf\n/opt/driver\n"},
            id="by the loader's first file",
        ),
        pytest.param(
            lies("apps/nvidia/580/lib")
            | {"proc/self/environ": "A=1\0LD_LIBRARY_PATH=:/none:/apps/nvidia/580/lib\0B=2\0"},
            id="a cluster's modules, by LD_LIBRARY_PATH",
        ),
        pytest.param(
            lies("usr/local/nvidia/lib64")
            | {"usr/lib/libcuda.so.1": "->/usr/local/nvidia/lib64/libcuda.so.1"},
            id="a link of the image's, as on the first H100",
        ),
        pytest.param(
            lies("somewhere/else")
            | {"lib": "->usr/lib", "usr/lib/libcuda.so.1": "->../../somewhere/else/libcuda.so.1"},
            id="a link to a folder that nothing names",
        ),
        pytest.param(
            {
                ".singularity.d/libs/libcuda.so.1": "ELF",
                f".singularity.d/libs/libnvidia-glcore.so.{H100}": "ELF",
                ".singularity.d/libs/libnvidia-ml.so.1": "ELF",
            },
            id="Apptainer's --nv, which binds a file by the name of the link",
        ),
    ],
)
def test_a_driver_that_another_system_has_mounted_is_found(
    tmp_path: Path, host: hosts.Host
) -> None:
    found = look(tmp_path, host)
    assert (found["libraries"], found["branch"], found["origin"]) == (H100, "580", "unknown")


@pytest.mark.parametrize(
    "host",
    [
        pytest.param({f"srv/libcuda.so.{H100}": ""}, id="in a folder that nothing leads to"),
        pytest.param(
            lies("srv") | {"etc/ld.so.conf.d/nvidia.conf.off": "/srv\n"}, id="settings switched off"
        ),
        pytest.param(
            lies("srv") | {"etc/ld.so.conf.d/nvidia.conf": "#/srv\n"}, id="a setting in a comment"
        ),
        pytest.param(
            {f"usr/lib/libnvidia-glcore.so.{H100}": "", "usr/lib/libcuda.so.1": "->gone"},
            id="a link to nothing",
        ),
    ],
)
def test_a_library_that_no_program_would_open_is_none(tmp_path: Path, host: hosts.Host) -> None:
    assert look(tmp_path, host)["libraries"] == ""


def test_windows_library_under_wsl_is_no_driver_of_the_host_s(tmp_path: Path) -> None:
    library = "usr/lib/wsl/lib/libcuda.so.1.1"
    found = look(tmp_path, merged(hosts.WSL, debs("bash 5.2"), {library: ""}))
    assert (found["libraries"], found["origin"], found["branch"]) == ("1.1", "", "")


def test_debian_s_library_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    found = look(tmp_path, {f"{LIBRARY}/nvidia/current/libcuda.so.550.163.01": ""})
    assert found["libraries"] == "550.163.01"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"etc/modprobe.d/a.conf": "# x\nblacklist nouveau\n"}, True, id="a line"),
        pytest.param({"etc/modprobe.d/a.conf": "#blacklist nouveau\n"}, False, id="a comment"),
        pytest.param({"etc/modprobe.d/a.conf": "install nouveau /bin/false\n"}, True, id="install"),
        pytest.param(
            {"etc/modprobe.d/a.conf.dpkg-old": "blacklist nouveau\n"}, False, id="no .conf"
        ),
        pytest.param({"usr/lib/modprobe.d/nvidia.conf": "blacklist nouveau\n"}, True, id="Arch's"),
        pytest.param(
            {"lib": "->usr/lib", "usr/lib/modprobe.d/a.conf": "blacklist nouveau\n"},
            True,
            id="through a link",
        ),
        pytest.param(
            {
                "usr/lib/modprobe.d/nvidia.conf": "blacklist nouveau\n",
                "etc/modprobe.d/nvidia.conf": "->/dev/null",
            },
            False,
            id="hidden by one of its name",
        ),
        pytest.param(
            {"proc/cmdline": "quiet modprobe.blacklist=radeon,nouveau\n"}, True, id="at boot"
        ),
        pytest.param({"proc/cmdline": "module_blacklist=nouveau\n"}, True, id="by the kernel"),
        pytest.param({"proc/cmdline": "modprobe.blacklist=nouveau2\n"}, False, id="another"),
    ],
)
def test_nouveau_is_kept_out_by_what_modprobe_and_the_kernel_are_told(
    tmp_path: Path, files: hosts.Host, expected: bool
) -> None:
    assert look(tmp_path, files)["nouveau_blacklisted"] is expected


def test_nouveau_is_there_while_its_module_is_loaded(tmp_path: Path) -> None:
    assert look(tmp_path, {"sys/module/nouveau/refcnt": "1\n"})["nouveau"] is True


def test_devices_are_listed_as_they_are(tmp_path: Path) -> None:
    host = {"dev/nvidia0": "", "dev/nvidiactl": "", "dev/nvidia-uvm": "", "dev/null": ""}
    found = look(tmp_path, host)
    assert found["devices"] == ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]
    assert found["uvm"] is True


def process(pid: int, name: str, *held: str) -> hosts.Host:
    """A process with its open files."""
    files = {f"proc/{pid}/fd/{number}": f"->{path}" for number, path in enumerate(held)}
    return {f"proc/{pid}/comm": f"{name}\n", **files}


def test_the_processes_that_hold_a_gpu_are_told_by_their_kind(tmp_path: Path) -> None:
    host = merged(
        process(900, "python3", "/dev/null", "/dev/nvidiactl", "/dev/nvidia0"),
        process(90, "Xorg", "/dev/nvidia0"),
        process(8, "nvidia-persiste", "/dev/nvidia0"),
        process(91, "XGBoost", "/dev/nvidia-uvm"),
        process(92, "gnome-shell", "/dev/nvidia12"),
        process(93, "bash", "/dev/null", "/home/a/dev/nvidia0"),
        process(94, "", "/dev/nvidia0"),
        {"proc/driver/nvidia/version": OPEN},
    )
    assert host_driver.processes(hosts.write(tmp_path, host)) == [
        {"pid": 8, "name": "nvidia-persiste", "kind": "daemon"},
        {"pid": 90, "name": "Xorg", "kind": "display"},
        {"pid": 91, "name": "XGBoost", "kind": "compute"},
        {"pid": 92, "name": "gnome-shell", "kind": "display"},
        {"pid": 94, "name": "", "kind": "compute"},
        {"pid": 900, "name": "python3", "kind": "compute"},
    ]


def test_a_host_that_shares_its_gpus_out_has_the_manager(tmp_path: Path) -> None:
    host = merged(hosts.DEBIAN_12, kernel(KERNEL), {"usr/bin/nvidia-vgpu-mgr": ""})
    assert look(tmp_path, host)["vgpu_manager"] is True
