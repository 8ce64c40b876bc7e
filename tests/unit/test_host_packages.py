"""What is installed, from where, held or half there, by dpkg's and pacman's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import host_packages
from tests.unit import hosts
from tests.unit.hosts import arch_packages, debs, merged

LISTS = "var/lib/apt/lists"
DRIVER = "nvidia-driver-580 580.95.05-0ubuntu1"


def offered(*told: str) -> str:
    """A list of a repository's packages: each `name version`."""
    entries = [each.split(" ") for each in told]
    return "".join(
        f"Package: {name}\nArchitecture: amd64\nVersion: {version}\n\n" for name, version in entries
    )


def origins(root: Path, host: hosts.Host) -> dict[str, str]:
    packages = host_packages.known(hosts.write(root, host))
    return {name: package.origin for name, package in packages.items() if name != "dpkg"}


def look(root: Path, host: hosts.Host) -> dict[str, Any]:
    hosts.write(root, host)
    return host_packages.look(root, host_packages.known(root))


def test_a_package_that_only_the_distribution_offers_is_the_distribution_s(tmp_path: Path) -> None:
    host = debs(DRIVER) | {
        f"{LISTS}/archive.ubuntu.com_ubuntu_dists_noble_InRelease": "Origin: Ubuntu\n",
        f"{LISTS}/archive.ubuntu.com_ubuntu_dists_noble_restricted_binary-amd64_Packages": offered(
            DRIVER
        ),
    }
    assert origins(tmp_path, host) == {"nvidia-driver-580": "distribution"}


FLAT = "developer.download.nvidia.com_compute_cuda_repos_ubuntu2404_x86%5f64"


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param({f"{LISTS}/{FLAT}_Packages": offered(DRIVER)}, id="by its address"),
        pytest.param(
            {
                f"{LISTS}/mirror.site_cuda_Release": "Origin: NVIDIA\nLabel: NVIDIA CUDA\n",
                f"{LISTS}/mirror.site_cuda_Packages": offered(DRIVER),
            },
            id="a mirror by its Release",
        ),
        pytest.param(
            {
                f"{LISTS}/mirror.site_cuda_InRelease": "-----BEGIN PGP\n\nOrigin: NVIDIA\n",
                f"{LISTS}/mirror.site_cuda_Packages": offered(DRIVER),
            },
            id="a mirror by its InRelease",
        ),
    ],
)
def test_a_package_of_nvidia_s_repository_is_nvidia_s(tmp_path: Path, lists: hosts.Host) -> None:
    assert origins(tmp_path, debs(DRIVER) | lists) == {"nvidia-driver-580": "nvidia"}


def test_a_repository_of_nvidia_s_without_drivers_is_none_of_drivers(tmp_path: Path) -> None:
    """That of its container toolkit: a host that has it has not chosen NVIDIA's driver."""
    flat = f"{LISTS}/nvidia.github.io_libnvidia-container_stable_deb_amd64"
    toolkit = offered("nvidia-container-toolkit-base 1.20.0-1", "libnvidia-container1 1.20.0-1")
    for told, repositories in ((toolkit, []), (toolkit + offered(DRIVER), ["nvidia"])):
        host = debs("bash 5.2") | {
            f"{flat}_InRelease": "Origin: NVIDIA\n",
            f"{flat}_Packages": told,
        }
        assert look(tmp_path, host)["repositories"] == repositories


def test_a_package_of_nvidia_s_is_known_where_apt_has_no_lists(tmp_path: Path) -> None:
    host = debs(
        "cuda-drivers 580.95.05-1ubuntu1\nMaintainer: cudatools <cudatools@nvidia.com>",
        "nvidia-settings 580.65-1\nMaintainer: Ubuntu Core Developers <ubuntu@lists.ubuntu.com>",
    )
    assert origins(tmp_path, host) == {"cuda-drivers": "nvidia", "nvidia-settings": "distribution"}


def test_a_repository_that_offers_another_version_is_not_the_origin(tmp_path: Path) -> None:
    host = debs(DRIVER) | {f"{LISTS}/{FLAT}_Packages": offered("nvidia-driver-580 580.105.08-1")}
    assert origins(tmp_path, host) == {"nvidia-driver-580": "distribution"}


def test_a_repository_whose_name_another_s_begins_with_is_not_taken_for_it(tmp_path: Path) -> None:
    host = debs(DRIVER) | {
        f"{LISTS}/mirror.site_cuda_Release": "Origin: NVIDIA\n",
        f"{LISTS}/mirror.site_cuda-free-ubuntu_Packages": offered(DRIVER),
    }
    assert origins(tmp_path, host) == {"nvidia-driver-580": "distribution"}


def test_a_package_of_the_graphics_drivers_ppa_is_a_ppa_s(tmp_path: Path) -> None:
    ppa = "ppa.launchpadcontent.net_graphics-drivers_ppa_ubuntu_dists_noble"
    host = debs(DRIVER, "libnvidia-compute-580 580.95.05-0ubuntu0~gpu24.04.1") | {
        f"{LISTS}/{ppa}_InRelease": "Origin: LP-PPA-graphics-drivers\n",
        f"{LISTS}/{ppa}_main_binary-amd64_Packages": offered(DRIVER),
    }
    assert origins(tmp_path, host) == {"nvidia-driver-580": "ppa", "libnvidia-compute-580": "ppa"}


def test_a_package_of_lambda_stack_is_not_the_distribution_s(tmp_path: Path) -> None:
    host = debs("nvidia-driver-580-server-open 580.105.08-0lambda0.22.04.1")
    assert origins(tmp_path, host) == {"nvidia-driver-580-server-open": "unknown"}


def test_two_origins_at_once_are_told_apart(tmp_path: Path) -> None:
    host = debs(DRIVER, "libnvidia-compute-580 580.95.05-1", "bash 5.2") | {
        f"{LISTS}/{FLAT}_Packages": offered("libnvidia-compute-580 580.95.05-1", "bash 5.2")
    }
    assert origins(tmp_path, host) == {
        "nvidia-driver-580": "distribution",
        "libnvidia-compute-580": "nvidia",
        "bash": "distribution",  # not a driver's, and not looked up
    }


@pytest.mark.parametrize(
    ("maker", "origin"),
    [
        ("Serge Schneider <serge@raspberrypi.com>", "distribution"),
        ("Debian Kernel Team <debian-kernel@lists.debian.org>", "distribution"),
        ("Steven Barrett <steven@liquorix.net>", "foreign"),
    ],
)
def test_a_kernel_is_whose_maintainer_it_has(tmp_path: Path, maker: str, origin: str) -> None:
    name = "linux-image-6.12.47-1-a"
    host = debs(f"{name} 1:6.12.47-1\nMaintainer: {maker}")
    assert host_packages.known(hosts.write(tmp_path, host))[name].origin == origin


def test_a_foreign_architecture_does_not_hide_the_host_s_own(tmp_path: Path) -> None:
    i386 = (
        "libnvidia-compute-580 580.95.05-1\nArchitecture: i386\nStatus: deinstall ok config-files"
    )
    host = debs("libnvidia-compute-580 580.95.05-1", i386)
    packages = host_packages.known(hosts.write(tmp_path, host))
    assert packages["libnvidia-compute-580"].state == "installed"
    assert packages["libnvidia-compute-580:i386"].state == "config-files"


def test_what_has_only_left_its_configuration_is_not_installed(tmp_path: Path) -> None:
    gone = f"{DRIVER}\nStatus: deinstall ok config-files"
    packages = host_packages.known(hosts.write(tmp_path, debs(gone)))
    assert list(host_packages.installed(packages)) == ["dpkg"]


@pytest.mark.parametrize(
    "state", ["unpacked", "half-configured", "half-installed", "triggers-pending"]
)
def test_what_dpkg_has_not_finished_is_half_installed(tmp_path: Path, state: str) -> None:
    host = debs(f"{DRIVER}\nStatus: install ok {state}", "bash 5.2")
    assert look(tmp_path, host)["half_installed"] == ["nvidia-driver-580"]


def test_what_is_whole_or_gone_is_not_half_installed(tmp_path: Path) -> None:
    host = debs("bash 5.2", f"{DRIVER}\nStatus: deinstall ok config-files")
    assert look(tmp_path, host)["half_installed"] == []


def test_a_journal_that_dpkg_has_not_written_to_its_status_is_half_installed(
    tmp_path: Path,
) -> None:
    journal = {"var/lib/dpkg/updates/0003": "Package: bash\n"}
    assert look(tmp_path, debs("bash 5.2") | journal)["half_installed"] == ["dpkg's journal"]


def test_dpkg_s_own_temporary_file_is_no_journal(tmp_path: Path) -> None:
    rest = {"var/lib/dpkg/updates/tmp.i": "#padding\n"}
    assert look(tmp_path, debs("bash 5.2") | rest)["half_installed"] == []


def test_only_holds_that_concern_drivers_kernels_and_cuda_are_told(tmp_path: Path) -> None:
    hold = "Status: hold ok installed"
    host = debs(
        f"{DRIVER}\n{hold}",
        f"linux-image-amd64 6.1\n{hold}",
        f"libcudnn9-cuda-12 9.3.0.75-1\n{hold}",
        f"bash 5.2\n{hold}",
        "cuda-toolkit-12-5 12.5.1-1",
    )
    held = ["libcudnn9-cuda-12", "linux-image-amd64", "nvidia-driver-580"]
    assert look(tmp_path, host)["held"] == held


def test_unattended_upgrades_are_told_while_they_are_installed(tmp_path: Path) -> None:
    there = debs("unattended-upgrades 2.9")
    gone = debs("unattended-upgrades 2.9\nStatus: deinstall ok config-files")
    assert look(tmp_path / "there", there)["unattended_upgrades"] is True
    assert look(tmp_path / "gone", gone)["unattended_upgrades"] is False


@pytest.mark.parametrize("content", ["", "\n\n", "Package", "Package: x\nStatus: install\n"])
def test_an_empty_or_cut_status_is_a_dpkg_without_packages(tmp_path: Path, content: str) -> None:
    found = look(tmp_path, {"var/lib/dpkg/status": content})
    assert (found["manager"], found["held"], found["half_installed"]) == ("apt", [], [])


def test_a_status_that_is_not_text_is_read_as_far_as_it_is(tmp_path: Path) -> None:
    hosts.write(tmp_path, debs(DRIVER))
    status = tmp_path / "var/lib/dpkg/status"
    status.write_bytes(b"Package: x\nDescription: \xff\xfe\0\n\n" + status.read_bytes())
    assert "nvidia-driver-580" in host_packages.known(tmp_path)


DEB822 = """Types: deb
URIs: https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu/
Suites: noble
"""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, [], id="none"),
        pytest.param(
            {
                "cuda.list": "deb [signed-by=/k] https://developer.download.nvidia.com/"
                "compute/cuda/repos/debian12/x86_64/ /\n"
            },
            ["nvidia"],
            id="NVIDIA's",
        ),
        pytest.param({"gpu.sources": DEB822}, ["ppa:graphics-drivers"], id="the PPA"),
        pytest.param({"gpu.sources": DEB822 + "Enabled: no\n"}, [], id="switched off"),
        pytest.param(
            {"gpu.sources": f"Enabled: no\n{DEB822}\n{DEB822}"},
            ["ppa:graphics-drivers"],
            id="one of two switched off",
        ),
        pytest.param(
            {"gpu.sources": "# " + DEB822.replace("\n", "\n# ")}, [], id="all commented out"
        ),
        pytest.param({"gpu.sources.save": DEB822}, [], id="another suffix"),
        pytest.param(
            {"x.list": "deb http://ppa.launchpad.net/deadsnakes/ppa/ubuntu noble main\n"},
            [],
            id="a PPA of something else",
        ),
    ],
)
def test_foreign_sources_of_drivers_are_those_that_apt_reads(
    tmp_path: Path, files: hosts.Host, expected: list[str]
) -> None:
    sources = {f"etc/apt/sources.list.d/{name}": said for name, said in files.items()}
    assert look(tmp_path, debs() | sources)["repositories"] == expected


def test_a_package_that_was_built_on_arch_is_of_an_unknown_origin(tmp_path: Path) -> None:
    host = merged(
        arch_packages("linux 6.18.1.arch1-1", "nvidia-utils 590.48.01-1"),
        arch_packages("nvidia-580xx-dkms 580.119.02-1", "my-tool 1.0-1", validation="none"),
    )
    assert origins(tmp_path, host) == {
        "linux": "distribution",
        "nvidia-utils": "distribution",
        "nvidia-580xx-dkms": "unknown",
        "my-tool": "distribution",  # not a driver's, and not looked at
    }


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        pytest.param({"etc/pacman.conf": "[options]\nIgnorePkg = nvidia-open bash\n"}, 1, id="it"),
        pytest.param({"etc/pacman.conf": "[options]\n#IgnorePkg = nvidia-open\n"}, 0, id="comment"),
        pytest.param({"etc/pacman.conf": "[options]\nIgnorePkg = nvidia*\n"}, 1, id="pattern"),
        pytest.param(
            {
                "etc/pacman.conf": "[options]\nInclude = /etc/pacman.d/*.conf\n",
                "etc/pacman.d/site.conf": "IgnorePkg = nvidia-open\nInclude = /etc/pacman.conf\n",
            },
            1,
            id="in an included file",
        ),
        pytest.param(
            {
                "etc/pacman.conf": "[core]\nInclude = /etc/pacman.d/mirrorlist\n",
                "etc/pacman.d/other.conf": "IgnorePkg = nvidia-open\n",
            },
            0,
            id="in a file that is not included",
        ),
    ],
)
def test_pacman_s_ignored_packages_are_held(
    tmp_path: Path, configured: hosts.Host, expected: int
) -> None:
    host = merged(arch_packages("nvidia-open 590.48.01-1", "bash 5.3-1"), configured)
    assert look(tmp_path, host)["held"] == ["nvidia-open"][:expected]


@pytest.mark.parametrize(
    ("running", "locked"),
    [
        ({}, True),
        ({"proc/77/comm": "pacman\n"}, False),
        ({"proc/77/comm": "packagekitd\n"}, False),
        ({"proc/77/comm": "pacman-key\n"}, True),
        ({"proc/77/comm": "pacman\n", "proc/77/status": "Name:\tpacman\nState:\tS (x)\n"}, False),
        ({"proc/77/comm": "pacman\n", "proc/77/status": "Name:\tpacman\nState:\tZ (x)\n"}, True),
    ],
)
def test_pacman_s_lock_is_left_behind_where_no_pacman_runs(
    tmp_path: Path, running: hosts.Host, locked: bool
) -> None:
    host = merged(arch_packages(), {"var/lib/pacman/db.lck": "", "proc/1/comm": "x"}, running)
    assert look(tmp_path, host)["locked"] is locked


@pytest.mark.parametrize("inside", [True, False])
def test_a_pacman_in_a_container_holds_no_lock_of_the_hosts(tmp_path: Path, inside: bool) -> None:
    host, container = tmp_path / "host", tmp_path / "container"
    container.mkdir()
    (host / "var/lib/pacman").mkdir(parents=True)
    (host / "var/lib/pacman/db.lck").touch()
    process = host / "proc/42"
    process.mkdir(parents=True)
    (process / "comm").write_text("pacman\n", encoding="utf-8")
    (process / "root").symlink_to(container if inside else host)
    assert host_packages.locked(host) is inside


def test_a_process_whose_name_is_not_text_is_no_pacman(tmp_path: Path) -> None:
    hosts.write(tmp_path, {"var/lib/pacman/db.lck": "", "proc/7/comm": ""})
    (tmp_path / "proc/7/comm").write_bytes(b"\xff\xfe\n")
    assert host_packages.look(tmp_path, {})["locked"] is True


@pytest.mark.parametrize(
    ("host", "manager"),
    [
        (debs(), "apt"),
        (arch_packages("linux 6-1"), "pacman"),
        (hosts.FEDORA, ""),
        # Arch's own dpkg package makes a folder of it.
        (merged(arch_packages("dpkg 1.22-1"), {"var/lib/dpkg/updates/.keep": ""}), "pacman"),
    ],
)
def test_the_package_manager_is_the_one_with_a_database(
    tmp_path: Path, host: hosts.Host, manager: str
) -> None:
    assert look(tmp_path, host)["manager"] == manager
