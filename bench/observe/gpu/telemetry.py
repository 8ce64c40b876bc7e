"""What a GPU did while it was trained on: NVML, read in the parent beside the child's epochs.

    with Telemetry(device, nvml, idle=idle_power(device, nvml)) as telemetry:
        with Training(...) as training:
            telemetry.worker = training.pid
            epochs = list(training.epochs())
    telemetry.result(epochs)

One daemon thread reads a little ten times a second; its times are on the clock that the child's
epochs are on.  Nothing here raises: what cannot be had is a value with its reason, and a GPU that
is lost is an event, after which nothing is read any more.
"""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from types import TracebackType
from typing import Any

from bench.observe.devices import Device
from bench.observe.gpu.device import Gpu, GpuLostError
from bench.observe.gpu.idle import idle_power
from bench.observe.gpu.nvml import ended, started, uuids
from bench.observe.gpu.sampler import Readings, Sampler
from bench.observe.gpu.together import together
from bench.observe.gpu.window import Window, described, energy_on_the_clock
from bench.observe.measured import Measured, both, kept, unknown
from bench.record.timing import EpochTiming

__all__ = ["INTERVAL", "Lost", "Telemetry", "idle_power"]

# Between two ticks, in s.  The energy counter moves every 20 to 100 ms and a power reading is a
# mean over a second: more often would tell nothing more, and would cost the driver time.
INTERVAL = 0.1
# How long a call to NVML may keep the thread after the training, in s: a GPU that falls off the
# bus can hold one for minutes.
_PATIENCE = 5.0

_NOT_MEASURED = unknown("it was not measured before the training")


@dataclass(frozen=True, slots=True)
class Lost:
    """When a GPU was lost (CLOCK_MONOTONIC, in s), and NVML's word for it."""

    at: float
    why: str

    def kept(self, epochs: Sequence[EpochTiming]) -> dict[str, Any]:
        """As the record keeps it: the epoch that it fell into, and how far into it, in s."""
        ended = [epoch for epoch in epochs if epoch.ended <= self.at]
        return {
            "epoch": len(ended) + 1,
            "seconds_into_it": self.at - ended[-1].ended if ended else None,
            "why": self.why,
        }


class Telemetry:
    """Watches the GPU of a training; on the CPU there is nothing to watch.

    A device of several GPUs has their UUIDs with commas between them, as CUDA_VISIBLE_DEVICES
    takes them.  One thread reads them all, and the first that is lost ends it.

    idle: the GPU's power before any worker started, from `idle_power`.
    interval: between two ticks, in s.
    clock: CLOCK_MONOTONIC in s, as the child's epochs are timed by.
    """

    def __init__(
        self,
        device: Device,
        nvml: Any,
        *,
        idle: Measured = _NOT_MEASURED,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._nvml = nvml
        self._idle = idle
        self._interval = interval
        self._clock = clock
        self._uuids = uuids(device)
        self._samplers: list[Sampler] = []
        self._why: str | None = None
        self._lost: Lost | None = None
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

    def __enter__(self) -> Telemetry:
        if not self._uuids:
            return self
        self._begun = self._ended = self._clock()
        self._why = started(self._nvml)
        if self._why is not None:
            return self
        self._guarded(self._open)
        if self._lost is None:
            self._thread = threading.Thread(target=self._watch, name="telemetry", daemon=True)
            self._thread.start()
        else:
            ended(self._nvml)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive() and self._lost is None:
            self._lost = Lost(self._ended, "NVML does not answer any more")

    def tick(self) -> bool:
        """Reads once; False when the GPU is lost."""
        self._guarded(self._tick)
        self._ended = self._clock()
        return self._lost is None

    def result(self, epochs: Sequence[EpochTiming]) -> dict[str, Any] | None:
        """What was read over the steady epochs, as the record keeps it; None on the CPU.

        epochs: all that came to their end, the first one included.
        """
        if not self._uuids:
            return None
        window, readings = Window.of(epochs), self._readings()
        idle = self._idle.then(lambda watts: watts / len(readings))
        each = [described(one, window, idle) for one in readings]
        return kept(
            {
                "interval": self._interval,
                "ticks": readings[0].ticks,
                "watched": self._ended - self._begun,
                "cpu_seconds": self._cpu_seconds,
                "steady_seconds": window.seconds if window else None,
                "lost": self._lost.kept(epochs) if self._lost else None,
                **(each[0] if len(each) == 1 else together(each)),
            }
        )

    def energy_on_the_clock(self, epochs: Sequence[EpochTiming]) -> Measured:
        """J of these epochs alone, without what lay between them, such as an evaluation."""
        joules = [energy_on_the_clock(readings, epochs) for readings in self._readings()]
        return reduce(partial(both, join=operator.add), joules)

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
        ended(self._nvml)
        self._cpu_seconds = time.thread_time()

    def _guarded(self, read: Callable[[float], None]) -> None:
        now = self._clock()
        try:
            read(now)
        except GpuLostError as error:
            self._lost = Lost(now, str(error))
            self._why = f"the GPU is lost: {error}"
