"""What `gpu_facts` reads from hosts that are folders of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.modules import gpu_facts
from tests.unit import hosts

PREFIX = "/opt/grindstone"


def look(tmp_path: Path, host: hosts.Host) -> dict[str, Any]:
    return gpu_facts.look(hosts.write(tmp_path, host), PREFIX)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (hosts.DEBIAN_12, {"id": "debian", "name": "Debian", "version": "12"}),
        (hosts.UBUNTU_2604, {"id": "ubuntu", "name": "Ubuntu", "version": "26.04"}),
        (hosts.ARCH, {"id": "arch", "name": "Arch", "version": ""}),
        ({}, {"id": "", "name": "an unknown system", "version": ""}),
    ],
)
def test_the_distribution_is_os_release_s(
    tmp_path: Path, host: hosts.Host, expected: dict[str, str]
) -> None:
    assert look(tmp_path, host)["distribution"] == {"codename": "", **expected}


def test_only_nvidia_s_display_devices_are_gpus(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.WITH_GPU)
    assert found["gpus"] == [
        {
            "address": "0000:01:00.0",
            "device": "0x2204",
            "chip": "GA102",
            "generation": "Ampere",
            "compute_capability": "8.6",
            "name": "",
            "bound": "",
        }
    ]
    others = [{"address": "0000:00:02.0", "vendor": "0x8086", "device": "0x4680"}]
    assert found["other_gpus"] == others


def test_an_interpreter_is_known_by_its_name_and_what_of_its_library_is_there(
    tmp_path: Path,
) -> None:
    host = hosts.DEBIAN_12_WITHOUT_VENV | {
        "usr/bin/python3.11-config": "",
        "usr/bin/python3.13t": "",
        "usr/local/bin/python3.9": "",
    }
    assert look(tmp_path, host)["pythons"] == [
        {
            "path": "/usr/local/bin/python3.9",
            "version": "3.9",
            "whole": False,
            "ensurepip": False,
            "default": False,
        },
        {
            "path": "/usr/bin/python3.11",
            "version": "3.11",
            "whole": True,
            "ensurepip": False,
            "default": True,
        },
    ]


def test_a_local_python3_is_not_the_system_s_python3(tmp_path: Path) -> None:
    local = {"usr/local/bin/python3.12": "", "usr/local/bin/python3": "->python3.12"}
    found = look(tmp_path, hosts.DEBIAN_12 | local)
    defaults = [python["path"] for python in found["pythons"] if python["default"]]
    assert defaults == ["/usr/bin/python3.11"]


def test_versions_are_in_order_of_number_not_of_letters(tmp_path: Path) -> None:
    host = hosts.python("3.10") | hosts.python("3.9", default=False)
    assert [python["version"] for python in look(tmp_path, host)["pythons"]] == ["3.9", "3.10"]


@pytest.mark.parametrize(
    ("host", "glibc"), [(hosts.DEBIAN_12, "2.36"), (hosts.ARCH, "2.42"), ({}, "")]
)
def test_the_c_library_s_version_is_read_from_the_library(
    tmp_path: Path, host: hosts.Host, glibc: str
) -> None:
    assert look(tmp_path, host)["glibc"] == glibc


def test_wsl_and_containers_are_known_by_what_they_leave(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.WSL | {"run/systemd/container": "lxc\n"})
    assert (found["wsl"], found["container"]) == (True, "lxc")


def test_a_machine_of_its_own_is_neither_wsl_nor_a_container(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.DEBIAN_13)
    assert (found["wsl"], found["container"]) == (False, "")


def test_an_environment_whose_interpreter_is_gone_has_no_python(tmp_path: Path) -> None:
    made = {
        "opt/grindstone/tensorflow/pyvenv.cfg": "home = /usr/bin\nversion_info = 3.11.2\n",
        "opt/grindstone/tensorflow/lib/python3.11/site-packages/tensorflow-2.21.0.dist-info/R": "",
    }
    there = {"opt/grindstone/tensorflow/bin/python": ""}
    gone = {"opt/grindstone/tensorflow/bin/python": "->/nowhere/python3.11"}
    assert look(tmp_path / "there", made | there)["environment"] == {
        "python": "3.11",
        "tensorflow": "2.21.0",
        "cudnn": "",
    }
    assert look(tmp_path / "gone", made | gone)["environment"]["python"] == ""


def test_free_disk_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert gpu_facts.free_mb(tmp_path / "not" / "yet" / "there") > 0
