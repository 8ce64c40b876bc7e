"""What a GPU draws with nothing of ours on it, so that a training's energy can be net of it."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

from bench.observe.gpu.device import Gpu, GpuLostError
from bench.observe.gpu.nvml import ended, started
from bench.record.head import Device
from bench.record.measured import Measured, both, known, unknown

# How long the idle GPU is looked at, in s: a power reading is a mean over the last second, and the
# first of three may still hold what ran before.
IDLE_SECONDS = 3.0
_INTERVAL = 0.1


def idle_power(
    device: Device,
    nvml: Any,
    *,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured[float]:
    """The power in W of a device's idle GPUs together: ask before the first worker starts.

    From the energy counter over `IDLE_SECONDS`, else the mean of the later power readings.
    """
    if not device.uuids:
        return unknown("this is no GPU")
    if (why := started(nvml)) is not None:
        return unknown(why)
    try:
        gpus = [Gpu(nvml, uuid) for uuid in device.uuids]
        return reduce(partial(both, join=operator.add), _idle(gpus, wait, clock))
    except GpuLostError as error:
        return unknown(str(error))
    finally:
        ended(nvml)


def _idle(
    gpus: Sequence[Gpu], wait: Callable[[float], None], clock: Callable[[], float]
) -> list[Measured[float]]:
    begun, first = clock(), [gpu.energy() for gpu in gpus]
    powers: list[list[Measured[float]]] = []
    for _ in range(round(IDLE_SECONDS / _INTERVAL)):
        wait(_INTERVAL)
        powers.append([gpu.power() for gpu in gpus])
    seconds, last = clock() - begun, [gpu.energy() for gpu in gpus]
    later = list(zip(*powers[len(powers) // 2 :], strict=True))
    return [
        _counted(*counter, seconds) or _mean(readings)
        for counter, readings in zip(zip(first, last, strict=True), later, strict=True)
    ]


def _counted(
    first: Measured[float], last: Measured[float], seconds: float
) -> Measured[float] | None:
    joules = both(first, last, lambda before, after: after - before)
    return joules.then(lambda grown: grown / seconds) if joules.value else None


def _mean(readings: Sequence[Measured[float]]) -> Measured[float]:
    read = [reading.value for reading in readings if reading.value is not None]
    return known(sum(read) / len(read)) if read else readings[-1]
