"""Reads a GPU again and again, a little at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from bench.observe.gpu.device import THROTTLE_FIELDS, Gpu
from bench.observe.gpu.foreign import Foreign
from bench.observe.gpu.series import Series
from bench.record.measured import Measured, unknown

# Of the slower quantities, how many are read in one tick: with ten of them each comes round every
# half second, and a tick stays at five calls.
_SLOW_A_TICK = 2


class Readings:
    """All that was read of one GPU.

    fixed: what does not change while a worker trains, or is read only at the beginning and end.
    """

    def __init__(self) -> None:
        self.energy, self.power, self.sm_clock = Series(), Series(), Series()
        self.memory_clock, self.temperature, self.memory = Series(), Series(), Series()
        self.busy, self.limit, self.reasons = Series(), Series(), Series()
        self.pcie_generation, self.pcie_width = Series(), Series()
        self.corrected, self.uncorrected = Series(), Series()
        self.throttled = {reason: Series() for reason in THROTTLE_FIELDS}
        self.fixed: dict[str, Measured[Any]] = {}
        self.foreign = Foreign()
        self.ticks = 0

    @classmethod
    def none(cls, why: str) -> Readings:
        """No reading at all, for one and the same reason."""
        empty = cls()
        several = (each for each in vars(empty).values() if isinstance(each, Series))
        for series in (*several, *empty.throttled.values()):
            series.add(0.0, unknown(why))
        empty.fixed = dict.fromkeys(_FIXED, unknown(why))
        empty.foreign.note(0.0, unknown(why))
        return empty


class Sampler:
    """Reads one GPU.  NVML must be up.

    What changes within an epoch is read every tick, what changes slowly or jumps seldom in turn.
    Every method raises GpuLostError when the GPU is gone.
    """

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self.readings = readings = Readings()
        self._quick: list[tuple[Series, Callable[[], Measured[Any]]]] = [
            (readings.energy, gpu.energy),
            (readings.power, gpu.power),
            (readings.sm_clock, gpu.sm_clock),
        ]
        self._slow: list[Callable[[float], None]] = [
            self._read_throttled,
            _reader(readings.busy, gpu.busy),
            _reader(readings.temperature, gpu.temperature),
            _reader(readings.memory, gpu.memory_used),
            _reader(readings.reasons, gpu.reasons),
            self._look_for_others,
            _reader(readings.limit, gpu.power_limit),
            _reader(readings.memory_clock, gpu.memory_clock),
            _reader(readings.pcie_generation, gpu.pcie_generation),
            _reader(readings.pcie_width, gpu.pcie_width),
        ]
        self._turns = cycle(self._slow)

    def tick(self, now: float) -> None:
        """Reads what comes every tick, and what has its turn."""
        self.readings.ticks += 1
        for series, read in self._quick:
            series.add(now, read())
        for read_slow in islice(self._turns, _SLOW_A_TICK):
            read_slow(now)

    def all(self, now: float) -> None:
        """Reads everything: at the beginning, and at the end."""
        for series, read in self._quick:
            series.add(now, read())
        for read_slow in self._slow:
            read_slow(now)
        self.readings.corrected.add(now, self._gpu.ecc_corrected())
        self.readings.uncorrected.add(now, self._gpu.ecc_uncorrected())
        self.readings.fixed = {name: read(self._gpu) for name, read in _FIXED.items()}

    def _read_throttled(self, now: float) -> None:
        for reason, seconds in self._gpu.throttled().items():
            self.readings.throttled[reason].add(now, seconds)

    def _look_for_others(self, now: float) -> None:
        foreign = self.readings.foreign
        foreign.note(now, self._gpu.processes())
        if foreign.others():
            foreign.note_use(self._gpu.process_use(foreign.used_since))


_FIXED: dict[str, Callable[[Gpu], Measured[Any]]] = {
    "default_power_limit": Gpu.default_power_limit,
    "sm_clock_limit": Gpu.sm_clock_limit,
    "memory_clock_limit": Gpu.memory_clock_limit,
    "memory_total": Gpu.memory_total,
    "pcie_generation_limit": Gpu.pcie_generation_limit,
    "pcie_width_limit": Gpu.pcie_width_limit,
    "remapped_rows": Gpu.remapped_rows,
}


def _reader(series: Series, read: Callable[[], Measured[Any]]) -> Callable[[float], Any]:
    return lambda now: series.add(now, read())
