"""A lock of the role tensorflow with wheels in a folder that stand in for the real gigabytes.

Each has the name and the version that the lock has for a Python and a machine, and of its files
only those that the role works on.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

from packaging.markers import Marker

from tests.support.edge_index import LIBRARY

LOCKS = Path(__file__).parents[2] / "roles/tensorflow/files"
# By the wheel that brings it: what the role mends, and looks for.
LIBRARIES = {
    "tf-nightly": ["tensorflow/libtensorflow_framework.so.2"],
    "nvidia-cublas-cu12": ["nvidia/cublas/lib/libcublas.so.12"],
    "nvidia-cuda-nvrtc-cu12": ["nvidia/cuda_nvrtc/lib/libnvrtc.so.12"],
    "nvidia-cusolver-cu12": ["nvidia/cusolver/lib/libcusolver.so.11"],
    "nvidia-cudnn-cu12": [
        f"nvidia/cudnn/lib/libcudnn{part}.so.9"
        for part in ("", "_graph", "_cnn", "_adv", "_engines_runtime_compiled")
    ],
}


def pins(lock: str, python: str, architecture: str) -> dict[str, str]:
    """What a lock has for a Python on a machine: the versions by name."""
    text = (LOCKS / lock).read_text(encoding="utf-8")
    here = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": architecture,
        "sys_platform": "linux",
    }
    every = re.findall(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\$", text, re.MULTILINE)
    return {name: v for name, v, said in every if not said or Marker(said).evaluate(here)}


def lock(folder: Path, pinned: dict[str, str]) -> Path:
    """The wheels in `folder`, and the lock of them."""
    lines = []
    for name, version in pinned.items():
        wheel = _wheel(folder, name, version)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name} @ {wheel.as_uri()} \\\n    --hash=sha256:{digest}\n")
    path = folder / "lock.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _wheel(folder: Path, name: str, version: str) -> Path:
    stem = f"{name.replace('-', '_')}-{version}"
    path, info = folder / f"{stem}-py3-none-any.whl", f"{stem}.dist-info"
    told = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for each in LIBRARIES.get(name, []):
            archive.writestr(each, LIBRARY.read_bytes())
        archive.writestr(f"{info}/METADATA", told)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path
