"""Compiles the stand-ins, and makes an environment whose CUDA is they.

The driver and NVML are two libraries, for LD_LIBRARY_PATH.  CUDA's own libraries want a driver's
undocumented tables, so that the environment gets libraries of the same names in their place: what
is written here of cudart, cuDNN and cuBLASLt, and of all other functions, by the symbol tables of
the real ones, one that does nothing and says that all went well.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
_COMPILE = ["cc", "-std=gnu11", "-O1", "-g1", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread"]
_COMPILE += ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]
DRIVER = ["machine.c", "loadable.c", "memory.c", "driver.c", "queues.c", "modules.c"]
# Replaced in the environment: the folder below site-packages/nvidia, the library, its sources.
REPLACED = {
    "cuda_runtime/lib/libcudart.so": ["runtime.c"],
    "cublas/lib/libcublas.so": [],
    "cublas/lib/libcublasLt.so": ["cublaslt.c"],
    "cudnn/lib/libcudnn.so": ["cudnn.c"],
    "cufft/lib/libcufft.so": [],
    "cusolver/lib/libcusolver.so": [],
    "cusparse/lib/libcusparse.so": [],
    "nccl/lib/libnccl.so": [],
}
# Of the driver, what does nothing here: settings, and how XLA makes CUDA graphs of its kernels.
UNWRITTEN = """
    cuModuleUnload cuFuncSetAttribute cuFuncSetCacheConfig cuDevicePrimaryCtxRelease_v2
    cuDevicePrimaryCtxSetFlags_v2 cuCtxSetSharedMemConfig cuCtxEnablePeerAccess
    cuGraphCreate cuGraphDestroy cuGraphInstantiate cuGraphInstantiateWithFlags
    cuGraphExecDestroy cuGraphExecUpdate_v2 cuGraphDebugDotPrint cuGraphNodeSetEnabled
    cuGraphAddEmptyNode cuGraphAddKernelNode_v2 cuGraphAddMemcpyNode cuGraphAddMemsetNode
    cuGraphAddChildGraphNode cuGraphAddNode_v2 cuGraphConditionalHandleCreate
    cuGraphExecKernelNodeSetParams_v2 cuGraphExecMemcpyNodeSetParams
    cuGraphExecMemsetNodeSetParams cuGraphExecChildGraphNodeSetParams
    cuStreamBeginCaptureToGraph cuStreamEndCapture
"""
# What the generated functions do; which one, the name tells.
_KINDS = """
    .text
nothing:
    xorl %eax, %eax
    ret
handle:
    movq $0x1000, (%rdi)
    xorl %eax, %eax
    ret
text:
    leaq words(%rip), %rax
    ret
    .section .rodata
words:
    .asciz "a word of a stand-in"
    .text
    .section .note.GNU-stack, "", @progbits
"""


def missing() -> str:
    """Why nothing can be built here, "" where it can."""
    lacking = [tool for tool in ("cc", "nm") if not shutil.which(tool)]
    return f"it builds libraries, so it needs {' and '.join(lacking)}" if lacking else ""


def sources_digest() -> str:
    """What the stand-ins are made of, in short."""
    digest = hashlib.sha256()
    for path in sorted(HERE.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def environment(real: Path, target: Path) -> None:
    """Makes `target` out of the environment `real`: links to its files, and the stand-ins.

    The driver's two libraries are in `target/driver`.
    """
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(real, part, symlinks=True, copy_function=os.link)
    nvidia = next(part.glob("lib/python3.*/site-packages/nvidia"))
    driver(nvidia, part / "driver")
    for name, sources in REPLACED.items():
        for library in nvidia.glob(f"{name}.*"):
            _replace(library, sources, nvidia, part / "driver")
    part.rename(target)


def driver(nvidia: Path, folder: Path) -> None:
    """Builds libcuda.so.1 and libnvidia-ml.so.1, with the headers of CUDA's wheels."""
    folder.mkdir()
    unwritten = _generated(folder / "unwritten.s", UNWRITTEN.split())
    _compile(folder / "libcuda.so.1", [unwritten, *(HERE / name for name in DRIVER)], nvidia)
    _compile(folder / "libnvidia-ptxjitcompiler.so.1", [HERE / "machine.c"], nvidia)
    _compile(folder / "libnvidia-ml.so.1", [HERE / "machine.c", HERE / "nvml.c"], nvidia)


def _replace(library: Path, sources: list[str], nvidia: Path, built: Path) -> None:
    table = subprocess.run(
        ["nm", "--dynamic", "--defined-only", library], capture_output=True, text=True, check=True
    ).stdout
    generated = _generated(library.with_suffix(".s"), re.findall(r" [TW] ([A-Za-z_]\w*)", table))
    library.unlink()  # it is a link to the real one
    written = [HERE / name for name in sources]
    _compile(library, [generated, *written], nvidia, f"-L{built}", "-l:libcuda.so.1")


def _generated(path: Path, names: list[str]) -> Path:
    """An assembler's file of functions that do next to nothing, but where others are written."""
    functions = [_function(name) for name in dict.fromkeys(names)]
    path.write_text("".join([*functions, _KINDS]), encoding="ascii")
    return path


def _function(name: str) -> str:
    kind = "nothing"
    if re.search(r"Create|CommInit|GraphAdd|GraphInstantiate", name) and not name.startswith(
        "cufft"
    ):
        kind = "handle"
    elif re.search(r"String$|Name$|LastErr", name):
        kind = "text"
    return f"    .weak {name}\n    .type {name}, @function\n    .set {name}, {kind}\n"


def _compile(library: Path, sources: list[Path], nvidia: Path, *more: str) -> None:
    headers = [f"-I{folder}" for folder in nvidia.glob("*/include")]
    output = [f"-Wl,-soname,{library.name}", "-o", str(library)]
    files = [str(source) for source in sources]
    subprocess.run([*_COMPILE, *headers, *output, *files, *more], check=True)
