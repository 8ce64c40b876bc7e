"""GPUs on the PCI bus that are not what they seem, and the switches between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import host_gpus
from plugins.modules import gpu_info
from tests.unit import hosts
from tests.unit.hosts import device, merged

AT = "0000:01:00.0"
FOLDER = f"sys/bus/pci/devices/{AT}"
A100 = device(AT, "0x10de", "0x20f1", "0x030200")


def only(root: Path, host: hosts.Host) -> dict[str, Any]:
    (found,) = host_gpus.gpus(hosts.write(root, host))
    return dict(found)


@pytest.mark.parametrize("number", ["0xffff", "", "garbage"])
def test_a_gpu_of_nvidia_s_whose_id_says_nothing_is_newer_than_the_table(
    tmp_path: Path, number: str
) -> None:
    found = only(tmp_path, device(AT, "0x10de", number, "0x030000"))
    assert (found["device"], found["generation"]) == (number, "")


@pytest.mark.parametrize(("kind", "display"), [("0x030000", True), ("0x030200", False)])
def test_a_board_for_screens_is_told_from_one_that_only_computes(
    tmp_path: Path, kind: str, display: bool
) -> None:
    assert only(tmp_path, device(AT, "0x10de", "0x128b", kind))["display"] is display


PCI_IDS = """
10de  NVIDIA Corporation
\t13f2  GM204GL [Tesla M60]
\t\t10de 113a  Tesla M60
\t\t10de 1150  GRID M60-8Q
\t20f1  GA100 [A100 PCIe 40GB]
\t\t10de 145f  A100 PCIe 40GB
"""
MODEL = f"proc/driver/nvidia/gpus/{AT}/information"
H100 = device(AT, "0x10de", "0x2330", "0x030200")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (H100, ""),
        (H100 | {MODEL: "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 41\n"}, "H100 80GB HBM3"),
        (H100 | {MODEL: "Model: \t\t Unknown\n"}, ""),
        (H100 | {MODEL: "Model:\nIRQ: 41"}, ""),
        (
            A100 | {MODEL: "Model: NVIDIA A100-PCIE-40GB", "usr/share/misc/pci.ids": PCI_IDS},
            "A100 PCIe 40GB",
        ),
    ],
)
def test_a_gpu_has_the_name_of_pci_ids_or_else_of_its_driver(
    tmp_path: Path, host: hosts.Host, name: str
) -> None:
    assert only(tmp_path, host)["name"] == name


BOARD = {f"{FOLDER}/subsystem_vendor": "0x10de", f"{FOLDER}/subsystem_device": "0x1150"}
LISTED = {"usr/share/misc/pci.ids": PCI_IDS}


@pytest.mark.parametrize(
    ("host", "virtual"),
    [
        pytest.param(A100, False, id="a whole one"),
        pytest.param(A100 | {MODEL: "Model: \t\t GRID A100-10C\nIRQ: 11"}, True, id="its model"),
        pytest.param(A100 | {MODEL: "Model: NVIDIA A100-SXM4-40GB"}, False, id="a whole model"),
        pytest.param(A100 | {MODEL: "Model: GRID A100-3-20C"}, True, id="of a MIG slice"),
        pytest.param(
            device(AT, "0x10de", "0x13f2", "0x030000") | BOARD | LISTED, True, id="its board"
        ),
        pytest.param(A100 | BOARD | LISTED, False, id="another chip's board"),
    ],
)
def test_a_virtual_gpu_is_known_by_its_names(
    tmp_path: Path, host: hosts.Host, virtual: bool
) -> None:
    assert only(tmp_path, host)["virtual"] is virtual


def config(*capabilities: bytes) -> bytes:
    """A PCI configuration with that chain of capabilities, each id and content."""
    space = bytearray(256)
    place, last = 0x60, 0x34
    for capability in capabilities:
        space[last] = place
        space[place : place + 1 + len(capability)] = capability[:1] + b"\0" + capability[1:]
        last, place = place + 1, place + 32
    return bytes(space)


@pytest.mark.parametrize(
    ("content", "virtual"),
    [
        (config(b"\x05msi", b"\x09\x1cVF\x00"), True),
        (config(b"\x09\x1cxx"), False),
        (config(b"\x05VFVF"), False),
        (config()[:64], False),
        (b"", False),
        (bytes([0x34] * 256), False),
    ],
)
def test_a_virtual_gpu_is_known_by_its_capability(
    tmp_path: Path, content: bytes, virtual: bool
) -> None:
    hosts.write(tmp_path, A100)
    (tmp_path / FOLDER / "config").write_bytes(content)
    assert only(tmp_path, {})["virtual"] is virtual


def test_switches_are_nvidia_s_bridges_that_are_no_old_chipset_s(tmp_path: Path) -> None:
    host = merged(
        device("0000:05:00.0", "0x10de", "0x22a3", "0x068000"),
        device("0000:06:00.0", "0x10de", "0x1af1", "0x068000"),
        device("0000:00:01.0", "0x10de", "0x03f5", "0x068000"),
        device("0000:07:00.0", "0x8086", "0x22a3", "0x068000"),
    )
    found = host_gpus.switches(hosts.write(tmp_path, host))
    assert [each["device"] for each in found] == ["0x22a3", "0x1af1"]


@pytest.mark.parametrize(
    ("gpu", "vpd", "switches"),
    [
        ("0x2901", "ConnectX-7 SW_MNG", 1),
        ("0x2901", None, 1),  # AWS' machines do not show it
        ("0x2901", "ConnectX-7 HHHL adapter", 0),
        ("0x2330", None, 0),  # an adapter that a virtual machine with H100 has
    ],
)
def test_switches_of_nvlink_5_are_infiniband_s_devices(
    tmp_path: Path, gpu: str, vpd: str | None, switches: int
) -> None:
    told = {} if vpd is None else {"sys/bus/pci/devices/0000:05:00.0/vpd": vpd}
    host = hosts.merged(
        device("0000:01:00.0", "0x10de", gpu, "0x030200"),
        device("0000:05:00.0", "0x15b3", "0x1021", "0x020700"),
        told,
    )
    found = host_gpus.switches(hosts.write(tmp_path, host))
    assert [each["vendor"] for each in found] == ["0x15b3"] * switches


def test_a_tegra_on_the_bus_makes_a_jetson(tmp_path: Path) -> None:
    host = hosts.AARCH64 | device(AT, "0x10de", "0x2b00", "0x030000")
    assert gpu_info.look(hosts.write(tmp_path, host), "/opt")["machine"] == "Jetson"
