"""The GPU side of a training: what NVML told of one GPU, or of several that train together."""

from __future__ import annotations

from bench.record.measured import Amount, Count, Measured, Number, Part, Positive, Text


class Lost(Part, frozen=True):
    """When a GPU fell off its bus.

    epoch: the epoch that it fell into, 1 for the first.
    seconds_into_it: how far into it, in s; null in the first.
    why: NVML's word for it.
    """

    epoch: Number
    seconds_into_it: float | None
    why: Text


class Energy(Part, frozen=True):
    """Energy of the GPU.

    gross: over the steady epochs, in J.
    net: the same without what the idle GPU takes, in J.
    gross_per_epoch: gross for one epoch, in J.
    net_per_epoch: net for one epoch, in J.
    source: the GPU's own counter, or the area below its power readings.
    """

    gross: Measured[float]
    net: Measured[float]
    gross_per_epoch: Measured[float]
    net_per_epoch: Measured[float]
    source: Measured[str]


class Power(Part, frozen=True):
    """Power of the GPU.

    mean: of the readings, in W.
    max: the highest reading, in W.
    idle: before any worker started, in W.
    limit: the lowest that held, in W.
    default_limit: as the board was made, in W.
    limit_share: the limit as a share of the default.
    """

    mean: Measured[float]
    max: Measured[float]
    idle: Measured[float]
    limit: Measured[float]
    default_limit: Measured[float]
    limit_share: Measured[float]


class Clocks(Part, frozen=True):
    """Clocks of the GPU.

    sm: mean of the multiprocessors', in MHz.
    sm_min: the lowest of them, in MHz.
    sm_limit: the highest that the GPU can, in MHz.
    memory: mean of the memory's, in MHz.
    memory_limit: the highest that the memory can, in MHz.
    """

    sm: Measured[float]
    sm_min: Measured[float]
    sm_limit: Measured[float]
    memory: Measured[float]
    memory_limit: Measured[float]


class Memory(Part, frozen=True):
    """Memory of the GPU, whoever holds it.

    peak: the most that was held, in bytes.
    before: what was held before the worker started, in bytes.
    total: in bytes.
    """

    peak: Measured[Count]
    before: Measured[Count]
    total: Measured[Count]


class Throttled(Part, frozen=True):
    """For how long the clocks were held down, as the driver counts it, by reason.

    power: the power limit, in s.
    thermal: heat, in s.
    board: the board's supply, in s.
    reliability: the voltage at which boost ends, in s.
    software_thermal: the driver's heat limit, in s.
    hardware_thermal: the chip's own heat limit, in s.
    power_brake: the power supply's brake signal, in s.
    """

    power: Measured[Amount]
    thermal: Measured[Amount]
    board: Measured[Amount]
    reliability: Measured[Amount]
    software_thermal: Measured[Amount]
    hardware_thermal: Measured[Amount]
    power_brake: Measured[Amount]


class Reasons(Part, frozen=True):
    """The share of the readings in which the clocks were held down, by reason.

    power: the power limit.
    hardware_slowdown: the hardware, for any of its reasons.
    software_thermal: the driver's heat limit.
    hardware_thermal: the chip's own heat limit.
    power_brake: the power supply's brake signal.
    """

    power: Measured[Amount]
    hardware_slowdown: Measured[Amount]
    software_thermal: Measured[Amount]
    hardware_thermal: Measured[Amount]
    power_brake: Measured[Amount]


class Pcie(Part, frozen=True):
    """The GPU's link, at its highest: an idle moment lowers it.

    generation: of PCI Express.
    width: in lanes.
    generation_limit: the highest that GPU and board can do together.
    width_limit: the widest that GPU and board can do together.
    """

    generation: Measured[Count]
    width: Measured[Count]
    generation_limit: Measured[Count]
    width_limit: Measured[Count]


class RemappedRows(Part, frozen=True):
    """Rows of memory that spare ones replaced after errors.

    corrected: after correctable errors.
    uncorrected: after uncorrectable errors.
    pending: whether more are waiting for a reset.
    failed: whether one could not be replaced.
    """

    corrected: Count
    uncorrected: Count
    pending: bool
    failed: bool


class Ecc(Part, frozen=True):
    """Memory errors.

    corrected: added during the training.
    uncorrected: added during the training.
    remapped_rows: of all the GPU's life.
    """

    corrected: Measured[int]
    uncorrected: Measured[int]
    remapped_rows: Measured[RemappedRows]


class GpuProcess(Part, frozen=True):
    """Another process that computed on the GPU.

    pid: its process id.
    name: null where it cannot be seen from here.
    memory: the most that it held, in bytes; null where NVML does not tell.
    busy: the highest share of a moment that it used; null where that is not known.
    """

    pid: Count
    name: str | None
    memory: Count | None
    busy: Amount | None

    @property
    def title(self) -> str:
        """As a person reads it: `python (pid 4711)`."""
        return f"{self.name or 'a process'} (pid {self.pid})"


class ByEpoch(Part, frozen=True):
    """The GPU's mean over each steady epoch; null where an epoch was too short for a reading.

    sm_clock: in MHz.
    power: in W.
    temperature: of the chip, in °C.
    """

    sm_clock: tuple[float | None, ...]
    power: tuple[float | None, ...]
    temperature: tuple[float | None, ...]


class Telemetry(Part, frozen=True, kw_only=True):
    """The GPU, or several that train together, over the steady epochs.

    interval: between two readings, in s.
    ticks: how many readings there were.
    watched: for how long, in s.
    cpu_seconds: processor time that the watching took, in s.
    steady_seconds: the steady epochs' wall time, in s; null where none came to its end.
    lost: null where the GPU stayed.
    energy: of the GPU.
    power: of the GPU.
    clocks: of the GPU.
    temperature: the chip's highest, in °C.
    busy: the share of the epochs with a kernel running.
    memory: of the GPU.
    throttled: seconds of throttling, by reason.
    reasons: shares of the readings with throttling, by reason.
    pcie: the link.
    ecc: memory errors.
    processes: others that computed on the GPU.
    by_epoch: the same GPU epoch by epoch; of several the first; null where it is not told.
    """

    interval: Positive
    ticks: Count
    watched: Amount
    cpu_seconds: Amount
    steady_seconds: float | None
    lost: Lost | None
    energy: Energy
    power: Power
    clocks: Clocks
    temperature: Measured[float]
    busy: Measured[Amount]
    memory: Memory
    throttled: Throttled
    reasons: Reasons
    pcie: Pcie
    ecc: Ecc
    processes: Measured[tuple[GpuProcess, ...]]
    by_epoch: ByEpoch | None = None
