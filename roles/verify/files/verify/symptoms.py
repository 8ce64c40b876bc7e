"""What CUDA, cuDNN, XLA and the kernel say where it goes wrong, and what to do."""

from __future__ import annotations

import re

from .stage import AGAIN

LONGEST = 900  # s for a child: a GPU that hangs must not hang the playbook
COMPILING = 3600  # s where the driver compiles TensorFlow's kernels first
TOO_NEW = "this TensorFlow has no kernels that the GPU can run: run site.yml, which knows which has"
OLD_COMPILER = (
    "the driver is too old to compile TensorFlow's kernels for this GPU: run site.yml, which "
    "brings a newer one"
)
NO_COMPILER = (
    "the driver's libnvidia-ptxjitcompiler.so.1 is missing: run site.yml, which installs it"
)
REBOOT = "reboot: the driver was upgraded under the loaded module"
UVM = "nvidia-modprobe -c 0 -u, or: modprobe -r nvidia-uvm && modprobe nvidia-uvm, or reboot"
PARTS = f"cuDNN's parts are of two versions: unset LD_LIBRARY_PATH; {AGAIN}"

FABRIC = (
    "the NVSwitches are not set up: systemctl enable --now nvidia-fabricmanager, whose version has "
    "to be the driver's"
)

# The first that fits.
SYMPTOMS = [
    (r"SYSTEM_NOT_READY|system not yet initialized|\b802\b", FABRIC),
    (r"UNSUPPORTED_PTX_VERSION|unsupported toolchain", OLD_COMPILER),
    (r"JIT_COMPILER_NOT_FOUND|PTX JIT compiler library not found", NO_COMPILER),
    (r"INVALID_PTX|PTX version \S+ does not support", TOO_NEW),
    (
        r"no kernel image is available|NO_BINARY_FOR_GPU",
        f"this TensorFlow is too new for the GPU: {AGAIN}",
    ),
    (r"Driver/library version mismatch|SYSTEM_DRIVER_MISMATCH|does not match DSO version", REBOOT),
    (r"INSUFFICIENT_DRIVER|driver version is insufficient", "the driver is too old: run site.yml"),
    (r"CUDA_ERROR_UNKNOWN", UVM),
    (r"Loaded runtime CuDNN library", f"the wrong cuDNN is found: unset LD_LIBRARY_PATH; {AGAIN}"),
    (r"SUBLIBRARY|CUDNN_STATUS_VERSION_MISMATCH", PARTS),
    (
        r"CUDNN_STATUS|DNN library|No algorithm worked|Autotuner could not find",
        f"cuDNN does not run on this GPU: {AGAIN}",
    ),
    (r"libdevice|ptxas", f"XLA does not find its tools: unset XLA_FLAGS; {AGAIN}"),
    (r"Cannot dlopen some GPU libraries", AGAIN),
    (r"Could not find cuda drivers|NO_DEVICE|no CUDA-capable device", "run site.yml, then reboot"),
    (
        r"OUT_OF_MEMORY|ResourceExhausted|[Oo]ut of memory|OOM",
        "nvidia-smi shows who has its memory",
    ),
]


def advised(text: str, otherwise: str) -> str:
    """What to do about what was said."""
    return next((advice for said, advice in SYMPTOMS if re.search(said, text)), otherwise)


SIGNALS = {
    "SIGILL": (
        "the processor lacks instructions that TensorFlow is built with (AVX)",
        "use another machine, or let the virtual machine see the host's processor",
    ),
    "SIGKILL": ("it was killed, as the kernel does when memory runs out", "free some memory"),
    "SIGALRM": (
        "it did not end within {minutes} minutes",
        "dmesg | grep -e NVRM -e Xid says whether the GPU hangs; if it does, reboot",
    ),
}
