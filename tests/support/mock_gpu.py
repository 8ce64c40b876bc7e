"""An NVIDIA GPU on a root's PCI bus, and its driver as a kernel shows it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support import roots


def give_gpu(root: roots.Root, device: str) -> None:
    """Puts an NVIDIA GPU of that PCI device (`0x2684` is a GeForce RTX 4090) on the root's bus."""
    slot = root.path / "sys/bus/pci/devices/0000:01:00.0"
    slot.mkdir(parents=True)
    for name, value in (("vendor", "0x10de"), ("device", device), ("class", "0x030000")):
        (slot / name).write_text(value + "\n", encoding="utf-8")


@contextmanager
def loaded(root: roots.Root) -> Iterator[None]:
    """As if the root's own kernel had been booted, and had loaded NVIDIA's driver."""
    kernel = next((root.path / "lib/modules").iterdir()).name
    library = next(root.path.glob("usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.*.*"))
    version = library.name.partition(".so.")[2]
    seen = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Thu Nov 20 2025\n"
    driver, booted = root.path / "proc/driver", root.path / "proc/sys/kernel/osrelease"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as release, ExitStack() as undo:
        release.write(f"{kernel}\n")
        release.flush()
        for mount in (["-t", "tmpfs", "none", str(driver)], ["--bind", release.name, str(booted)]):
            subprocess.run(["mount", *mount], check=True)
            undo.callback(subprocess.run, ["umount", mount[-1]], check=True)
        (driver / "nvidia").mkdir()
        (driver / "nvidia/version").write_text(seen, encoding="utf-8")
        yield
