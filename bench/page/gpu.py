"""What a GPU did while it trained: in a table, and epoch by epoch under the times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.page import plots
from bench.page.plots import Line, Plot
from bench.record.measured import Measured
from bench.record.model import Finished, Training
from bench.record.telemetry import Telemetry
from bench.report import format as shown

# Of each: its member in the record, what it is called, its unit.
_STRIPS = (
    ("sm_clock", "SM clock", "MHz"),
    ("power", "power", "W"),
    ("temperature", "temperature", "°C"),
)
# How much of the highest value a strip shows at least: a tenth of a watt more is no hill.
_ROOM = 0.15


def strips(own: Sequence[Finished], label: Callable[[Training], str]) -> Iterator[Plot]:
    """Clock, power and temperature of the GPUs.  label: what a training is called in a legend."""
    for member, what, unit in _STRIPS:
        series = [
            Line(label(each), (None, *getattr(each.telemetry.by_epoch, member)), colour=colour)
            for colour, each in enumerate(own, start=1)
            if each.telemetry and each.telemetry.by_epoch
        ]
        series = [each for each in series if any(value is not None for value in each.values)]
        if not series:
            continue
        known = [value for each in series for value in each.values if value is not None]
        ends = shown.one_or_range(f"{min(known):.4g}", f"{max(known):.4g}")
        sentence = f"Mean of each steady epoch: {ends} {unit}."
        title = f"{own[0].workload}: {what} of the GPU"
        least = min(*known, max(known) * (1 - _ROOM))
        yield plots.lines(title, sentence, unit, series, strip=True, from_zero=False, least=least)


def figures(
    own: Sequence[Finished], label: Callable[[Training], str]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What it did over the steady epochs beside what it can: headings, and a row a training.

    A heading is there where a training has something below it.
    """
    every = [(label(each), dict(_told(each.telemetry))) for each in own if each.telemetry]
    headings = [name for name in _FIGURES if any(name in told for _, told in every)]
    cells = ((name, *(told.get(each, "") for each in headings)) for name, told in every if told)
    return ("Training", *headings), tuple(cells)


_CLOCK, _POWER, _IDLE, _HEAT = "SM clock", "Power", "Power before", "Highest temperature"
_MEMORY, _LINK, _HELD = "Memory", "PCIe", "Held down by"
_FIGURES = (_CLOCK, _POWER, _IDLE, _HEAT, _MEMORY, _LINK, _HELD)


def _told(seen: Telemetry) -> Iterator[tuple[str, str]]:
    memory, pcie = seen.memory, seen.pcie
    yield from _of(_CLOCK, "MHz", seen.clocks.sm, seen.clocks.sm_limit)
    yield from _of(_POWER, "W", seen.power.mean, seen.power.limit)
    if seen.power.idle.value is not None:
        yield _IDLE, f"{seen.power.idle.value:.0f} W"
    if seen.temperature.value is not None:
        yield _HEAT, f"{seen.temperature.value:.0f} °C"
    if memory.peak.value is not None and memory.total.value:
        peak, total = (shown.megabytes(each) for each in (memory.peak.value, memory.total.value))
        yield _MEMORY, f"{peak} of {total}"
    if pcie.generation.value and pcie.width.value:
        yield _LINK, f"{pcie.generation.value} ×{pcie.width.value}"
    held = [
        f"{why} for {shown.seconds(seconds.value)}"
        for why, seconds in (
            ("power limit", seen.throttled.power),
            ("heat", seen.throttled.thermal),
            ("power supply", seen.throttled.power_brake),
        )
        if seconds.value
    ]
    if held:
        yield _HELD, ", ".join(held)


def _of(
    name: str, unit: str, now: Measured[float], most: Measured[float]
) -> Iterator[tuple[str, str]]:
    """A mean, and the most that it could be."""
    if now.value is not None:
        limit = f" of {most.value:,.0f}" if most.value is not None else ""
        yield name, f"{now.value:,.0f}{limit} {unit}"
