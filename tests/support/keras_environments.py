"""Environments with Keras on JAX or PyTorch for the CPU, made once by uv and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.workloads.backend import Backend
from tests.support.cache import cache_folder, locked

_UV = str(Path(sys.executable).with_name("uv"))
_NEEDED_MB = 2_000
# On x86-64 the index' PyTorch brings gigabytes of CUDA: only the build for the CPU is taken, where
# there is one: UV_FIND_LINKS or PIP_FIND_LINKS names a folder, or an index of PyTorch's own.
_PACKAGES: dict[Backend, list[str]] = {
    "jax": ["jax==0.10.2", "keras==3.15.1"],
    "torch": ["torch==2.13.0+cpu", "keras==3.15.1"],
}


def keras_python(backend: Backend) -> Path:
    """The Python of that environment, which has no TensorFlow."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("JAX and PyTorch are tried with Python 3.11")
    version = "-".join(_PACKAGES[backend]).replace("==", "-")
    folder = cache_folder() / f"keras-{version}"
    with locked(folder.name):
        if not (folder / "made").exists():
            _make(folder, _PACKAGES[backend])
    return folder / "bin/python"


def _make(folder: Path, packages: list[str]) -> None:
    if shutil.disk_usage(folder.parent).free < _NEEDED_MB * 1_000_000:
        pytest.skip(f"{packages[0]} needs {_NEEDED_MB} MB below {folder.parent}")
    links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
    found = [f"--find-links={each}" for each in links.split()]
    subprocess.run(
        [_UV, "venv", "--quiet", "--clear", f"--python={sys.executable}", folder], check=True
    )
    install = [_UV, "pip", "install", "--quiet", f"--python={folder}/bin/python", *found]
    done = subprocess.run([*install, *packages], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{packages[0]} cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    (folder / "made").touch()
