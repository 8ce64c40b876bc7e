"""The signs of a symptom on a host: what shows that it has it, "" where nothing does.

A row names its sign; what a pattern or a version can tell stands in the row itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..gpu_stack.minimum_driver import minimum_driver
from ..host_facts import Library, LibraryPath
from ..versions import dotted, numbers
from .host import Host, gpu_name

MIXABLE = {"distribution", "nvidia", "ppa"}


def wrong_module(host: Host) -> str:
    """The module's flavour is not for this GPU, or nouveau has the GPU."""
    driver = host.facts.driver
    flavour = driver.loaded_flavour or (host.next.nvidia.flavour if host.next else "")
    for gpu in host.gpus:
        modules = host.known.modules(gpu)
        if flavour and flavour not in modules:
            return f"{gpu_name(gpu)} with the {flavour} module; only the {modules[0]} one drives it"
    if host.waiting and driver.nouveau and not driver.nouveau_blacklisted:
        return "nouveau is loaded and not blacklisted, beside an installed NVIDIA driver"
    return ""


def no_fabric_manager(host: Host) -> str:
    """The NVSwitches wait for their fabric manager."""
    driver, switches = host.facts.driver, host.facts.switches
    if not switches or not driver.loaded:
        return ""
    if host.facts.has_subnet and not driver.subnet_manager:
        return f"{len(switches)} NVSwitches, and NVLink's subnet manager (nvlsm) is not there"
    if driver.fabric_manager:
        return ""
    return f"{len(switches)} NVSwitches, and the unit nvidia-fabricmanager is not enabled"


def packages(host: Host) -> str:
    """The package manager is stuck, or packages of several origins are mixed."""
    state, driver = host.facts.packages, host.facts.driver
    if state.half_installed:
        return f"half installed: {', '.join(state.half_installed)}"
    if state.locked:
        return "pacman's lock is there, and no pacman is running"
    origins = sorted({package.origin for package in driver.packages} & MIXABLE)
    if len(origins) > 1:
        return f"the driver's packages come from {' and '.join(origins)}"
    if driver.origin == "runfile" and driver.packages:
        return "a driver from a .run file beside packages of one"
    return next(iter(host.logs.packages), "")


def build_failed(host: Host) -> str:
    """DKMS could not build the module for a kernel that has none."""
    kernels = host.facts.kernels.installed
    without = {kernel.release for kernel in kernels if not kernel.nvidia and kernel.headers}
    for build in host.logs.builds:
        if build.kernel in without or not build.kernel:
            return f"{build.module} for kernel {build.kernel}: {build.error}"
    return ""


def outdated_kernel(host: Host) -> str:
    """The module is there for the next kernel only."""
    kernels = host.facts.kernels
    if not host.waiting or kernels.running == kernels.next:
        return ""
    if (host.running and host.running.nvidia) or not (host.next and host.next.nvidia):
        return ""
    return f"{kernels.running} is running; the module is for {kernels.next}, the next"


def key_not_enrolled(host: Host) -> str:
    """Secure Boot is on, and does not know the key of a module that waits to be loaded."""
    state = host.facts.secure_boot
    if not host.waiting or state.state != "enabled" or not state.key or state.enrolled:
        return ""
    step = "waits for MokManager" if state.staged else "is not enrolled"
    return f"Secure Boot is on, and the key {state.key} {step}"


def no_module(host: Host) -> str:
    """A driver is installed, and a kernel has no module of it, or has not loaded it."""
    if not (host.own_kernel and host.on_disk):
        return ""
    for which, kernel in (("running", host.running), ("next", host.next)):
        loaded = kernel == host.running and host.facts.driver.loaded
        if kernel and not kernel.nvidia and not loaded:
            headers = "" if kernel.headers else ", nor the headers to build it"
            return f"the {which} kernel {kernel.release} has no nvidia module{headers}"
    ready = host.running and host.running.nvidia and not host.facts.driver.nouveau
    if host.waiting and ready and not host.facts.reboot_required:
        return "the running kernel has an nvidia module, and it is not loaded"
    return ""


def mismatch(host: Host) -> str:
    """The module that is loaded is not the libraries' version."""
    loaded, libraries = host.facts.driver.loaded, host.facts.driver.libraries
    if loaded and libraries and loaded != libraries:
        return f"the loaded module is {loaded}, the libraries are {libraries}"
    return ""


def blacklisted(host: Host) -> str:
    """A file keeps NVIDIA's module from being loaded."""
    file = host.facts.driver.blacklisted
    return f"{file} keeps the module nvidia from being loaded" if file and host.waiting else ""


def linux_driver_in_wsl(host: Host) -> str:
    """WSL2 has a driver of its own beside the one of Windows."""
    packages = [package.name for package in host.facts.driver.packages]
    if not (host.facts.wsl and packages):
        return ""
    return f"{', '.join(packages[:3])} inside WSL2, whose driver is Windows'"


def unfinished(host: Host) -> str:
    """A run was cut off, or waits for a reboot."""
    interrupted = host.facts.owned.open
    if interrupted:
        return f"a run of site.yml was cut off in {' and '.join(interrupted)}"
    ready = host.waiting and host.next and host.next.nvidia
    if ready and (host.facts.reboot_required or host.facts.driver.nouveau):
        return "the driver is installed, and the host has not been rebooted since"
    return ""


def no_driver(host: Host) -> str:
    """There is a GPU and no driver."""
    driver = host.facts.driver
    if host.facts.container and host.facts.gpus:
        parts = (("loaded driver", driver.loaded), ("libcuda", driver.libraries))
        lacks = [name for name, there in parts if not there]
        return f"this container has no {' and no '.join(lacks)}" if lacks else ""
    if host.own_kernel and not host.on_disk and not driver.loaded:
        return f"{gpu_name(host.gpus[0])}, and no NVIDIA driver is installed or loaded"
    return ""


def no_nodes(host: Host) -> str:
    """The driver is loaded, and what programs open is missing."""
    driver = host.facts.driver
    if not (host.own_kernel and driver.loaded) or host.computes:
        return ""
    if not any(re.fullmatch(r"/dev/nvidia\d+", path) for path in driver.devices):
        return "the driver is loaded, and there is no /dev/nvidia0"
    return "" if driver.uvm else "the driver is loaded, and the module nvidia_uvm is not"


def too_new(host: Host) -> str:
    """A GPU is newer than the kernels in the wheel that is installed, or in any."""
    highest = host.known.ceiling(host.facts.environment.tensorflow)
    newer = (gpu for gpu in host.capable if (gpu.capability or ()) > highest)
    return next(map(gpu_name, newer), "")


def too_old(host: Host) -> str:
    """A GPU is older than the kernels in the wheel that is installed."""
    installed = host.facts.environment.tensorflow
    if not installed:
        return ""
    floor = host.known.floor(installed)
    older = _older(host, floor)
    return f"{older}; TensorFlow {installed} needs {dotted(floor)}" if older else ""


def driver_too_old(host: Host) -> str:
    """The driver is older than the installed TensorFlow needs on these GPUs."""
    loaded, installed = host.facts.driver.loaded, host.facts.environment.tensorflow
    stacks = [stack for stack in host.known.stacks if stack.tensorflow == installed]
    if not (loaded and stacks):
        return ""
    minimum = minimum_driver(stacks[0], host.capable)
    return f"driver {loaded}; {minimum}" if minimum.rules_out(loaded) else ""


def no_python(host: Host) -> str:
    """python3 is not one that TensorFlow is built for, and there is no other environment."""
    reason = host.plan.tensorflow.reason
    missing = " takes " in reason and not host.facts.environment.trains
    return reason if missing else ""


def cublas(host: Host) -> str:
    """The system's CUDA that TensorFlow is to use has no cuBLAS."""
    used = host.plan.cuda.prefix if host.plan.cuda.action == "system" else ""
    lacking = [toolkit.path for toolkit in host.logs.toolkits if not toolkit.cublas]
    return f"{used} has no libcublas" if used in lacking else ""


def stray_cudnn(host: Host) -> tuple[LibraryPath, Library] | None:
    """The setting that leads the loader to an older cuDNN, by major or minor version; and that."""
    built = host.plan.cuda.cudnn
    for entry in host.facts.library_path if built else ():
        for cudnn in host.facts.cudnn:
            older = bool(cudnn.version) and numbers(cudnn.version)[:2] < numbers(built)[:2]
            if older and _inside(cudnn.path, entry.path):
                return entry, cudnn
    return None


def cudnn_too_old(host: Host) -> str:
    """A setting leads the loader to a cuDNN older than TensorFlow is built with."""
    stray = stray_cudnn(host)
    if not stray:
        return ""
    entry, cudnn = stray
    return (
        f"{entry.file} puts {entry.path} first, with cuDNN {cudnn.version}; "
        f"TensorFlow is built with {host.plan.cuda.cudnn}"
    )


def cudnn_too_new(host: Host) -> str:
    """The environment's cuDNN has dropped this GPU."""
    version = host.logs.environment.cudnn
    last, floor = host.known.last_cudnn
    if not version or not last or numbers(version) <= numbers(last):
        return ""
    older = _older(host, floor)
    return f"cuDNN {version} with {older}" if older else ""


def no_compiler(host: Host) -> str:
    """CUDA's wheels are there without the two things that XLA compiles with."""
    there = host.logs.environment
    parts = (("ptxas", there.ptxas), ("libdevice", there.libdevice))
    lacks = [name for name, is_there in parts if there.wheels and not is_there]
    return f"the environment has CUDA's wheels and no {' and no '.join(lacks)}" if lacks else ""


def refused(host: Host) -> str:
    """No plan fits the host."""
    return host.refusal


def stage_failed(host: Host) -> str:
    """A verification stage failed."""
    return "".join(f"{stage.stage} failed: {stage.found}" for stage in host.failures[:1])


def not_provisioned(host: Host) -> str:
    """TensorFlow is not there."""
    there = host.facts.environment.trains or host.facts.containers.images
    return "" if there else "there is no TensorFlow of Grindstone's here"


def _older(host: Host, floor: tuple[int, ...]) -> str:
    older = (gpu for gpu in host.capable if gpu.capability and gpu.capability < floor)
    return next(map(gpu_name, older), "")


def _inside(library: str, folder: str) -> bool:
    return library == folder or library.startswith(folder.rstrip("/") + "/")


Sign = Callable[[Host], str]
SIGNS: dict[str, Sign] = {
    sign.__name__: sign
    for sign in (
        wrong_module,
        no_fabric_manager,
        packages,
        build_failed,
        outdated_kernel,
        key_not_enrolled,
        no_module,
        blacklisted,
        linux_driver_in_wsl,
        mismatch,
        unfinished,
        no_driver,
        no_nodes,
        too_new,
        too_old,
        driver_too_old,
        no_python,
        cublas,
        cudnn_too_old,
        cudnn_too_new,
        no_compiler,
        refused,
        stage_failed,
        not_provisioned,
    )
}
