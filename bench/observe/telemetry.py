"""What a GPU did while it was trained on: NVML, read in the parent beside the child's epochs.

    with GpuMonitor(device, nvml, idle=idle_power(device, nvml)) as monitor:
        with WorkerProcess(...) as worker:
            monitor.worker = worker.pid
            epochs = list(worker.epochs())
    monitor.result(epochs)

One daemon thread reads a little ten times a second; its times are on the clock that the child's
epochs are on.  Nothing here raises: what cannot be measured is a value with its reason, and a GPU
that is lost is an event, after which nothing is read any more.
"""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

from msgspec.structs import replace

from bench.observe.devices import end_nvml, start_nvml
from bench.observe.gpu import Gpu, GpuLostError
from bench.observe.sampler import Readings, Sampler
from bench.observe.window import Watched, Window, energy_on_the_clock, telemetry, together
from bench.record.head import Device
from bench.record.measured import Measured, both, known, unknown
from bench.record.telemetry import Lost, Telemetry
from bench.record.timing import EpochTiming

# How long the idle GPU is looked at, in s: a power reading is a mean over the last second, and the
# first of three may still hold what ran before.
IDLE_SECONDS = 3.0
_IDLE_INTERVAL = 0.1


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
    if (why := start_nvml(nvml)) is not None:
        return unknown(why)
    try:
        gpus = [Gpu(nvml, uuid) for uuid in device.uuids]
        return reduce(partial(both, join=operator.add), _idle(gpus, wait, clock))
    except GpuLostError as error:
        return unknown(str(error))
    finally:
        end_nvml(nvml)


def _idle(
    gpus: Sequence[Gpu], wait: Callable[[float], None], clock: Callable[[], float]
) -> list[Measured[float]]:
    begun, first = clock(), [gpu.energy() for gpu in gpus]
    powers: list[list[Measured[float]]] = []
    for _ in range(round(IDLE_SECONDS / _IDLE_INTERVAL)):
        wait(_IDLE_INTERVAL)
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


# Between two ticks, in s.  The energy counter moves every 20 to 100 ms and a power reading is a
# mean over a second: more often would tell nothing more, and would cost the driver time.
INTERVAL = 0.1
# How long a call to NVML may keep the thread after the training, in s: a GPU that falls off the
# bus can hold one for minutes.
_PATIENCE = 5.0

_NOT_MEASURED: Measured[float] = unknown("it was not measured before the training")


class GpuMonitor:
    """Watches the GPU of a training; on the CPU there is nothing to watch.

    One thread reads all GPUs of a device, and the first that is lost ends it.

    idle: the GPU's power before any worker started, from `idle_power`.
    interval: between two ticks, in s.
    clock: CLOCK_MONOTONIC in s, as the child's epochs are timed by.
    """

    def __init__(
        self,
        device: Device,
        nvml: Any,
        *,
        idle: Measured[float] = _NOT_MEASURED,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._nvml = nvml
        self._idle = idle
        self._interval = interval
        self._clock = clock
        self._uuids = device.uuids
        self._samplers: list[Sampler] = []
        self._why: str | None = None
        self._lost: tuple[float, str] | None = None  # when (CLOCK_MONOTONIC, in s), and why
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun = self._ended = 0.0
        self._cpu_seconds = 0.0

    @property
    def worker(self) -> int | None:
        """The worker's process id, once it is known: what else computes there is foreign."""
        return self._samplers[0].readings.foreign.worker if self._samplers else None

    @worker.setter
    def worker(self, pid: int) -> None:
        for sampler in self._samplers:
            sampler.readings.foreign.worker = pid

    def __enter__(self) -> GpuMonitor:
        if not self._uuids:
            return self
        self._begun = self._ended = self._clock()
        self._why = start_nvml(self._nvml)
        if self._why is not None:
            return self
        self._guarded(self._open)
        if self._lost is None:
            self._thread = threading.Thread(target=self._watch, name="telemetry", daemon=True)
            self._thread.start()
        else:
            end_nvml(self._nvml)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive() and self._lost is None:
            self._lost = self._ended, "NVML does not answer any more"

    def tick(self) -> bool:
        """Reads once; False when the GPU is lost."""
        self._guarded(self._tick)
        self._ended = self._clock()
        return self._lost is None

    def result(self, epochs: Sequence[EpochTiming]) -> Telemetry | None:
        """What was read over the steady epochs; None on the CPU.

        epochs: all that came to their end, the first one included.
        """
        if not self._uuids:
            return None
        window, readings = Window.of(epochs), self._readings()
        idle = self._idle.then(lambda watts: watts / len(readings))
        watched = Watched(self._interval, self._ended - self._begun, self._cpu_seconds)
        each = [telemetry(one, window, idle, watched) for one in readings]
        return replace(together(each), lost=self._loss(epochs))

    def energy_on_the_clock(self, epochs: Sequence[EpochTiming]) -> Measured[float]:
        """J of these epochs alone, without what lay between them, such as an evaluation."""
        joules = [energy_on_the_clock(readings, epochs) for readings in self._readings()]
        return reduce(partial(both, join=operator.add), joules)

    def _loss(self, epochs: Sequence[EpochTiming]) -> Lost | None:
        """The epoch that a GPU was lost in, and how far into it."""
        if self._lost is None:
            return None
        at, why = self._lost
        ended = [epoch for epoch in epochs if epoch.ended <= at]
        return Lost(len(ended) + 1, at - ended[-1].ended if ended else None, why)

    def _readings(self) -> list[Readings]:
        if self._samplers:
            return [sampler.readings for sampler in self._samplers]
        return [Readings.none(self._why or "the GPU was not watched")]

    def _open(self, now: float) -> None:
        samplers = [Sampler(Gpu(self._nvml, uuid)) for uuid in self._uuids]
        for sampler in samplers:
            sampler.all(now)
        self._samplers = samplers

    def _tick(self, now: float) -> None:
        for sampler in self._samplers:
            sampler.tick(now)

    def _close(self, now: float) -> None:
        for sampler in self._samplers:
            sampler.all(now)

    def _watch(self) -> None:
        while not self._stop.wait(self._interval) and self.tick():
            self._cpu_seconds = time.thread_time()
        if self._lost is None:
            self._guarded(self._close)
            self._ended = self._clock()
        end_nvml(self._nvml)
        self._cpu_seconds = time.thread_time()

    def _guarded(self, read: Callable[[float], None]) -> None:
        now = self._clock()
        try:
            read(now)
        except GpuLostError as error:
            self._lost = now, str(error)
            self._why = f"the GPU is lost: {error}"
