"""What the readings of a GPU say about the steady epochs."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Any, TypeVar

from msgspec.structs import replace

from bench.observe.gpu import REASON_BITS
from bench.observe.sampler import Readings, Series
from bench.record.measured import Measured, Part, both, known, unknown, unmeasured
from bench.record.telemetry import (
    ByEpoch,
    Clocks,
    Ecc,
    Energy,
    GpuProcess,
    Memory,
    Pcie,
    Power,
    Reasons,
    RemappedRows,
    Telemetry,
    Throttled,
)
from bench.record.timing import EpochTiming

T = TypeVar("T")

# The counter moves every 10 to 100 ms, and the sensor of an A100 or H100 sees a quarter of the
# time (arXiv 2312.02741): over 2 s that comes to at most 5 % at the two ends together.
SHORTEST_FOR_ENERGY = 2.0

# A reading of utilization is of the last 1/6 to 1 s, and one of power the mean of the last second
# on most GPUs since Ampere (NVML's reference: nvmlUtilization_t, nvmlDeviceGetPowerUsage).
READING_COVERS = 1.0
# One of each comes round every half second (sampler.py): so long, and one tells of them alone.
_LEAST_IN_A_ROW = READING_COVERS + 0.5
_IN_A_ROW = 0.1  # s; `fit` pauses no longer between two epochs

_Look = Callable[[Series, float, float], Measured[T]]

COUNTER, INTEGRATED = "counter", "integrated from power samples"


@dataclass(frozen=True, slots=True)
class Window:
    """The steady epochs: from the beginning of the second to the end of the last.

    epochs: begin and end of each; `fit` may pause between them.
    """

    epochs: tuple[tuple[float, float], ...]

    @property
    def begun(self) -> float:
        """CLOCK_MONOTONIC, in s."""
        return self.epochs[0][0]

    @property
    def ended(self) -> float:
        """CLOCK_MONOTONIC, in s."""
        return self.epochs[-1][1]

    @property
    def seconds(self) -> float:
        """How long they took together, with what lay between them, in s."""
        return self.ended - self.begun

    @property
    def stretches(self) -> tuple[tuple[float, float], ...]:
        """Begin and end of all epochs that follow each other without a pause."""
        joined = [self.epochs[0]]
        for begun, ended in self.epochs[1:]:
            if begun - joined[-1][1] <= _IN_A_ROW:
                joined[-1] = (joined[-1][0], ended)
            else:
                joined.append((begun, ended))
        return tuple(joined)

    def too_short(self, what: str) -> str | None:
        """Why what NVML averages is not known of these epochs: each reading reaches out of them."""
        longest = max(ended - begun for begun, ended in self.stretches)
        if longest >= _LEAST_IN_A_ROW:
            return None
        return f"the epochs took {longest:.1f} s in a row, and a reading of {what} covers 1 s"

    @classmethod
    def of(cls, epochs: Sequence[EpochTiming]) -> Window | None:
        """The window of a training; None before its second epoch has ended."""
        if len(epochs) < 2:
            return None
        return cls(tuple((epoch.begun, epoch.ended) for epoch in epochs[1:]))


@dataclass(frozen=True, slots=True)
class Watched:
    """How a GPU was watched: the same of all that train together."""

    interval: float
    seconds: float
    cpu_seconds: float


def telemetry(
    readings: Readings, window: Window | None, idle: Measured[float], watched: Watched
) -> Telemetry:
    """All that was read, over the window.

    idle: the GPU's power before any worker started, in W.
    """
    over, fixed = _Over(readings, window), readings.fixed
    return Telemetry(
        interval=watched.interval,
        ticks=readings.ticks,
        watched=watched.seconds,
        cpu_seconds=watched.cpu_seconds,
        steady_seconds=window.seconds if window else None,
        lost=None,
        energy=_energy(over, idle),
        power=_power(over, fixed, idle),
        clocks=_clocks(over, fixed),
        temperature=over(Series.highest, readings.temperature),
        busy=_busy(over),
        memory=Memory(
            # TensorFlow gives nothing back while it trains, so that no peak lies between readings.
            peak=over(Series.highest, readings.memory).then(int),
            before=readings.memory.first().then(int),
            total=_fixed(fixed, "memory_total"),
        ),
        throttled=Throttled(
            **{reason: over(Series.increase, s) for reason, s in readings.throttled.items()}
        ),
        reasons=_reasons(over),
        pcie=Pcie(
            # At its highest: an idle moment lowers the link.
            generation=over(Series.highest, readings.pcie_generation).then(int),
            width=over(Series.highest, readings.pcie_width).then(int),
            generation_limit=_fixed(fixed, "pcie_generation_limit"),
            width_limit=_fixed(fixed, "pcie_width_limit"),
        ),
        ecc=Ecc(
            corrected=_grown(readings.corrected),
            uncorrected=_grown(readings.uncorrected),
            remapped_rows=_fixed(fixed, "remapped_rows"),
        ),
        processes=_processes(readings, window),
        by_epoch=_by_epoch(readings, window),
    )


@dataclass(frozen=True, slots=True)
class _Over:
    """The readings over the window; without a window every value has that for its reason."""

    readings: Readings
    window: Window | None

    def __call__(self, what: _Look[T], series: Series) -> Measured[T]:
        if self.window is None:
            return unknown(_NO_WINDOW)
        return what(series, self.window.begun, self.window.ended)


_NO_WINDOW = "no steady epoch came to its end"


def energy_on_the_clock(readings: Readings, epochs: Sequence[EpochTiming]) -> Measured[float]:
    """J of these epochs alone, without what lay between them, such as an evaluation."""
    return _energy_within(readings, [(epoch.begun, epoch.ended) for epoch in epochs])[0]


def _by_epoch(readings: Readings, window: Window | None) -> ByEpoch | None:
    if window is None:
        return None

    def means(series: Series) -> tuple[float | None, ...]:
        return tuple(series.mean(begun, ended).value for begun, ended in window.epochs)

    return ByEpoch(means(readings.sm_clock), means(readings.power), means(readings.temperature))


def _energy(over: _Over, idle: Measured[float]) -> Energy:
    window = over.window
    if window is None:
        return unmeasured(Energy, _NO_WINDOW)
    gross, source = _energy_within(over.readings, [(window.begun, window.ended)])
    net = both(gross, idle, lambda joules, watts: joules - watts * window.seconds)
    return Energy(
        gross=gross,
        net=net,
        gross_per_epoch=gross.then(lambda joules: joules / len(window.epochs)),
        net_per_epoch=net.then(lambda joules: joules / len(window.epochs)),
        source=source,
    )


def _energy_within(
    readings: Readings, spans: Sequence[tuple[float, float]]
) -> tuple[Measured[float], Measured[str]]:
    """The energy of spans of time together, and how it was measured.

    GPUs before Volta have no counter.  Their power readings are fresh, not means over a second,
    so that the area below them is the energy to within a few per cent; it says what it is.
    """
    seconds = sum(ended - begun for begun, ended in spans)
    if seconds < SHORTEST_FOR_ENERGY:
        short = (
            f"the epochs took {seconds:.1f} s together, and energy takes {SHORTEST_FOR_ENERGY:g} s"
        )
        return unknown(short), unknown(short)
    counter = readings.energy.first()
    if counter.why is None:
        joules, source = _sum(Series.increase, readings.energy, spans), COUNTER
        if joules.value == 0:
            joules = unknown("the energy counter stood still")
    else:
        joules, source = _sum(Series.integral, readings.power, spans), INTEGRATED
        if joules.why is not None:
            joules = counter
    return joules, joules.then(lambda _: source)


def _sum(
    what: _Look[float], series: Series, spans: Sequence[tuple[float, float]]
) -> Measured[float]:
    parts = [what(series, begun, ended) for begun, ended in spans]
    return reduce(partial(both, join=operator.add), parts)


def _power(over: _Over, fixed: dict[str, Measured[Any]], idle: Measured[float]) -> Power:
    limit, default = over(Series.lowest, over.readings.limit), _fixed(fixed, "default_power_limit")
    why = over.window.too_short("power") if over.window else None
    return Power(
        mean=unknown(why) if why else over(Series.mean, over.readings.power),
        max=unknown(why) if why else over(Series.highest, over.readings.power),
        idle=idle,
        limit=limit,
        default_limit=default,
        limit_share=both(limit, default, lambda now, made: now / made if made else 1.0),
    )


def _clocks(over: _Over, fixed: dict[str, Measured[Any]]) -> Clocks:
    return Clocks(
        sm=over(Series.mean, over.readings.sm_clock),
        sm_min=over(Series.lowest, over.readings.sm_clock),
        sm_limit=_fixed(fixed, "sm_clock_limit"),
        memory=over(Series.mean, over.readings.memory_clock),
        memory_limit=_fixed(fixed, "memory_clock_limit"),
    )


def _busy(over: _Over) -> Measured[float]:
    """Of the epochs alone: what lies between them is no want of work in them."""
    if over.window is None:
        return unknown(_NO_WINDOW)
    if (why := over.window.too_short("utilization")) is not None:
        return unknown(why)
    series = over.readings.busy
    spans = [(begun + READING_COVERS, ended) for begun, ended in over.window.stretches]
    found = [reading for span in spans if span[0] < span[1] for reading in series.readings(*span)]
    return known(statistics.mean(found)) if found else over(Series.mean, series)


def _reasons(over: _Over) -> Reasons:
    """The share of the readings in which each reason held the clocks down."""
    found = over(_bits, over.readings.reasons)
    return Reasons(
        **{name: found.then(partial(_share_with, bit)) for name, bit in REASON_BITS.items()}
    )


def _bits(series: Series, begun: float, ended: float) -> Measured[list[int]]:
    read = [int(bits) for bits in series.readings(begun, ended)]
    return known(read) if read else unknown(series.mean(begun, ended).why)


def _share_with(bit: int, read: Sequence[int]) -> float:
    return sum(1 for bits in read if bits & bit) / len(read)


def _processes(readings: Readings, window: Window | None) -> Measured[tuple[GpuProcess, ...]]:
    if window is None:
        return unknown(_NO_WINDOW)
    return readings.foreign.within(window.begun, window.ended)


def _grown(series: Series) -> Measured[int]:
    """How many were added between the first reading and the last, the whole training over."""
    return both(series.first(), series.last(), lambda first, last: int(last - first))


def _fixed(fixed: dict[str, Measured[Any]], name: str) -> Measured[Any]:
    return fixed.get(name, unknown("NVML was not asked"))


P = TypeVar("P", bound=Part)


def together(parts: Sequence[P]) -> P:
    """One part out of one a GPU; what is no value is the first one's.

    Energy, power and memory are added up.  Clocks, limits and links are the lowest, temperature
    and throttling the highest: the slowest GPU is the one that the others wait for.  What one of
    them does not tell is not told of all.
    """
    rule = _RULES_OF_PARTS.get(type(parts[0]))
    joined = {
        name: _joined([getattr(part, name) for part in parts], rule or _RULES.get(name, sum))
        for name in parts[0].__struct_fields__
    }
    return replace(parts[0], **joined)


def _joined(members: Sequence[Any], rule: Callable[[list[Any]], Any]) -> Any:
    if isinstance(members[0], Measured):
        return _value(members, rule)
    return together(members) if isinstance(members[0], Part) else members[0]


def _value(values: Sequence[Measured[Any]], rule: Callable[[list[Any]], Any]) -> Measured[Any]:
    for value in values:
        if value.value is None:
            return value
    return known(rule([value.value for value in values]))


def _rows(values: list[RemappedRows]) -> RemappedRows:
    return RemappedRows(
        corrected=sum(rows.corrected for rows in values),
        uncorrected=sum(rows.uncorrected for rows in values),
        pending=any(rows.pending for rows in values),
        failed=any(rows.failed for rows in values),
    )


_RULES_OF_PARTS: dict[type, Callable[[list[Any]], Any]] = {
    Clocks: min,
    Pcie: min,
    Throttled: max,
    Reasons: max,
}
_RULES: dict[str, Callable[[list[Any]], Any]] = {
    "source": lambda values: ", ".join(dict.fromkeys(values)),
    "limit": min,
    "default_limit": min,
    "limit_share": min,
    "temperature": max,
    "busy": statistics.fmean,
    "remapped_rows": _rows,
    "processes": lambda values: tuple(chain.from_iterable(values)),
}
