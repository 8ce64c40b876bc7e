"""CUDA and cuDNN, by TensorFlow's own loader."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from .stage import AGAIN, Plan, StageError, compiled
from .symptoms import NO_COMPILER

# What TensorFlow asks for by name, in its order, by the major version of CUDA.
SONAMES = {
    "11": "cudart.so.11.0 cublas.so.11 cublasLt.so.11 cufft.so.10 cusolver.so.11 cusparse.so.11",
    "12": "cudart.so.12 cublas.so.12 cublasLt.so.12 cufft.so.11 cusolver.so.11 cusparse.so.12",
}


class Library(NamedTuple):
    """An opened library: the file that it is, and its handle."""

    path: str
    handle: int


def opened(name: str) -> Library | None:
    """The library as TensorFlow's loader opens it, None where it cannot.

    dlopen searches by the library that calls it, so the call has to come out of TensorFlow's.
    """
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.origin is not None
    framework = ctypes.CDLL(str(Path(spec.origin).with_name("libtensorflow_framework.so.2")))
    load = framework["_ZN3tsl8internal18LoadDynamicLibraryEPKcPPv"]
    load.restype = None
    handle, status = ctypes.c_void_p(), (ctypes.c_uint64 * 8)()
    load(ctypes.byref(status), name.encode(), ctypes.byref(handle))
    if not handle.value:
        return None
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    path = re.search(rf"(/.*/{re.escape(name)}[^/]*)$", maps, re.MULTILINE)
    return Library(path.group(1) if path else name, handle.value)


def libraries(plan: Plan) -> str:
    """Every library of CUDA that TensorFlow asks for opens."""
    if opened("libcuda.so.1") is None:
        raise StageError(
            "the driver's libcuda.so.1 cannot be opened («Could not find cuda drivers»)",
            "run site.yml, which installs it with the module",
        )
    cuda = plan.get("cuda", {})
    names = [f"lib{name}" for name in SONAMES[cuda["version"].split(".")[0]].split()]
    names.append(cudnn_name(plan))
    found = {name: opened(name) for name in names}
    missing = [name for name, library in found.items() if library is None]
    if missing:
        raise StageError(
            f"TensorFlow's loader cannot open {', '.join(missing)} "
            "(«Cannot dlopen some GPU libraries»)",
            AGAIN,
        )
    folders = {str(Path(library.path).parent.resolve()) for library in found.values() if library}
    home = cuda["prefix"] if cuda.get("action") == "system" else sys.prefix
    return f"{len(names)} of {home}" if all_below(folders, home) else f"{len(names)} open"


def compiler(plan: Plan) -> str:
    """The driver's compiler opens, where it has to compile TensorFlow's kernels for a GPU."""
    chips = compiled(plan)
    if not chips:
        return "not needed: the wheel has kernels for every GPU here"
    try:
        ctypes.CDLL("libnvidia-ptxjitcompiler.so.1")
    except OSError as error:
        raise StageError(f"it does not open ({error}), and {chips} needs it", NO_COMPILER) from None
    return f"opens, and compiles for {chips}"


def ptxas(plan: Plan) -> str:
    """XLA is shown a ptxas that knows the GPUs."""
    wanted = plan.get("tensorflow", {}).get("ptxas", "")
    if not wanted:
        return "not needed: any knows every GPU here"
    flag = re.search(r"--xla_gpu_cuda_data_dir=(\S+)", os.environ.get("XLA_FLAGS", ""))
    path = Path(flag.group(1) if flag else "/usr/local/cuda") / "bin/ptxas"
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise StageError(f"{path} cannot be run: {error}", f"unset XLA_FLAGS; {AGAIN}") from None
    found = re.search(r"\bV(\d+(?:\.\d+)+)", said)
    version = found.group(1) if found else "0"
    if tuple(map(int, version.split("."))) < tuple(map(int, wanted.split("."))):
        advice = f"unset XLA_FLAGS; {AGAIN}"
        raise StageError(f"{path} is {version}; {compiled(plan)} takes {wanted} or newer", advice)
    return version


def all_below(folders: set[str], home: str) -> bool:
    """Whether every folder is in `home`."""
    return all(f"{folder}/".startswith(f"{Path(home).resolve()}/") for folder in folders)


def cudnn_name(plan: Plan) -> str:
    """The file name that TensorFlow asks for: its major version is part of it."""
    return f"libcudnn.so.{plan['cuda']['cudnn'].split('.')[0]}"


def cudnn(plan: Plan) -> str:
    """The cuDNN that opens is at least as new as the one TensorFlow was built against."""
    library = opened(cudnn_name(plan))
    if library is None:
        raise StageError(f"{cudnn_name(plan)} cannot be opened", AGAIN)
    number = int(ctypes.CDLL(library.path).cudnnGetVersion())
    # 8907 is 8.9.7; from 9 on 90300 is 9.3.0.
    base = 1000 if number < 10000 else 10000
    version = (number // base, number % base // 100, number % 100)
    found, built = ".".join(map(str, version)), plan["cuda"]["cudnn"]
    if version[:2] < tuple(map(int, built.split(".")))[:2]:
        raise StageError(
            f"cuDNN {found} is opened ({library.path}), and TensorFlow was built with {built} "
            "(«Loaded runtime CuDNN library … but source was compiled with …»)",
            f"unset LD_LIBRARY_PATH; {AGAIN}",
        )
    return f"{found}, built with {built}"
