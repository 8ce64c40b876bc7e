"""NVML without a GPU: nvidia-ml-py's own code over a C library that answers from data.

    nvml = FakeNvml("hopper")
    nvml.module        # what bench takes for nvidia-ml-py: its structs, constants and errors
    nvml.busy = True   # the GPU trains from now on
    nvml.now += 1.0    # a second goes by

nvml/devices.yml holds how each kind of GPU answers.
"""

from __future__ import annotations

import copy
import ctypes
import functools
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pynvml
import yaml

from bench.record.head import Device

_RECORDED = Path(__file__).parent / "nvml" / "devices.yml"
_MIB = 1024**2
_NUMBERS = itertools.count()
# Handles are opaque pointers; a MIG slice's is another than that of the GPU it is cut from.
_GPU, _SLICE = 0x1000, 0x2000


@functools.cache
def _recorded() -> dict[str, Any]:
    return dict(yaml.safe_load(_RECORDED.read_text(encoding="utf-8")))


KINDS = tuple(_recorded())


class FakeNvml:
    """The library for one kind of GPU.

    now: the machine's clock, in s.
    busy: whether the GPU trains.
    functions: what it answers, to be changed by a test.
    uuids: of all GPUs in the machine; each answers alike.
    worker: the worker's process id as NVML sees it; None while none computes.
    lost: every call from now on finds the GPU gone.
    counts: how often each function was called.
    """

    def __init__(self, kind: str) -> None:
        recorded = copy.deepcopy(_recorded()[kind])
        self.name, self.uuid = recorded["name"], recorded["uuid"]
        self.uuids = {self.uuid}
        self.functions: dict[str, Any] = recorded["functions"]
        self.now = 1000.0
        self.worker: int | None = None
        self.lost = False
        self.open = 0
        self.counts: dict[str, int] = {}
        self._busy = False
        self._changed = self.now
        self._millijoules = 123_456_789.0
        self._busy_seconds = 400.0
        self.module = _fresh_module(_Library(self))

    @property
    def device(self) -> Device:
        """As bench.devices would find it."""
        return Device(self.name, index=0, uuids=(self.uuid,))

    @property
    def busy(self) -> bool:
        return self._busy

    @busy.setter
    def busy(self, busy: bool) -> None:
        self._advance()
        self._busy = busy

    def clock(self) -> float:
        """Stands in for time.perf_counter."""
        return self.now

    def answer(self, recorded: Any) -> Any:
        """What of [idle, busy] holds now."""
        return recorded[self._busy] if isinstance(recorded, list) else recorded

    def millijoules(self) -> int:
        """The energy counter; it goes on with the power."""
        self._advance()
        return int(self._millijoules)

    def busy_nanoseconds(self, share: float) -> int:
        """A throttle counter that runs for a share of the time that the GPU is busy."""
        self._advance()
        return int(self._busy_seconds * share * 1e9)

    def _advance(self) -> None:
        passed, self._changed = self.now - self._changed, self.now
        power = self.answer(self.functions["nvmlDeviceGetPowerUsage"])
        if not isinstance(power, str):
            self._millijoules += passed * power
        if self._busy:
            self._busy_seconds += passed


def _fresh_module(library: _Library) -> ModuleType:
    """nvidia-ml-py once more, with a library of its own."""
    module = ModuleType(f"nvidia_ml_py_{next(_NUMBERS)}")
    sys.modules[module.__name__] = module  # it makes its error classes through there
    try:
        exec(_code_of_nvidia_ml_py(), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    module.nvmlLib = library  # type: ignore[attr-defined]
    return module


@functools.cache
def _code_of_nvidia_ml_py() -> CodeType:
    source = Path(pynvml.__file__).read_text(encoding="utf-8")
    return compile(source, pynvml.__file__, "exec")


class _Function:
    """A C function: takes pointers, fills what they point to, gives back an error code."""

    restype: Any = None

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


class _Library:
    """libnvidia-ml.so.1: functions by name; one that this driver lacks is an AttributeError."""

    def __init__(self, gpu: FakeNvml) -> None:
        self._gpu = gpu
        self._always: dict[str, Callable[..., Any]] = {
            "nvmlInitWithFlags": self._init,
            "nvmlShutdown": self._shutdown,
            "nvmlDeviceGetHandleByUUID": self._handle,
            "nvmlDeviceGetDeviceHandleFromMigDeviceHandle": self._parent,
        }
        self._shapes: dict[str, Callable[..., Any]] = {
            "nvmlDeviceGetTotalEnergyConsumption": self._energy,
            "nvmlDeviceGetClockInfo": self._clock,
            "nvmlDeviceGetMaxClockInfo": self._clock,
            "nvmlDeviceGetTemperatureV": self._temperature,
            "nvmlDeviceGetTemperature": self._last_argument,
            "nvmlDeviceGetUtilizationRates": self._utilization,
            "nvmlDeviceGetMemoryInfo": self._memory,
            "nvmlDeviceGetMemoryInfo_v2": self._memory,
            "nvmlDeviceGetFieldValues": self._fields,
            "nvmlDeviceGetComputeRunningProcesses_v2": self._processes,
            "nvmlDeviceGetComputeRunningProcesses_v3": self._processes,
            "nvmlDeviceGetProcessUtilization": self._process_use,
            "nvmlDeviceGetRemappedRows": self._rows,
        }

    def __getattr__(self, name: str) -> _Function:
        if name in self._always:
            return _Function(self._always[name])
        if name == "nvmlErrorString":
            return _Function(lambda code: f"error {code}".encode())
        if name not in self._gpu.functions:
            raise AttributeError(name)
        return _Function(functools.partial(self._called, name))

    def _called(self, name: str, handle: Any, *arguments: Any) -> Any:
        gpu = self._gpu
        gpu.counts[name] = gpu.counts.get(name, 0) + 1
        if gpu.lost:
            return _code("GPU_IS_LOST")
        recorded = gpu.functions[name]
        if isinstance(recorded, str) and recorded != "counted":
            return _code(recorded)
        if _address(handle) == _SLICE and not _knows_slices(name):
            return _code("INVALID_ARGUMENT")
        shaped: Callable[..., Any] = self._shapes.get(name, self._last_argument)
        return shaped(recorded, *arguments)

    def _init(self, _flags: int) -> int:
        self._gpu.open += 1
        return _code(self._gpu.functions.get("nvmlInitWithFlags", "SUCCESS"))

    def _shutdown(self) -> int:
        self._gpu.open -= 1
        return 0

    def _handle(self, uuid: Any, device: Any) -> int:
        if uuid.value.decode() not in self._gpu.uuids:
            return _code("NOT_FOUND")
        if self._gpu.lost:
            return _code("GPU_IS_LOST")
        is_slice = self._gpu.uuid.startswith("MIG-")
        _point(device._obj, _SLICE if is_slice else _GPU)
        return 0

    def _parent(self, _slice: Any, device: Any) -> int:
        _point(device._obj, _GPU)
        return 0

    def _last_argument(self, recorded: Any, *arguments: Any) -> int:
        return self._put(arguments[-1]._obj, recorded)

    def _put(self, target: Any, recorded: Any) -> int:
        value = self._gpu.answer(recorded)
        if isinstance(value, str):
            return _code(value)
        target.value = value
        return 0

    def _energy(self, _recorded: Any, target: Any) -> int:
        target._obj.value = self._gpu.millijoules()
        return 0

    def _clock(self, recorded: Any, kind: Any, target: Any) -> int:
        names = {pynvml.NVML_CLOCK_SM: "sm", pynvml.NVML_CLOCK_MEM: "memory"}
        return self._put(target._obj, recorded[names[kind.value]])

    def _temperature(self, recorded: Any, target: Any) -> int:
        if target._obj.version != pynvml.nvmlTemperature_v1:
            return _code("ARGUMENT_VERSION_MISMATCH")
        target._obj.temperature = self._gpu.answer(recorded)
        return 0

    def _utilization(self, recorded: Any, target: Any) -> int:
        target._obj.gpu = self._gpu.answer(recorded)
        return 0

    def _memory(self, recorded: Any, target: Any) -> int:
        memory = target._obj
        memory.total = recorded["total"] * _MIB
        memory.used = self._gpu.answer(recorded["used"]) * _MIB
        memory.free = memory.total - memory.used
        return 0

    def _fields(self, recorded: Any, count: Any, values: Any) -> int:
        for value in values._obj[: count.value]:
            answer = recorded.get(value.fieldId, "INVALID_ARGUMENT")
            if isinstance(answer, str):
                value.nvmlReturn = _code(answer)
                continue
            value.nvmlReturn = pynvml.NVML_SUCCESS
            value.valueType = pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG
            value.value.ullVal = self._gpu.busy_nanoseconds(answer)
        return 0

    def _processes(self, recorded: Any, count: Any, array: Any) -> int:
        listed = [(self._pid(pid), memory) for pid, memory in recorded]
        there = [(pid, memory) for pid, memory in listed if pid is not None]
        room, count._obj.value = count._obj.value, len(there)
        if not there:
            return 0
        if array is None or room < len(there):
            return _code("INSUFFICIENT_SIZE")
        for target, (pid, memory) in zip(array, there, strict=False):
            target.pid = pid
            target.usedGpuMemory = memory * _MIB
        return 0

    def _process_use(self, recorded: Any, array: Any, count: Any, _since: Any) -> int:
        used = {self._pid(pid): percent for pid, percent in recorded.items()}
        used.pop(None, None)
        if not used:
            return _code("NOT_FOUND")
        if array is None:
            count._obj.value = len(used)
            return _code("INSUFFICIENT_SIZE")
        for target, (pid, percent) in zip(array, used.items(), strict=False):
            target.pid, target.smUtil = pid, percent
            target.timeStamp = int(self._gpu.now * 1e6)
        return 0

    def _rows(self, recorded: Any, *targets: Any) -> int:
        for target, rows in zip(targets, recorded["rows"], strict=True):
            target._obj.value = rows
        return 0

    def _pid(self, pid: int | str) -> int | None:
        return self._gpu.worker if pid == "worker" else int(pid)


def _code(name: str) -> int:
    return int(pynvml.NVML_SUCCESS if name == "SUCCESS" else getattr(pynvml, f"NVML_ERROR_{name}"))


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value


def _point(handle: Any, address: int) -> None:
    ctypes.c_void_p.from_address(ctypes.addressof(handle)).value = address


def _knows_slices(name: str) -> bool:
    return name.startswith(("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetComputeRunningProcesses"))
