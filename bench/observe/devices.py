"""This machine, and what can be trained on here: the CPU, and every GPU that NVML shows."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import shown, unforeseen, why
from bench.observe import nvml_probe
from bench.record.head import Cpu, Device, Machine


@dataclass(frozen=True, slots=True)
class Found:
    """The devices of this machine.

    devices: the CPU first, then the GPUs in PCI order.
    driver: the NVIDIA driver's version, or None.
    why_no_gpu: a reason for a reader, when there is no GPU among them.
    """

    devices: tuple[Device, ...]
    driver: str | None = None
    why_no_gpu: str | None = None


def find() -> Found:
    """Looks for devices: NVML through nvidia-ml-py, as CUDA_VISIBLE_DEVICES leaves them."""
    cpu = Device(cpu_name())
    try:
        gpus, driver = _nvml_gpus()
    except _NoGpuError as error:
        return Found((cpu,), why_no_gpu=str(error))
    visible = _visible(gpus, os.environ)
    if not visible:
        hidden = f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', '')} hides them all"
        reason = hidden if gpus else "the NVIDIA driver is loaded, but shows no GPU"
        return Found((cpu,), driver=driver, why_no_gpu=reason)
    return Found((cpu, *visible), driver=driver)


def device_groups(gpus: Sequence[Device]) -> tuple[Device, ...]:
    """What can be asked for besides where there are two GPUs or more.

    `gpus` is one training over all of them, `all` is a training on each at the same time.  Of MIG's
    slices CUDA gives a process one and no more, so that there is no training over them.
    """
    if len(gpus) < 2:
        return ()
    names = Counter(gpu.name for gpu in gpus)
    name = " + ".join(f"{count} × {name}" if count > 1 else name for name, count in names.items())
    uuids = tuple(uuid for gpu in gpus for uuid in gpu.uuids)
    each = Device(name, group="all", uuids=uuids)
    if any(gpu.slice is not None for gpu in gpus):
        return (each,)
    return (Device(name, group="gpus", uuids=uuids), each)


def per_device(device: Device, found: Sequence[Device]) -> tuple[Device, ...]:
    """What is trained on at the same time, a worker each; the device itself where it is one.

    found: the devices of this machine.
    """
    if device.group != "all":
        return (device,)
    return tuple(msgspec.structs.replace(each, group="all") for each in found if each.is_gpu)


def replicas(device: Device) -> int:
    """How many devices one training on it spans."""
    return len(device.uuids) if device.group == "gpus" else 1


def environment(device: Device) -> dict[str, str]:
    """What a worker must find in its environment so that it sees this device alone.

    The CPU's worker must not even list a GPU: Keras would turn XLA on (bench.worker).  On a GPU's
    JAX has to fail where it cannot use it, rather than to go on with the CPU.  TensorFlow and JAX
    would take most of a GPU's memory when they start: they take what they need, as PyTorch does.
    """
    return {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(device.uuids) or "-1",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "JAX_PLATFORMS": "cuda,cpu" if device.is_gpu else "cpu",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model name, or its architecture where the kernel gives no name (Arm)."""
    with contextlib.suppress(OSError):  # some containers hide all of /proc but processes
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return shown(value.strip())
    return platform.machine()


_NO_SLICE = (
    "MIG is on for every GPU and there is no slice; `sudo nvidia-smi mig -lgip` lists profiles, "
    "`sudo nvidia-smi mig -cgi PROFILE -C` makes a slice, `sudo nvidia-smi -mig 0` turns MIG off"
)


_LIBRARY = "libnvidia-ml.so.1"
_PCI = Path("/sys/bus/pci/devices")
# Their own vendor id, and Microsoft's, under which WSL2 has every GPU of Windows.
_MAY_BE_NVIDIA = {"0x10de", "0x1414"}


class _NoGpuError(Exception):
    """There is no usable GPU; the text says why."""


def shadowed(pynvml: Any) -> str | None:
    """What to do where the module `pynvml` is not nvidia-ml-py's; None where it is.

    Another package of that name has the same functions, older and wrapped: it cannot be relied on.
    """
    if hasattr(pynvml, "_nvmlGetFunctionPointer"):
        return None
    return (
        "the package `pynvml` shadows nvidia-ml-py; run `pip uninstall pynvml` and "
        "`pip install --force-reinstall nvidia-ml-py`"
    )


def _nvml_gpus() -> tuple[list[Device], str]:
    """Every GPU and the driver's version.

    Raises:
        _NoGpuError: NVML is not there or does not answer.
    """
    if (stuck := nvml_probe.why_not()) is not None:
        raise _NoGpuError(stuck)
    try:
        import pynvml
    except Exception as error:  # whatever stands there under this name
        raise _NoGpuError(f"nvidia-ml-py cannot be imported: {unforeseen(error)}") from error
    if (what_to_do := shadowed(pynvml)) is not None:
        raise _NoGpuError(what_to_do)
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise _NoGpuError(why_nvml_failed(pynvml, error)) from error
    try:
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        count = pynvml.nvmlDeviceGetCount()
        gpus = [gpu for index in range(count) for gpu in _gpu_or_slices(pynvml, index)]
        if count and not gpus:
            raise _NoGpuError(_NO_SLICE)
        return gpus, driver
    except pynvml.NVMLError as error:
        raise _NoGpuError(f"NVML lost a GPU while listing them: {error}; see `dmesg`") from error
    except UnicodeDecodeError as error:
        raise _NoGpuError("NVML gives a GPU's name as bytes that are no text") from error
    finally:
        end_nvml(pynvml)


def _gpu_or_slices(pynvml: Any, index: int) -> list[Device]:
    """A GPU, or the slices of one that MIG divides: CUDA runs nothing on such a GPU as a whole."""
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    try:
        mode, _after_a_reset = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:  # most GPUs, and old drivers, know no MIG
        mode = pynvml.NVML_DEVICE_MIG_DISABLE
    if mode != pynvml.NVML_DEVICE_MIG_ENABLE:
        return [_described(pynvml, handle, index)]
    slices = []
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            part = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except pynvml.NVMLError_NotFound:
            continue
        slices.append(_described(pynvml, part, index, number))
    return slices


def _described(pynvml: Any, handle: Any, index: int, number: int | None = None) -> Device:
    model, uuid = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle)
    return Device(shown(model), index, number, uuids=(str(uuid),))


def why_nvml_failed(pynvml: Any, error: Any) -> str:
    """NVML's error as a reason that a person can act on."""
    code = getattr(error, "value", None)
    if code == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        return _why_not_loaded()
    if code == pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
        return f"{_LIBRARY} was loaded and lacks NVML's functions: reinstall the NVIDIA driver"
    if code == pynvml.NVML_ERROR_DRIVER_NOT_LOADED:
        return "the NVIDIA driver is installed but its kernel module is not loaded"
    if code == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return "the NVIDIA kernel module and libraries differ in version; reboot"
    return f"NVML does not answer: {error}"


def _why_not_loaded() -> str:
    """What the loader says: to nvidia-ml-py whatever it cannot load is not there."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError as error:
        said = shown(why(error))
    else:
        return f"{_LIBRARY} could not be loaded a moment ago, and now can: run this again"
    if _LIBRARY in said and "No such file" in said:  # of one that it needs the name is another
        may_be = _may_have_a_gpu(_PCI)
        lacking = "driver installed" if may_be else "GPU on the PCI bus"
        return f"no NVIDIA {lacking} ({_LIBRARY} not found)"
    return f"{_LIBRARY} was found and cannot be loaded ({said}): reinstall the NVIDIA driver"


def _may_have_a_gpu(bus: Path) -> bool:
    """Whether one of NVIDIA's is on the bus, or the bus does not tell, as in WSL2."""
    try:
        cards = [each for each in bus.iterdir() if (each / "class").read_text().startswith("0x03")]
        vendors = {(each / "vendor").read_text().strip() for each in cards}
        return bool(vendors & _MAY_BE_NVIDIA) or not any(bus.iterdir())
    except OSError:
        return True


def _visible(gpus: list[Device], environment: Mapping[str, str]) -> list[Device]:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves, by index or by (the beginning of) a UUID.

    The index of a GPU that MIG divides stands for its first slice.
    """
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return gpus
    kept = []
    for word in (word.strip() for word in wanted.split(",")):
        ids = (f"gpu:{word}", f"gpu:{word}:0")
        match = [g for g in gpus if word and (g.id in ids or g.uuids[0].startswith(word))]
        if not match:
            break  # CUDA, too, stops at the first that it does not know
        kept += match
    return [gpu for gpu in gpus if gpu in kept]


def start_nvml(nvml: Any) -> str | None:
    """Starts NVML, or says why it cannot be.  What was started must be ended."""
    if nvml is None:
        return "nvidia-ml-py is not here"
    if (what_to_do := shadowed(nvml)) is not None:
        return what_to_do
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return why_nvml_failed(nvml, error)
    return None


def end_nvml(nvml: Any) -> None:
    """Ends NVML, whether or not the driver is still there."""
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()


_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def describe_machine(found: Found) -> Machine:
    """Host, processor, memory and devices."""
    return Machine(
        host=platform.node(),
        system=_system(),
        kernel=platform.release(),
        architecture=platform.machine(),
        cpu=Cpu(
            name=cpu_name(),
            cores=_processors(logical=False),
            threads=_processors(logical=True),
            affinity=tuple(sorted(os.sched_getaffinity(0))),
            governor=_governor(),
        ),
        memory=_memory(),
        driver=found.driver,
        why_no_gpu=found.why_no_gpu,
        devices=found.devices,
    )


def _processors(*, logical: bool) -> int | None:
    import psutil

    try:
        return psutil.cpu_count(logical)
    except OSError:  # a /proc of processes alone
        return None


def _memory() -> int | None:
    """Bytes, asked of the C library, which needs no /proc for it; None where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") or None
    except (OSError, ValueError):
        return None


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _governor() -> str | None:
    """The frequency governor; None where the kernel shows none, as in most virtual machines."""
    try:
        return _GOVERNOR.read_text(encoding="ascii").strip()
    except OSError:
        return None
