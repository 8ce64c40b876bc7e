"""What containers run by: engines and the toolkit, as dpkg and pacman tell them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.filter.container import missing_devices
from plugins.modules import gpu_info
from tests.unit import hosts

DOCKERS = "docker-ce 5:29.7.2-1~debian.12~bookworm"
NVIDIAS = "etc/apt/sources.list.d/nvidia-container-toolkit.list"
LINE = (
    "deb [signed-by=/usr/share/keyrings/k.gpg] "
    "https://nvidia.github.io/libnvidia-container/stable/deb/amd64 /\n"
)
OURS = "etc/apt/sources.list.d/grindstone-nvidia-container.sources"


def look(folder: Path, *parts: hosts.Host) -> dict[str, object]:
    found = gpu_info.look(hosts.write(folder, hosts.merged(*parts)), "/opt/grindstone")
    told: dict[str, object] = found["containers"]
    return told


@pytest.mark.parametrize(
    ("parts", "engines"),
    [
        ([hosts.debs("podman 4.3.1+ds1-8+deb12u1+b3")], [("podman", "4.3.1", "podman")]),
        ([hosts.debs(DOCKERS)], [("docker", "29.7.2", "docker-ce")]),
        ([hosts.debs("docker 1.5-2")], []),  # a dock for windows
        ([hosts.debs("bash 5"), {"snap/bin/docker": ""}], [("docker", "", "snap")]),
        ([hosts.arch_packages("docker 1:29.8.1-1")], [("docker", "29.8.1", "docker")]),
    ],
    ids=["podman", "docker-ce", "another docker", "snap", "Arch"],
)
def test_engines_are_known_by_their_packages(
    tmp_path: Path, parts: list[hosts.Host], engines: list[tuple[str, str, str]]
) -> None:
    told = look(tmp_path, *parts)
    keys = ("name", "version", "package")
    assert told["engines"] == [dict(zip(keys, each, strict=True)) for each in engines]


def test_the_toolkit_its_repository_and_the_description_are_told(tmp_path: Path) -> None:
    toolkit = hosts.debs("nvidia-container-toolkit-base 1.20.0-1")
    told = look(tmp_path, toolkit, {NVIDIAS: LINE, "etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0\n"})
    assert told["toolkit"] == "1.20.0"
    assert told["repository"] == f"/{NVIDIAS}"
    assert told["cdi"] == "/etc/cdi/nvidia.yaml"


def test_its_own_repository_is_nobody_else_s(tmp_path: Path) -> None:
    assert look(tmp_path, hosts.debs("bash 5"), {OURS: LINE})["repository"] == ""


@pytest.mark.parametrize("said", ["", "{", "[1]", json.dumps({"a@sha256:5f": "podman", "b": 7})])
def test_a_damaged_note_of_images_is_no_error(tmp_path: Path, said: str) -> None:
    host = {"var/lib/grindstone/images.json": said} if said else {}
    found = gpu_info.look(hosts.write(tmp_path, host), "/opt/grindstone")["containers"]["images"]
    assert found == ({"a@sha256:5f": "podman"} if "podman" in said else {})


SMI = (
    "0, GPU-aaa, 00000000:01:00.0, 580.95.05\n"
    "1, GPU-bbb, 00000000:C1:00.0, 580.95.05\n"
    "2, GPU-ccc, 00010000:02:00.0, 580.95.05\n"
)
BUS = ["0000:01:00.0", "0000:c1:00.0", "10000:02:00.0"]


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        ("nvidia.com/gpu=0\nnvidia.com/gpu=1\nnvidia.com/gpu=2\nnvidia.com/gpu=all\n", []),
        ("nvidia.com/gpu=GPU-aaa\nnvidia.com/gpu=GPU-ccc\n", BUS[1:2]),
        ("nvidia.com/gpu=0:0\nnvidia.com/gpu=0:1\nnvidia.com/gpu=MIG-1\n", BUS[1:]),
        ("amd.com/gpu=0\nnvidia.com/mofed=1\n", BUS),
        ("", BUS),
    ],
    ids=["by number", "by UUID", "MIG", "others'", "none"],
)
def test_every_planned_gpu_is_looked_for_in_the_list(listed: str, missing: list[str]) -> None:
    assert missing_devices(BUS, listed, SMI) == missing


def test_where_nvidia_smi_tells_none_all_are_missing() -> None:
    assert missing_devices(BUS[:1], "nvidia.com/gpu=0\n", "No devices were found\n") == BUS[:1]
