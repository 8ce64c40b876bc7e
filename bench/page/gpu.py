"""What a GPU did while it trained: in a sentence, and epoch by epoch under the times."""

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


def strips(own: Sequence[Finished], place: Callable[[Training], str]) -> Iterator[Plot]:
    """Clock, power and temperature of the GPUs.  place: what a training is called in a legend."""
    for member, what, unit in _STRIPS:
        series = [
            Line(place(each), (None, *getattr(each.telemetry.by_epoch, member)), colour=colour)
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


def sentences(own: Sequence[Finished], names: shown.Names) -> Iterator[str]:
    """What its telemetry comes to over the steady epochs, beside what the board can."""
    for each in own:
        if each.telemetry and (told := list(_told(each.telemetry))):
            yield f"{names(each)}: the GPU: {', '.join(told)}."


def _told(seen: Telemetry) -> Iterator[str]:
    clocks, power, memory, pcie = seen.clocks, seen.power, seen.memory, seen.pcie
    yield from _of("SM clock {} MHz", clocks.sm, clocks.sm_limit)
    yield from _of("power {} W", power.mean, power.limit)
    if power.idle.value is not None:
        yield f"{power.idle.value:.0f} W before the training"
    if seen.temperature.value is not None:
        yield f"{seen.temperature.value:.0f} °C at most"
    if memory.peak.value is not None and memory.total.value:
        yield f"{shown.megabytes(memory.peak.value)} of {shown.megabytes(memory.total.value)} taken"
    if pcie.generation.value and pcie.width.value:
        yield f"PCIe {pcie.generation.value} ×{pcie.width.value}"
    for why, seconds in (
        ("its power limit", seen.throttled.power),
        ("heat", seen.throttled.thermal),
        ("its power supply", seen.throttled.power_brake),
    ):
        if seconds.value:
            yield f"held down by {why} for {shown.seconds(seconds.value)}"


def _of(told: str, now: Measured[float], most: Measured[float]) -> Iterator[str]:
    """A mean, and the most that it could be."""
    if now.value is not None:
        limit = f" of {most.value:,.0f}" if most.value is not None else ""
        yield told.format(f"{now.value:,.0f}{limit}")
