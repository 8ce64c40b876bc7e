"""Reads a GPU again and again, a little at a time."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from typing import Any

from bench.observe.gpu import THROTTLE_FIELDS, Gpu
from bench.record.measured import Measured, known, unknown
from bench.record.telemetry import GpuProcess

# Of two neighbouring readings, in s: further apart, what lay between them is not known.
_LONGEST_GAP = 2.0
# How long before the end of a window a reading may lie that stands for it, in s.
_NEAR = 1.0
_NO_READING = "no reading in these epochs"


class Series:
    """Readings in the order of their times (CLOCK_MONOTONIC, in s)."""

    def __init__(self) -> None:
        self._times = array("d")
        self._values = array("d")
        self._why: str | None = None

    def add(self, now: float, reading: Measured[float]) -> None:
        """Appends a reading, or remembers why there is none."""
        if reading.value is None:
            self._why = reading.why
            return
        self._times.append(now)
        self._values.append(float(reading.value))

    def first(self) -> Measured[float]:
        """The earliest reading."""
        return known(self._values[0]) if self._values else self._none()

    def last(self) -> Measured[float]:
        """The latest reading."""
        return known(self._values[-1]) if self._values else self._none()

    def readings(self, begun: float, ended: float) -> list[float]:
        """All within a window; in a very short one, the one just before its end."""
        start, stop = bisect_left(self._times, begun), bisect_right(self._times, ended)
        if start == stop and start > 0 and ended - self._times[start - 1] < _NEAR:
            start -= 1
        return list(self._values[start:stop])

    def mean(self, begun: float, ended: float) -> Measured[float]:
        """Of the readings within a window: they are evenly spaced."""
        found = self.readings(begun, ended)
        return known(sum(found) / len(found)) if found else self._none()

    def highest(self, begun: float, ended: float) -> Measured[float]:
        """Of the readings within a window."""
        found = self.readings(begun, ended)
        return known(max(found)) if found else self._none()

    def lowest(self, begun: float, ended: float) -> Measured[float]:
        """Of the readings within a window."""
        found = self.readings(begun, ended)
        return known(min(found)) if found else self._none()

    def increase(self, begun: float, ended: float) -> Measured[float]:
        """How far a counter went on within a window, read between readings along a line."""
        if (why := self._why_not_covered(begun, ended)) is not None:
            return unknown(why)
        grown = self._at(ended) - self._at(begun)
        return known(grown) if grown >= 0 else unknown("the counter went back")

    def integral(self, begun: float, ended: float) -> Measured[float]:
        """The area below the readings within a window, in their unit times s."""
        if (why := self._why_not_covered(begun, ended)) is not None:
            return unknown(why)
        inner = [t for t in self._times if begun < t < ended]
        times = [begun, *inner, ended]
        corners = pairwise([(time, self._at(time)) for time in times])
        return known(sum((t1 - t0) * (v0 + v1) / 2 for (t0, v0), (t1, v1) in corners))

    def _why_not_covered(self, begun: float, ended: float) -> str | None:
        if not self._times:
            return self._why or _NO_READING
        if self._times[0] > begun or self._times[-1] < ended:
            return "the readings do not reach over all of these epochs"
        start, stop = bisect_right(self._times, begun) - 1, bisect_left(self._times, ended) + 1
        inside = self._times[start:stop]
        longest = max((after - before for before, after in pairwise(inside)), default=0.0)
        if longest > _LONGEST_GAP:
            return f"NVML kept us waiting for {longest:.1f} s between two readings"
        return None

    def _at(self, time: float) -> float:
        after = min(bisect_left(self._times, time), len(self._times) - 1)
        t1, v1 = self._times[after], self._values[after]
        if after == 0 or t1 == time:
            return v1
        t0, v0 = self._times[after - 1], self._values[after - 1]
        return v0 + (v1 - v0) * (time - t0) / (t1 - t0)

    def _none(self) -> Measured[float]:
        return unknown(self._why or _NO_READING)


# The kernel's highest process id.  Some drivers (535.43 to .86) answer with nonsense.
_HIGHEST_PID = 2**22


@dataclass(slots=True)
class _Seen:
    """A process: its session is what tells whose it is, and is kept, for it may end.

    first, last: when it was seen, in s.
    memory: bytes at most; None where NVML does not tell.
    session: None where the process cannot be seen from here, as from within a container.
    """

    first: float
    last: float
    memory: int | None
    session: int | None
    name: str | None


class Foreign:
    """Keeps what computes on a GPU, and tells whose it is."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._before: set[int] | None = None
        self._used: dict[int, float] = {}
        self._why: str | None = None
        self.used_since = 0
        self.worker: int | None = None

    def note(self, now: float, processes: Measured[Any]) -> None:
        """Notes who computes now.  The first time is before the worker starts."""
        if processes.value is None:
            self._why = processes.why
            return
        for each in processes.value:
            if 0 < each.pid <= _HIGHEST_PID:
                self._note(each.pid, each.usedGpuMemory, now)
        if self._before is None:
            self._before = set(self._seen)

    def note_use(self, samples: Measured[Any]) -> None:
        """Notes how much of the GPU each process used, from NVML's samples since the last ones."""
        for sample in samples.value or ():
            self.used_since = max(self.used_since, sample.timeStamp)
            share = sample.smUtil / 100
            if share <= 1:  # NVML marks what it does not know by a number of only ones
                self._used[sample.pid] = max(self._used.get(sample.pid, 0.0), share)

    def within(self, begun: float, ended: float) -> Measured[tuple[GpuProcess, ...]]:
        """Everybody else who computed within a window."""
        if self._before is None:
            return unknown(self._why or "NVML was not asked")
        others = self.others()
        return known(
            tuple(
                GpuProcess(pid, seen.name, seen.memory, self._busy(pid))
                for pid, seen in sorted(self._seen.items())
                if pid in others and seen.first <= ended and seen.last >= begun
            )
        )

    def _note(self, pid: int, memory: int | None, now: float) -> None:
        if pid not in self._seen:
            self._seen[pid] = _Seen(now, now, memory, _session(pid), _name(pid))
        seen = self._seen[pid]
        seen.last = now
        if memory is not None:
            seen.memory = max(seen.memory or 0, memory)

    def others(self) -> set[int]:
        """All that were seen but this process, the worker, and what may be the worker.

        In a container NVML may give the host's process ids, which mean nothing here.  Then one
        that came with the worker stands for it.
        """
        workers = self._workers()
        others = set(self._seen) - workers - {os.getpid()}
        if workers or self.worker is None:
            return others
        came_with_it = {
            pid for pid in others - (self._before or set()) if self._seen[pid].session is None
        }
        if came_with_it:
            others.discard(max(came_with_it, key=lambda pid: self._seen[pid].memory or 0))
        return others

    def _workers(self) -> set[int]:
        if self.worker is None:
            return set()
        return {pid for pid, seen in self._seen.items() if seen.session == self.worker}

    def _busy(self, pid: int) -> float | None:
        """What a process used; nothing only where these ids are known to be those of the list.

        Within a container they may be the host's while the list has the container's.
        """
        if pid in self._used:
            return self._used[pid]
        return 0.0 if self._workers() & set(self._used) else None


def _session(pid: int) -> int | None:
    """The session of a process; each worker has its own.  None where it cannot be seen."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _name(pid: int) -> str | None:
    import psutil

    try:
        return psutil.Process(pid).name()
    except (psutil.Error, OSError):  # it has ended, or /proc shows processes alone
        return None


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
