"""The names of NVIDIA's display devices by their PCI ids.

gpu_names.csv: those in pci.ids 2025.06.09 and, from Volta on, of 2026.10.24.  So a GPU has its name
where the host has no pci.ids, as in a container, or an old one.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_suffix(".csv")


@cache
def listed() -> tuple[tuple[str, str], ...]:
    """Each device, such as "2330", with a name; boards of different names may be one device."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple((row["device"], row["name"]) for row in csv.DictReader(file))


@cache
def _by_device() -> dict[str, str]:
    found: dict[str, str] = {}
    for device, name in listed():
        found[device] = f"{found[device]} / {name}" if device in found else name
    return found


def of_device(device: str) -> str:
    """What the device "0x2330" is sold as, "" where that is not known.

    >>> of_device("0x2330")
    'H100 SXM5 80GB'
    """
    return _by_device().get(device.removeprefix("0x").lower(), "")
