"""What the module gpu_info finds on a host, typed.  Resolver and doctor share it."""

from __future__ import annotations

from .model import (
    Distribution,
    Driver,
    Environment,
    Gpu,
    HostFacts,
    Kernel,
    KernelModule,
    Kernels,
    Library,
    LibraryPath,
    OtherGpu,
    Owned,
    Package,
    PackageManager,
    Process,
    Python,
    SecureBoot,
)
from .parse import parse

__all__ = [
    "Distribution",
    "Driver",
    "Environment",
    "Gpu",
    "HostFacts",
    "Kernel",
    "KernelModule",
    "Kernels",
    "Library",
    "LibraryPath",
    "OtherGpu",
    "Owned",
    "Package",
    "PackageManager",
    "Process",
    "Python",
    "SecureBoot",
    "parse",
]
