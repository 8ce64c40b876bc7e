"""What a verification depends on, so that one that has passed need not be made again.

A digest of each part; any that is not known, and all stages run.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .driver import library_folders
from .stage import Plan, read

# What TensorFlow, JAX, PyTorch, CUDA, the loader and Python are told by their environment.
VARIABLES = ("CUDA", "JAX", "KERAS", "LD_", "NVIDIA", "PYTHON", "PYTORCH", "TF_", "TORCH", "XLA")
PROCESSOR = ("model name", "flags", "microcode", "Features", "CPU implementer", "CPU part")
UNREAD = {"__pycache__", "include"}  # made anew from the sources; for compilers
SWITCHES = "proc/driver/nvidia-nvswitch"  # whose fabric manager may have ended


def proof(
    plan: Plan, package: str, gpu: bool, root: Path = Path("/"), prefix: Path | None = None
) -> dict[str, str]:
    """The digests; none where a part cannot be told.

    package: of the verification's own sources, "" if unknown.  gpu: whether a driver is verified.
    """
    system = plan.get("cuda", {}).get("action") == "system"  # packages beside the environment
    if system or (root / SWITCHES).exists():
        return {}
    parts = {
        "verification": package,
        "plan": json.dumps(plan, sort_keys=True),
        "environment": "".join(files(prefix or Path(sys.prefix))),
        "interpreter": f"{sys.version} {told(Path(sys.executable).resolve())}",
        "C library": os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") else "",
        "kernel": read(root / "proc/sys/kernel/osrelease"),
        "processor": processor(root),
        "variables": json.dumps(
            sorted(v for v in os.environ.items() if v[0].startswith(VARIABLES))
        ),
        **(of_gpus(root) if gpu else {}),
    }
    if not all(parts.values()):
        return {}
    return {name: hashlib.sha256(str(said).encode()).hexdigest() for name, said in parts.items()}


def told(path: Path) -> str:
    """A file by its size and its time of change."""
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}\n"


def files(folder: Path) -> Iterator[str]:
    """All files below, but for those that no program of it reads."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - UNREAD)
        for name in sorted(names):
            status = os.lstat(os.path.join(path, name))  # noqa: PTH118 (twice as fast)
            yield f"{path}/{name} {status.st_size} {status.st_mtime_ns}\n"


def processor(root: Path) -> str:
    """What the first processor is, and can."""
    first = read(root / "proc/cpuinfo").split("\n\n")[0]
    return "\n".join(line for line in first.splitlines() if line.startswith(PROCESSOR))


def of_gpus(root: Path) -> dict[str, str]:
    """The GPUs, their shares, and the driver, which a reboot may change."""
    nvidia = root / "proc/driver/nvidia"
    shares = sorted(str(path) for path in (nvidia / "capabilities").rglob("*"))
    libraries = [
        told(path)
        for folder in library_folders(root)
        for pattern in ("libcuda.so*", "libnvidia-*.so*")
        for path in sorted(folder.glob(pattern))
    ]
    return {
        "driver": read(nvidia / "version"),
        "libraries": "".join(libraries),
        "GPUs": "".join(read(path) for path in sorted(nvidia.glob("gpus/*/information"))),
        "shares": json.dumps(shares),
        "device nodes": " ".join(sorted(path.name for path in (root / "dev").glob("nvidia*"))),
        "boot": read(root / "proc/sys/kernel/random/boot_id"),
    }


def passed(path: Path, known: dict[str, str]) -> dict[str, Any]:
    """The earlier report, if it has passed and nothing has changed; `since`: when, to be read."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        at = path.stat().st_mtime
    except (OSError, ValueError):
        return {}
    same = isinstance(report, dict) and report.get("ok") is True and report.get("proof") == known
    if not same or not known:
        return {}
    return {**report, "since": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))}
