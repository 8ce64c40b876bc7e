"""The signs of each symptom on a host: what shows that it has it, "" where nothing does."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...plugin_utils.gpu_stack.model import numbers
from .look import Facts, Look, gpu_name

# The oldest compute capability that a release's wheels have kernels for, the newest first, and the
# last release that takes what is older: build_info.py of the wheels, from 2.14.1 on.
FLOORS = [([2, 17], [6, 0], ""), ([2, 15], [5, 0], "2.16.2"), ([2, 0], [3, 5], "2.14.1")]
# cuDNN 9.11 dropped everything before 7.5, and keeps some of its kernels: it fails by operation.
LAST_CUDNN_FOR_VOLTA = [9, 10, 2, 21]
# Memory, the GPU's own controllers and firmware, NVLink, the bus: by NVIDIA's table of Xid errors.
# The others are a program's doing.
GRAVE_XIDS = "48|61|62|64|74|79|95|119|120"


def hardware(look: Look) -> str:
    """The driver says that the GPU does not start, or has stopped."""
    pattern = (
        rf"RmInitAdapter failed|rm_init_adapter failed|Xid \(.*?\): ({GRAVE_XIDS}),"
        r"|GPU has fallen off the bus|GSP.{0,40}(fail|timeout|error)"
    )
    return in_kernel_log(look, pattern)


def wrong_module(look: Look) -> str:
    """The module's flavour is not for this GPU, or nouveau has the GPU."""
    if not look.own_kernel:
        return ""
    gpus = [gpu for gpu in look.gpus if gpu["generation"]]
    loaded = look.driver["loaded_flavour"]
    flavour = loaded or look.kernel("next")["nvidia"].get("flavour", "")
    for gpu in gpus:
        if flavour == "proprietary" and gpu["generation"] == "Blackwell":
            return f"{gpu_name(gpu)} with the proprietary module; it takes the open one only"
        if flavour == "open" and gpu["generation"] in OLDER_THAN_TURING:
            return f"{gpu_name(gpu)} with the open module; it has no GSP, which that needs"
    said = in_kernel_log(look, r"not supported by open nvidia\.ko")
    if said:
        return said
    if look.waiting and look.driver["nouveau"] and not look.driver["nouveau_blacklisted"]:
        return "nouveau is loaded and not blacklisted, beside an installed NVIDIA driver"
    return ""


OLDER_THAN_TURING = ("Fermi", "Kepler", "Maxwell", "Pascal", "Volta")


def packages(look: Look) -> str:
    """The package manager is stuck, or packages of several origins are mixed."""
    state = look.found["packages"]
    if look.found["owned"]["open"]:
        return ""  # a run of ours that was cut off: the next one mends it
    if state["half_installed"]:
        return f"half installed: {', '.join(state['half_installed'])}"
    if state["locked"]:
        return "pacman's lock is there, and no pacman is running"
    origins = sorted({package["origin"] for package in look.driver["packages"]} & MIXABLE)
    if len(origins) > 1:
        return f"the driver's packages come from {' and '.join(origins)}"
    if look.driver["origin"] == "runfile" and look.driver["packages"]:
        return "a driver from a .run file beside packages of one"
    return next(iter(look.logs["packages"]), "")


MIXABLE = {"distribution", "nvidia", "ppa"}


def build_failed(look: Look) -> str:
    """DKMS could not build the module for a kernel that has none."""
    without = {
        kernel["release"]
        for kernel in look.found["kernels"]["installed"]
        if not kernel["nvidia"] and kernel["headers"]
    }
    for build in look.logs["builds"]:
        if build["kernel"] in without or not build["kernel"]:
            return f"{build['module']} for kernel {build['kernel']}: {build['error']}"
    return ""


def outdated_kernel(look: Look) -> str:
    """The module is there for the next kernel only."""
    running, following = look.kernel("running"), look.kernel("next")
    if not look.waiting or running["release"] == following["release"]:
        return ""
    if running["nvidia"] or not following["nvidia"]:
        return ""
    return f"{running['release']} is running; the module is for {following['release']}, the next"


def unsigned(look: Look) -> str:
    """Secure Boot does not let the module in."""
    if look.driver["loaded"] or not look.own_kernel:
        return ""
    said = in_kernel_log(
        look,
        r"Loading of unsigned module is rejected|Loading of module with unavailable key"
        r"|Key was rejected by service|Lockdown:.*unsigned module",
    )
    state = look.found["secure_boot"]
    if said or not (look.waiting and state["state"] == "enabled"):
        return said
    if state["key"] and not state["enrolled"]:
        step = "waits for MokManager" if state["staged"] else "is not enrolled"
        return f"Secure Boot is on, and the key {state['key']} {step}"
    return ""


def no_module(look: Look) -> str:
    """A driver is installed, and a kernel has no module of it, or has not loaded it."""
    if not (look.own_kernel and look.on_disk):
        return ""
    for which in ("running", "next"):
        kernel = look.kernel(which)
        loaded = kernel["release"] == look.kernel("running")["release"] and look.driver["loaded"]
        if kernel["known"] and not kernel["nvidia"] and not loaded:
            headers = "" if kernel["headers"] else ", nor the headers to build it"
            return f"the {which} kernel {kernel['release']} has no nvidia module{headers}"
    ready = look.kernel("running")["nvidia"] and not look.driver["nouveau"]
    if look.waiting and ready and not look.found.get("reboot_required"):
        return "the running kernel has an nvidia module, and it is not loaded"
    return ""


def mismatch(look: Look) -> str:
    """The module that is loaded is not the libraries' version."""
    loaded, libraries = look.driver["loaded"], look.driver["libraries"]
    if loaded and libraries and loaded != libraries:
        return f"the loaded module is {loaded}, the libraries are {libraries}"
    return ""


def unfinished(look: Look) -> str:
    """A run was cut off, or waits for a reboot."""
    owned = look.found["owned"]["open"]
    if owned:
        return f"a run of site.yml was cut off in {' and '.join(owned)}"
    ready = look.waiting and look.kernel("next")["nvidia"]
    if ready and (look.found.get("reboot_required") or look.driver["nouveau"]):
        return "the driver is installed, and the host has not been rebooted since"
    return ""


def no_driver(look: Look) -> str:
    """There is a GPU and no driver."""
    found = look.found
    if found["container"] and found["gpus"]:
        lacks = [
            name
            for name, there in (
                ("loaded driver", look.driver["loaded"]),
                ("libcuda", look.driver["libraries"]),
            )
            if not there
        ]
        return f"this container has no {' and no '.join(lacks)}" if lacks else ""
    if look.own_kernel and not look.on_disk and not look.driver["loaded"]:
        return f"{gpu_name(look.gpus[0])}, and no NVIDIA driver is installed or loaded"
    return ""


def no_nodes(look: Look) -> str:
    """The driver is loaded, and what programs open is missing."""
    if not (look.own_kernel and look.driver["loaded"]) or look.computes:
        return ""
    if not any(re.fullmatch(r"/dev/nvidia\d+", path) for path in look.driver["devices"]):
        return "the driver is loaded, and there is no /dev/nvidia0"
    return "" if look.driver["uvm"] else "the driver is loaded, and the module nvidia_uvm is not"


def too_new(look: Look) -> str:
    """A GPU is newer than the kernels in any wheel."""
    if look.computes:
        return ""
    return _first(gpu for capability, gpu in look.capabilities() if capability >= [10, 0])


def too_old(look: Look) -> str:
    """A GPU is older than the kernels in the wheel that is installed."""
    installed = look.environment["tensorflow"]
    for release, floor, _ in FLOORS:
        if installed and numbers(installed)[:2] >= release:
            older = _first(gpu for capability, gpu in look.capabilities() if capability < floor)
            needs = ".".join(map(str, floor))
            return f"{older}; TensorFlow {installed} needs {needs}" if older else ""
    return ""


def no_python(look: Look) -> str:
    """python3 is not one that TensorFlow is built for, and there is no other environment."""
    reason = str(look.plan.get("tensorflow", {}).get("reason", ""))
    return reason if "TensorFlow takes" in reason and not look.environment["tensorflow"] else ""


def tensorrt(look: Look) -> str:
    """This release asks for wheels that cannot be had."""
    return "TensorFlow 2.15.0 is installed" if look.environment["tensorflow"] == "2.15.0" else ""


def loader(look: Look) -> str:
    """TensorFlow does not find CUDA's libraries."""
    if look.wants_gpu and look.environment["tensorflow"] == "2.16.1":
        return "TensorFlow 2.16.1 is installed"
    return ""


def cublas(look: Look) -> str:
    """The system's CUDA that TensorFlow is to use has no cuBLAS."""
    cuda = look.plan.get("cuda", {})
    used = cuda.get("prefix", "") if cuda.get("action") == "system" else ""
    lacking = [kit["path"] for kit in look.logs["toolkits"] if not kit["cublas"]]
    return f"{used} has no libcublas" if used in lacking else ""


def cudnn_too_old(look: Look) -> str:
    """An older cuDNN lies in the loader's way."""
    built = look.plan.get("cuda", {}).get("cudnn", "")
    if not built or look.computes:
        return ""
    for entry in look.found.get("library_path", []):
        for cudnn in look.found["cudnn"]:
            older = bool(cudnn["version"]) and _older(cudnn["version"], built)
            if older and _shared(cudnn["path"], entry["path"]):
                return (
                    f"{entry['file']} puts {entry['path']} first, with cuDNN {cudnn['version']}; "
                    f"TensorFlow is built with {built}"
                )
    return ""


def cudnn_too_new(look: Look) -> str:
    """The environment's cuDNN has dropped this GPU."""
    version = look.logs["environment"]["cudnn"]
    if look.computes or not version or numbers(version) <= LAST_CUDNN_FOR_VOLTA:
        return ""
    older = _first(gpu for capability, gpu in look.capabilities() if capability < [7, 5])
    return f"cuDNN {version} with {older}" if older else ""


def no_compiler(look: Look) -> str:
    """CUDA's wheels are there without the two things that XLA compiles with."""
    environment = look.logs["environment"]
    if not (environment["wheels"] and look.wants_gpu) or look.computes:
        return ""
    lacks = [name for name in ("ptxas", "libdevice") if not environment[name]]
    return f"the environment has CUDA's wheels and no {' and no '.join(lacks)}" if lacks else ""


def refused(look: Look) -> str:
    """No plan fits the host."""
    return look.refusal


def in_kernel_log(look: Look, pattern: str) -> str:
    """The last line that says so: the log begins at boot, and things may have changed."""
    lines = [line for line in look.logs["kernel"] if re.search(pattern, line, re.IGNORECASE)]
    return lines[-1] if lines else ""


def newest_that_fits(look: Look) -> str:
    """The last TensorFlow with kernels for the oldest GPU, "" where none has any."""
    oldest = min((capability for capability, _ in look.capabilities()), default=[6, 0])
    if oldest >= [5, 0]:
        return FLOORS[1][2]
    return FLOORS[2][2] if oldest >= [3, 5] else ""


def _first(gpus: Iterable[Facts]) -> str:
    return next((gpu_name(gpu) for gpu in gpus), "")


def _older(version: str, built: str) -> bool:
    """Whether it is older than TensorFlow can use: another major version, or an older minor one."""
    return numbers(version)[:2] < numbers(built)[:2]


def _shared(library: str, folder: str) -> bool:
    return library == folder or library.startswith(folder.rstrip("/") + "/")
