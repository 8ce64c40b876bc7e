"""Shared libraries that this process has really loaded, and that are not its environment's own.

`LD_LIBRARY_PATH` and `LD_PRELOAD` put another cuDNN, CUDA or allocator in the place of the one that
was installed with the backend, and so does a system's own in a folder that the loader knows.  What
a variable names may not have been found, so that the process itself is asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Told of wherever they lie: what trains is computed by them, or lies in their memory.
_COUNTS = re.compile(
    r"lib(cudart|cublas|cublasLt|cudnn|cufft|curand|cusolver|cusparse|nvJitLink|nvrtc|nccl"
    r"|nvinfer|cupti|jemalloc|tcmalloc|mimalloc|mkl_|iomp5|omp\d?\b|dnnl|onednn)"
)
# The driver's, which no environment has; CUDA's compatibility package brings another one.
_DRIVER = re.compile(r"lib(cuda|cudadebugger|nvcuvid|nvidia-[\w-]+)\.so")
# What else lies here is the system's own, and came with no variable.
_SYSTEM = re.compile(r"/(usr/)?lib(32|64|x32|exec)?/")
_LIBRARY = re.compile(r"(?P<name>[^/]+?\.so(\.\d+)*)")
_EXTENSION = re.compile(r"\.(cpython-|abi3\.)")  # a module of Python, as a file of one's own has
_VERSION = re.compile(r"\.so\.(?P<version>\d+\.\d+(\.\d+)*)$|-(?P<before>\d+\.\d+(\.\d+)*)\.so")

# Each one's own words for its version: what its name begins with, and the function that tells it.
_IN_ONE_NUMBER = (("libcudart", "cudaRuntimeGetVersion"), ("libnccl", "ncclGetVersion"))
_IN_THREE = (
    ("libcublasLt", "cublasLtGetProperty"),
    ("libcublas", "cublasGetProperty"),
    ("libcufft", "cufftGetProperty"),
    ("libcusolver", "cusolverGetProperty"),
    ("libcusparse", "cusparseGetProperty"),
)


def foreign(maps: Path = Path("/proc/self/maps")) -> dict[str, str]:
    """Their names, each with its version, where that can be told, and its folder.

    Nothing where the kernel shows no map.
    """
    own = [*_own_places()]
    return {
        path.name: " ".join([*filter(None, [_version(path)]), f"in {path.parent}"])
        for path in sorted(_loaded(maps))
        if _counts(path) and not any(path.is_relative_to(place) for place in own)
    }


def _loaded(maps: Path) -> set[Path]:
    try:
        lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    named = (line[line.index("/") :].removesuffix(" (deleted)") for line in lines if "/" in line)
    return {Path(path) for path in named if _LIBRARY.fullmatch(path.rpartition("/")[2])}


def _counts(path: Path) -> bool:
    if _EXTENSION.search(path.name):
        return False
    if _DRIVER.match(path.name):
        return "compat" in path.parts
    return bool(_COUNTS.match(path.name)) or not _SYSTEM.match(str(path))


def _own_places() -> Iterator[Path]:
    """Where this interpreter's packages lie, and what it is made of; nothing that all share."""
    packages = (each for each in sys.path if Path(each).name in ("site-packages", "dist-packages"))
    for name in {sys.prefix, sys.exec_prefix, sys.base_prefix, *packages}:
        for place in {name, os.path.realpath(name)} - {"/", "/usr", "/usr/local"}:
            yield Path(place)


def _version(path: Path) -> str:
    """As its file's name has it, else as the library itself says; "" where neither does."""
    found = _VERSION.search(path.name)
    if found:
        return found["version"] or found["before"]
    with contextlib.suppress(OSError, AttributeError):  # it is gone again, or has no such function
        return _told(ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD | os.RTLD_LAZY), path.name)
    return ""


def _told(library: ctypes.CDLL, name: str) -> str:
    if name.startswith("libcudnn"):
        library.cudnnGetVersion.restype = ctypes.c_size_t
        number = int(library.cudnnGetVersion())
        return _dotted(number, 10_000 if number >= 90_000 else 1000, 100)
    value = ctypes.c_int()
    for begins, function in _IN_ONE_NUMBER:
        if name.startswith(begins):
            getattr(library, function)(ctypes.byref(value))
            of_cuda = begins == "libcudart"
            return _dotted(value.value, *((1000, 10) if of_cuda else (10_000, 100)))
    for begins, function in _IN_THREE:
        if name.startswith(begins):
            parts = []
            for which in range(3):
                getattr(library, function)(which, ctypes.byref(value))
                parts.append(str(value.value))
            return ".".join(parts)
    return ""


def _dotted(number: int, major: int, minor: int) -> str:
    """90100 is 9.1.0, where a hundred patches fit into a minor version and so on."""
    return f"{number // major}.{number % major // minor}.{number % minor}"
