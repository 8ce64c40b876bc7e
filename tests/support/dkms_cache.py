"""NVIDIA's module as DKMS has built it, kept for the tests that are not about its build.

A build takes five minutes of a processor.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support.roots import Root, cache_folder, locked, remove_stale

NAME = "nvidia-current"  # what Debian calls it
LOCK = "nvidia-module"  # held by who builds it, so that others wait and take what was built


def keep(root: Root) -> None:
    """Keeps what DKMS has built in `root`; the caller holds `LOCK`."""
    for built in _tree(root).glob("[0-9]*/*/x86_64"):
        folder = _folder(built)
        if not folder.exists():
            remove_stale(f"built-{NAME}-*")
            part = folder.with_name(f"{NAME}.part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(built, part)
            part.rename(folder)
        os.utime(folder)  # it is in use


def install(root: Root, version: str, kernel: str) -> None:
    """Has DKMS install the module, of which it has the source, in `root`; it builds what it must.

    DKMS takes what lies built in its tree for its own work.
    """
    built = _tree(root) / version / kernel / "x86_64"
    root.command("dkms", "add", f"{NAME}/{version}")
    with locked(LOCK):
        if _folder(built).exists():
            shutil.copytree(_folder(built), built)
        root.command("dkms", "install", f"{NAME}/{version}", "-k", kernel)
        keep(root)


def _tree(root: Root) -> Path:
    return root.path / "var/lib/dkms" / NAME


def _folder(built: Path) -> Path:
    """Where the build is kept that lies in DKMS's own tree as VERSION/KERNEL/x86_64."""
    return cache_folder() / "-".join(["built", NAME, *built.parts[-3:-1]])
