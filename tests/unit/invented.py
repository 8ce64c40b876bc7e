"""Rows of the matrix that nobody has yet: a TensorFlow, an Ubuntu and a generation of GPUs.

What a person would add for each, and no Python: the tests see that all else follows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from plugins.plugin_utils import row_files

_ROWS = """
stacks: # first of all
  - name: ampere
    tensorflow: 9.9.0
    lock: tensorflow-9.9.0.txt
    pythons: ["3.13", "3.14"]
    architectures: [x86_64]
    glibc: "2.34"
    disk_mb: 20000
    gpu:
      capabilities: ["8.0", "13.1"]
      cuda: "14.1"
      cudnn: 10.2.0.1
      cudnn_installed: 10.4.0.9
      driver: "700.20"
      system_lock: tensorflow-9.9.0-system.txt
      system_cudnn: 10.2.0.1
    source: invented
generations: # last of all
  - name: Rubin
    capability: "13.0"
    modules: [open]
    first: "700"
    chips: [{first: "0x3f00", last: "0x3f7f", chip: GR100, capability: "13.1"}]
    source: invented
drivers:
  - system: ubuntu
    versions: ["28.04"]
    origin: distribution
    architectures: [x86_64]
    branches: {"700": open}
    packages: {headless: ["nvidia-headless-{branch}{open}"]}
    module: {open: "nvidia-dkms-{branch}-open", proprietary: "nvidia-dkms-{branch}"}
    source: invented
repositories:
  - system: ubuntu
    version: "28.04"
    distro: ubuntu2804
    key_fingerprint: ABCD
    cuda:
      "14.1":
        packages: {cuda-toolkit-14-1: "14.1.*"}
        cudnn: libcudnn10-cuda-14
    source: invented
"""
UBUNTU_2804 = {
    "distribution": {"id": "ubuntu", "name": "Ubuntu", "version": "28.04", "codename": "zesty"},
    "pythons": [{"path": "/usr/bin/python3.14", "version": "3.14", "whole": True, "default": True}],
}
RUBIN = {"device": "0x3f01", "name": "R100"}  # as gpu_info tells a chip that it does not know


def rows(folder: Path, *names: str) -> dict[str, Any]:
    """The real rows with the invented ones; names: of which lists, none for all.

    folder: where the lock files are made.
    """
    invented: dict[str, Any] = yaml.safe_load(_ROWS)
    for stack in invented["stacks"]:
        stack["lock"] = _made(folder / stack["lock"])
        stack["gpu"]["system_lock"] = _made(folder / stack["gpu"]["system_lock"])
    told = row_files.matrix()
    ubuntu = next(row for row in told["systems"] if row["id"] == "ubuntu")
    invented["systems"] = []  # its version is new, and no row
    for name in names or invented:
        new, old = invented[name], told[name]
        told[name] = new + old if name == "stacks" else old + new
        if name == "systems":
            ubuntu["versions"].append("28.04")
            ubuntu["fresh"]["28.04"] = ubuntu["fresh"]["26.04"] | {"codename": "zesty"}
    return told


def _made(lock: Path) -> str:
    lock.write_text("tensorflow==9.9.0\n", encoding="utf-8")
    return str(lock)
