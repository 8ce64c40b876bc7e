"""The GPUs on a host's PCI bus, and the switches between them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .gpu_chips import UNKNOWN, of_device
from .sysroot import exists, inside, link, names, raw, text

NVIDIA = "0x10de"
DISPLAY = "0x03"  # PCI class: VGA and 3D controllers
ACCELERATOR = "0x12"  # processing accelerators, as AMD's MI300X is one (lspci -nn)
AMD = "0x1002"
VGA = "0x0300"  # that of a board which can have a screen; the others are 3D controllers, 0302
SWITCH = "0x0680"  # other bridges: NVSwitches, and chipsets of before 2010
FIRST_SWITCH = 0x1A00  # NVSwitches' ids lie above: 1af1 on A100 boards, 22a3 on H100's (pci.ids)
# From NVLink 5 on (B200) the NVSwitches are InfiniBand's devices, and say so in their product data
# (github.com/NVIDIA/gpu-driver-container, _assert_nvlink5_system), which AWS' machines do not show
# (issue 606 there).
MELLANOX = "0x15b3"
INFINIBAND = "0x0207"
MANAGES_SWITCHES = b"SW_MNG"
WITH_NVLINK_5 = ("GB100", "GB110")
NO_ANSWER = "0xffff"  # the vendor of a device that has fallen off the bus
# A virtual GPU by its name, such as "GRID A100-10C" or "NVIDIA A40-48Q" (NVIDIA's vGPU user guide).
VIRTUAL = re.compile(r"-\d+(-\d+)?[ABCQ](ME)?$|\bvGPU$")


def gpus(root: Path) -> list[dict[str, Any]]:
    """NVIDIA's display devices on the PCI bus, in bus order (compare `lspci -nnk -d 10de:`)."""
    found = []
    for device in devices(root, DISPLAY):
        if text(device / "vendor") != NVIDIA:
            continue
        number = text(device / "device")
        known = re.match(r"0x[0-9a-f]{4}$", number)
        chip = of_device(int(number, 16)) if known else UNKNOWN
        name = (pci_name(root, number[2:]) if known else "") or model(root, device.name)
        found.append(
            {
                "address": device.name,
                "device": number,
                "chip": chip.code,
                "generation": chip.generation,
                "compute_capability": chip.capability,
                "name": name,
                "bound": bound(device),
                "display": text(device / "class").startswith(VGA),
                "virtual": virtual(root, device, name),
            }
        )
    return found


def other_gpus(root: Path) -> list[dict[str, str]]:
    """The display devices that are not NVIDIA's: a laptop's second GPU, a server's console."""
    others = [device for device in devices(root, DISPLAY) if text(device / "vendor") != NVIDIA]
    # Those of other vendors are no GPUs, as Intel's NPUs.
    others += [each for each in devices(root, ACCELERATOR) if text(each / "vendor") == AMD]
    return [
        {
            "address": device.name,
            "vendor": text(device / "vendor"),
            "device": text(device / "device"),
        }
        for device in others
        if re.match(r"0x[0-9a-f]{4}$", text(device / "device"))
    ]


def switches(root: Path) -> list[dict[str, str]]:
    """The NVSwitches between the GPUs (compare `lspci -d 10de::0680`)."""
    found = _switches_of_nvlink_5(root)
    for device in devices(root, SWITCH):
        number = text(device / "device")
        ours = text(device / "vendor") == NVIDIA and re.match(r"0x[0-9a-f]{4}$", number)
        if ours and int(number, 16) >= FIRST_SWITCH:
            found.append({"address": device.name, "vendor": NVIDIA, "device": number})
    return found


def _switches_of_nvlink_5(root: Path) -> list[dict[str, str]]:
    if not {gpu["chip"] for gpu in gpus(root)}.intersection(WITH_NVLINK_5):
        return []
    return [
        {"address": each.name, "vendor": MELLANOX, "device": text(each / "device")}
        for each in devices(root, INFINIBAND)
        if text(each / "vendor") == MELLANOX
        and (MANAGES_SWITCHES in raw(each / "vpd") or not exists(each / "vpd"))
    ]


def devices(root: Path, kind: str) -> list[Path]:
    """The folders of the PCI bus' devices of a class that answer."""
    folder = root / "sys/bus/pci/devices"
    every = [folder / name for name in names(folder)]
    return [
        device
        for device in every
        if text(device / "class").startswith(kind) and _answers(text(device / "vendor"))
    ]


def _answers(vendor: str) -> bool:
    return vendor != NO_ANSWER and bool(re.match(r"0x[0-9a-f]{4}$", vendor))


def bound(device: Path) -> str:
    """The kernel's driver that has the device, "" for none."""
    return Path(link(device / "driver")).name


def virtual(root: Path, device: Path, name: str) -> bool:
    """Whether it is a share of a GPU, which NVIDIA's guest driver alone drives.

    By its names, and by the signature of NVIDIA's capability in its configuration, which only root
    sees whole (github.com/NVIDIA/k8s-device-plugin, internal/vgpu).
    """
    board = (text(device / part)[2:] for part in ("subsystem_vendor", "subsystem_device"))
    of_board = board_name(root, text(device / "device")[2:], " ".join(board))
    known = [name, of_board, model(root, device.name)]
    return any(map(VIRTUAL.search, known)) or _has_signature(raw(device / "config"))


def model(root: Path, address: str) -> str:
    """What the loaded driver calls a GPU, "" before it has looked at it."""
    told = text(root / f"proc/driver/nvidia/gpus/{address}/information")
    found = re.search(r"^Model:[ \t]*(?:NVIDIA )?(.*?)[ \t]*$", told, re.MULTILINE)
    return found.group(1) if found and found.group(1) != "Unknown" else ""


def _has_signature(config: bytes) -> bool:
    """Whether a vendor's capability (id 9) of the PCI configuration begins with "VF"."""
    place, seen = (config[0x34] if len(config) > 0x40 else 0), set()
    while 0x40 <= place < len(config) - 4 and place not in seen:
        seen.add(place)
        if config[place] == 9 and config[place + 3 : place + 5] == b"VF":
            return True
        place = config[place + 1]
    return False


def pci_name(root: Path, device: str) -> str:
    """The marketing name that the host's own pci.ids gives a device, "" where it is older."""
    pattern = rb"^\t" + device.encode() + rb"  .*?\[(.*)\]"
    return _named(root, pattern)


def board_name(root: Path, device: str, board: str) -> str:
    """The name of a device's subsystem, "10de 11b0", by the host's own pci.ids."""
    lines = rb"(?:\n\t\t.*)*?\n\t\t" + re.escape(board.encode()) + rb"  (.*)"
    return _named(root, rb"^\t" + re.escape(device.encode()) + rb"  .*" + lines)


def _named(root: Path, pattern: bytes) -> str:
    for path in ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"):
        since_nvidia = raw(inside(root, path)).partition(b"\n10de  ")[2]
        of_nvidia = re.split(rb"\n[0-9a-f]{4}  ", since_nvidia)[0]
        match = re.search(pattern, of_nvidia, re.MULTILINE)
        if match:
            return match.group(1).decode(errors="replace")
    return ""
