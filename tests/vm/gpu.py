"""A Tesla T4 on the PCI bus, as far as gpu_info looks; there is no device behind it.

qemu has no device with NVIDIA's ids.  So the module is there, and finds "No such device".
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.roots import Root

DEVICE = {"vendor": "0x10de", "device": "0x1eb8", "class": "0x030200"}
FOLDER = "srv/pci-devices"
BUS = "/sys/bus/pci/devices"
UNIT = f"""[Unit]
Before=ssh.service
[Service]
Type=oneshot
ExecStart=mount --bind /{FOLDER} {BUS}
[Install]
WantedBy=multi-user.target
"""


def mock_gpu(root: Root) -> None:
    """Has what is booted from `root` see the GPU."""
    device = root.path / FOLDER / "0000:01:00.0"
    device.mkdir(parents=True)
    for name, value in DEVICE.items():
        (device / name).write_text(f"{value}\n", encoding="utf-8")
    _enable(root.path, "mock-gpu.service", UNIT)


def _enable(root: Path, name: str, unit: str) -> None:
    (root / "etc/systemd/system" / name).write_text(unit, encoding="utf-8")
    subprocess.run(["systemctl", "--quiet", f"--root={root}", "enable", name], check=True)
