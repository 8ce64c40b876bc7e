"""Opens CUDA's libraries as TensorFlow does, without a GPU, and prints what came of it as JSON.

    ENVIRONMENT/bin/python loader_probe.py

dlopen searches by the library that calls it, so the calls have to come out of TensorFlow's own: the
functions of its loader are called by their mangled names.  They return an absl::StatusOr through a
hidden pointer, whose first word is 1 where all went well.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from pathlib import Path

# Of tsl::internal::DsoLoader, in the order in which TensorFlow calls them.
FUNCTIONS = ["CudaRuntime", "Cublas", "CublasLt", "Cufft", "Cusolver", "Cusparse", "Cudnn"]
FUNCTIONS += ["Cupti", "Nccl"]
BY_NAME = ["libcurand.so.10", "libnvJitLink.so.12", "libnvrtc.so.12"]  # what the others open
PARTS = ["Graph", "Ops", "Cnn", "Adv"]  # of cuDNN; each is loaded, and its version compared
VIEW = "St17basic_string_viewIcSt11char_traitsIcEE"


class View(ctypes.Structure):
    """std::string_view, as libstdc++ lays it out."""

    _fields_ = [("length", ctypes.c_size_t), ("text", ctypes.c_char_p)]


def called(library: ctypes.CDLL, symbol: str, *arguments: object) -> list[int]:
    """The words that the function writes where its result goes."""
    result = (ctypes.c_uint64 * 8)()
    function = library[symbol]
    function.restype = None
    function(ctypes.byref(result), *arguments)
    return list(result)


def text(words: list[int]) -> str:
    """The std::string that begins with these words: where it is, and how long."""
    return ctypes.string_at(words[0], words[1]).decode()


def main() -> None:
    """The command line."""
    site = next(Path(sys.prefix).glob("lib/python3.*/site-packages"))
    framework = ctypes.CDLL(str(site / "tensorflow/libtensorflow_framework.so.2"), os.RTLD_GLOBAL)
    opened = {}
    for name in FUNCTIONS:
        symbol = f"Get{name}DsoHandle"
        words = called(framework, f"_ZN3tsl8internal9DsoLoader{len(symbol)}{symbol}Ev")
        opened[name] = words[0] == 1
        if name == "Cudnn" and opened[name]:
            cudnn = ctypes.CDLL("libcudnn.so.9")  # the one that has just been opened
            for part in PARTS:
                check = getattr(cudnn, f"cudnn{part}VersionCheck", None)
                opened[f"cuDNN's {part}"] = check is not None and check() == 0
    for name in BY_NAME:
        handle = ctypes.c_void_p()
        opener = "_ZN3tsl8internal18LoadDynamicLibraryEPKcPPv"
        words = called(framework, opener, name.encode(), ctypes.byref(handle))
        opened[name] = words[0] == 1
    compiler = ctypes.CDLL(str(site / "tensorflow/libtensorflow_cc.so.2"))
    flag = re.search(r"--xla_gpu_cuda_data_dir=(\S+)", os.environ.get("XLA_FLAGS", ""))
    folder = flag.group(1).encode() if flag else b""
    home = View(len(folder), folder)
    words = called(compiler, f"_ZN15stream_executor19FindPtxAsExecutableB5cxx11E{VIEW}", home)
    ptxas = text(words[1:]) if words[0] == 1 else ""
    words = called(compiler, f"_ZN3xla3gpu5nvptx13LibDevicePathB5cxx11E{VIEW}", home)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    files = set(re.findall(r"(/\S+/lib(?:cu|nv|nccl)[^/\s]*)$", maps, re.MULTILINE))
    found = {"ptxas": ptxas, "libdevice": text(words)}
    print(json.dumps({"opened": opened, "found": found, "files": sorted(files)}))


if __name__ == "__main__":
    main()
