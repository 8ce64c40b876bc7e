"""One GPU as NVML answers for it: every answer is a value, or the reason why there is none.

All calls go through `Gpu._ask`.  Each method names the query of nvidia-smi that shows the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.record.measured import Measured, known, unknown
from bench.record.telemetry import RemappedRows

NOT_SUPPORTED = "not supported by this GPU"
_SHARED = "a MIG slice has no sensor of its own for it, and the GPU's counts its neighbours' too"
_NONSENSE = 2**63  # NVML marks what it does not know by a number of only ones

# The field values that accumulate how long the clocks were held down, in ns, by reason.
THROTTLE_FIELDS = {
    "power": 74,
    "thermal": 75,
    "board": 77,
    "reliability": 79,
    "software_thermal": 269,
    "hardware_thermal": 270,
    "power_brake": 271,
}
# The bits of the clock event reasons that hold the clocks down.  An idle GPU and a clock that
# somebody set are reasons too, but no throttling.
REASON_BITS = {
    "power": 0x4,
    "hardware_slowdown": 0x8,
    "software_thermal": 0x20,
    "hardware_thermal": 0x40,
    "power_brake": 0x80,
}


class GpuLostError(Exception):
    """The GPU has fallen off the bus or must be reset; the text is NVML's word for it."""


class Gpu:
    """What NVML says about one GPU or MIG slice.  NVML must be up.

    Every method raises GpuLostError when the GPU is gone.
    """

    def __init__(self, nvml: Any, uuid: str) -> None:
        self._nvml = nvml
        self._refused: dict[str, str] = {}
        self.is_slice = uuid.startswith("MIG-")
        found = self._ask(["nvmlDeviceGetHandleByUUID"], uuid)
        # Clocks, temperature and throttling of a slice are those of the GPU that it is cut from.
        parent = ["nvmlDeviceGetDeviceHandleFromMigDeviceHandle"]
        whole = self._ask(parent, found.value) if self.is_slice and found.value else found
        self.why_not_found = whole.why
        self._handle, self._whole = found.value, whole.value

    def energy(self) -> Measured[Any]:
        """J since the driver was loaded; Volta and later.  nvidia-smi shows it nowhere."""
        if self.is_slice:
            return unknown(_SHARED)
        return self._of_gpu("nvmlDeviceGetTotalEnergyConsumption").then(_thousandth)

    def power(self) -> Measured[Any]:
        """W; the mean of the last second on Ampere and later but GA100.  `power.draw`."""
        if self.is_slice:
            return unknown(_SHARED)
        return self._of_gpu("nvmlDeviceGetPowerUsage").then(_thousandth)

    def power_limit(self) -> Measured[Any]:
        """W, the lowest of all limits that hold now.  `enforced.power.limit`."""
        return self._of_gpu("nvmlDeviceGetEnforcedPowerLimit").then(_thousandth)

    def default_power_limit(self) -> Measured[Any]:
        """W, as the board was made.  `power.default_limit`."""
        return self._of_gpu("nvmlDeviceGetPowerManagementDefaultLimit").then(_thousandth)

    def sm_clock(self) -> Measured[Any]:
        """MHz.  `clocks.sm`."""
        return self._of_gpu("nvmlDeviceGetClockInfo", self._nvml.NVML_CLOCK_SM)

    def sm_clock_limit(self) -> Measured[Any]:
        """MHz.  `clocks.max.sm`."""
        return self._of_gpu("nvmlDeviceGetMaxClockInfo", self._nvml.NVML_CLOCK_SM)

    def memory_clock(self) -> Measured[Any]:
        """MHz.  `clocks.mem`."""
        return self._of_gpu("nvmlDeviceGetClockInfo", self._nvml.NVML_CLOCK_MEM)

    def memory_clock_limit(self) -> Measured[Any]:
        """MHz.  `clocks.max.mem`."""
        return self._of_gpu("nvmlDeviceGetMaxClockInfo", self._nvml.NVML_CLOCK_MEM)

    def temperature(self) -> Measured[Any]:
        """°C of the chip.  `temperature.gpu`."""
        names = ["nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"]
        return self._ask(names, self._whole, self._nvml.NVML_TEMPERATURE_GPU)

    def busy(self) -> Measured[Any]:
        """The share of the last fraction of a second with a kernel running.  `utilization.gpu`."""
        percent = self._of_gpu("nvmlDeviceGetUtilizationRates").then(lambda rates: rates.gpu)
        if percent.value is not None and percent.value > 100:
            return unknown(f"NVML answered {percent.value} %")  # seen on data-centre GPUs
        return percent.then(lambda value: value / 100)

    def memory_used(self) -> Measured[Any]:
        """Bytes held on the GPU or slice, whoever holds them.  `memory.used`."""
        return self._memory().then(lambda memory: memory.used)

    def memory_total(self) -> Measured[Any]:
        """Bytes.  `memory.total`."""
        return self._memory().then(lambda memory: memory.total)

    def pcie_generation(self) -> Measured[Any]:
        """Of the link now: it drops while the GPU is idle.  `pcie.link.gen.gpucurrent`."""
        return self._of_gpu("nvmlDeviceGetCurrPcieLinkGeneration")

    def pcie_width(self) -> Measured[Any]:
        """Lanes of the link now.  `pcie.link.width.current`."""
        return self._of_gpu("nvmlDeviceGetCurrPcieLinkWidth")

    def pcie_generation_limit(self) -> Measured[Any]:
        """That GPU and board can do together.  `pcie.link.gen.max`."""
        return self._of_gpu("nvmlDeviceGetMaxPcieLinkGeneration")

    def pcie_width_limit(self) -> Measured[Any]:
        """That GPU and board can do together.  `pcie.link.width.max`."""
        return self._of_gpu("nvmlDeviceGetMaxPcieLinkWidth")

    def ecc_corrected(self) -> Measured[Any]:
        """Errors since the driver was loaded.  `ecc.errors.corrected.volatile.total`."""
        return self._ecc(self._nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED)

    def ecc_uncorrected(self) -> Measured[Any]:
        """Errors since the driver was loaded.  `ecc.errors.uncorrected.volatile.total`."""
        return self._ecc(self._nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED)

    def remapped_rows(self) -> Measured[RemappedRows]:
        """Rows replaced by spare ones after errors; Ampere and later.  `-q -d ROW_REMAPPER`."""
        return self._of_gpu("nvmlDeviceGetRemappedRows").then(
            lambda rows: RemappedRows(rows[0], rows[1], bool(rows[2]), bool(rows[3]))
        )

    def throttled(self) -> dict[str, Measured[Any]]:
        """Seconds of throttling since the driver was loaded, by reason.  `-q -d PERFORMANCE`."""
        fields = list(THROTTLE_FIELDS.values())
        values = self._of_gpu("nvmlDeviceGetFieldValues", fields)
        if values.value is None:
            return dict.fromkeys(THROTTLE_FIELDS, values)
        read = [self._field(value) for value in values.value]
        if all(each.why == NOT_SUPPORTED for each in read):
            self._refused[_key("nvmlDeviceGetFieldValues", fields)] = NOT_SUPPORTED
        seconds = (each.then(lambda nanoseconds: nanoseconds / 1e9) for each in read)
        return dict(zip(THROTTLE_FIELDS, seconds, strict=True))

    def reasons(self) -> Measured[Any]:
        """The bits of what holds the clocks down now.  `clocks_event_reasons.active`."""
        names = [
            "nvmlDeviceGetCurrentClocksEventReasons",
            "nvmlDeviceGetCurrentClocksThrottleReasons",  # the name before driver 535
        ]
        return self._ask(names, self._whole)

    def processes(self) -> Measured[Any]:
        """Computing processes, as `.pid` and `.usedGpuMemory`.  `--query-compute-apps`."""
        names = [  # the name without a version raises what is no NVMLError on an older driver
            "nvmlDeviceGetComputeRunningProcesses_v3",
            "nvmlDeviceGetComputeRunningProcesses_v2",  # before driver 510
        ]
        return self._ask(names, self._handle)

    def process_use(self, since: int) -> Measured[Any]:
        """Samples of the processes' use after a time stamp: `.pid`, `.smUtil`, `.timeStamp`."""
        answer = self._of_gpu("nvmlDeviceGetProcessUtilization", since)
        nobody = str(self._nvml.NVMLError(self._nvml.NVML_ERROR_NOT_FOUND))
        return known([]) if answer.why == nobody else answer

    def _memory(self) -> Measured[Any]:
        functions = ["nvmlDeviceGetMemoryInfo"]
        counted = self._ask(functions, self._handle, self._nvml.nvmlMemory_v2)
        if counted.why is None:
            return counted  # without what the driver keeps for itself
        return self._ask(functions, self._handle)  # before driver 510

    def _ecc(self, kind: int) -> Measured[Any]:
        return self._of_gpu("nvmlDeviceGetTotalEccErrors", kind, self._nvml.NVML_VOLATILE_ECC)

    def _of_gpu(self, function: str, *arguments: Any) -> Measured[Any]:
        return self._ask([function], self._whole, *arguments)

    def _ask(self, functions: Sequence[str], about: Any, *arguments: Any) -> Measured[Any]:
        """The answer of the first of the functions that this driver has.

        What is refused for good is not asked again: each call costs the driver time.
        """
        if about is None:
            return unknown(self.why_not_found or "NVML does not show this GPU")
        key = _key(functions[0], *arguments)
        if key in self._refused:
            return unknown(self._refused[key])
        answer, for_good = self._first_answer(functions, about, *arguments)
        if for_good and answer.why is not None:
            self._refused[key] = answer.why
        return answer

    def _first_answer(
        self, functions: Sequence[str], *arguments: Any
    ) -> tuple[Measured[Any], bool]:
        nvml = self._nvml
        for name in functions:
            call = getattr(nvml, name, None)
            if call is None:
                continue  # not yet, or no longer, in this nvidia-ml-py
            try:
                return known(call(*arguments)), False
            except nvml.NVMLError as error:
                if error.value != nvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                    return self._reason(error)
        return unknown("this driver is too old to tell"), True

    def _reason(self, error: Any) -> tuple[Measured[Any], bool]:
        nvml, code = self._nvml, error.value
        gone = (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED)
        if code in gone:
            raise GpuLostError(str(error)) from error
        if code == nvml.NVML_ERROR_NOT_SUPPORTED:
            return unknown(NOT_SUPPORTED), True
        if code == nvml.NVML_ERROR_NO_PERMISSION:
            return unknown("permission denied; run as root to read it"), True
        # A MIG slice's handle is an invalid argument to most functions.
        return unknown(str(error)), code == nvml.NVML_ERROR_INVALID_ARGUMENT

    def _field(self, value: Any) -> Measured[Any]:
        nvml = self._nvml
        if value.nvmlReturn == nvml.NVML_ERROR_INVALID_ARGUMENT:
            return unknown(NOT_SUPPORTED)  # the field is younger than the driver
        if value.nvmlReturn != nvml.NVML_SUCCESS:
            return self._reason(nvml.NVMLError(value.nvmlReturn))[0]
        member = {
            nvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
            nvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
            nvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
            nvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
            nvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
            nvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
            nvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
        }.get(value.valueType)
        if member is None:
            return unknown(f"NVML answered with an unknown type of value ({value.valueType})")
        number = getattr(value.value, member)
        return known(number) if number < _NONSENSE else unknown(NOT_SUPPORTED)


def _key(function: str, *arguments: Any) -> str:
    return f"{function} {arguments}"


def _thousandth(value: int) -> float:
    return value / 1000
