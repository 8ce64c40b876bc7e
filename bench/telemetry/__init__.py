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

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bench.devices import Device, shadowed, why_nvml_failed
from bench.measured import Measured, kept, known, unknown
from bench.telemetry.gpu import Gpu, GpuLostError
from bench.telemetry.sampler import Readings, Sampler
from bench.telemetry.window import Window, described, energy_on_the_clock
from bench.timing import EpochTiming

# Between two ticks, in s.  The energy counter moves every 20 to 100 ms and a power reading is a
# mean over a second: more often would tell nothing more, and would cost the driver time.
INTERVAL = 0.1
# How long the idle GPU is looked at, in s: a power reading is a mean over the last second.
IDLE_SECONDS = 3.0
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
        self._device = device
        self._nvml = nvml
        self._idle = idle
        self._interval = interval
        self._clock = clock
        self._sampler: Sampler | None = None
        self._why: str | None = None
        self._lost: Lost | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun = self._ended = 0.0
        self._cpu_seconds = 0.0

    @property
    def worker(self) -> int | None:
        """The worker's process id, once it is known: what else computes there is foreign."""
        return self._sampler.readings.foreign.worker if self._sampler else None

    @worker.setter
    def worker(self, pid: int) -> None:
        if self._sampler is not None:
            self._sampler.readings.foreign.worker = pid

    def __enter__(self) -> Telemetry:
        if self._device.uuid is None:
            return self
        self._begun = self._ended = self._clock()
        self._why = _started(self._nvml)
        if self._why is not None:
            return self
        self._guarded(self._open)
        if self._sampler is not None and self._lost is None:
            self._thread = threading.Thread(target=self._watch, name="telemetry", daemon=True)
            self._thread.start()
        else:
            _ended(self._nvml)
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
        assert self._sampler is not None
        self._guarded(self._sampler.tick)
        self._ended = self._clock()
        return self._lost is None

    def result(self, epochs: Sequence[EpochTiming]) -> dict[str, Any] | None:
        """What was read over the steady epochs, as the record keeps it; None on the CPU.

        epochs: all that came to their end, the first one included.
        """
        if self._device.uuid is None:
            return None
        window, readings = Window.of(epochs), self._readings()
        return kept(
            {
                "interval": self._interval,
                "ticks": readings.ticks,
                "watched": self._ended - self._begun,
                "cpu_seconds": self._cpu_seconds,
                "steady_seconds": window.seconds if window else None,
                "lost": self._lost.kept(epochs) if self._lost else None,
                **described(readings, window, self._idle),
            }
        )

    def energy_on_the_clock(self, epochs: Sequence[EpochTiming]) -> Measured:
        """J of these epochs alone, without what lay between them, such as an evaluation."""
        return energy_on_the_clock(self._readings(), epochs)

    def _readings(self) -> Readings:
        if self._sampler is not None:
            return self._sampler.readings
        return Readings.none(self._why or "the GPU was not watched")

    def _open(self, now: float) -> None:
        assert self._device.uuid is not None
        sampler = Sampler(Gpu(self._nvml, self._device.uuid))
        sampler.all(now)
        self._sampler = sampler

    def _watch(self) -> None:
        while not self._stop.wait(self._interval) and self.tick():
            self._cpu_seconds = time.thread_time()
        if self._lost is None and self._sampler is not None:
            self._guarded(self._sampler.all)
            self._ended = self._clock()
        _ended(self._nvml)
        self._cpu_seconds = time.thread_time()

    def _guarded(self, read: Callable[[float], None]) -> None:
        now = self._clock()
        try:
            read(now)
        except GpuLostError as error:
            self._lost = Lost(now, str(error))
            self._why = f"the GPU is lost: {error}"


def idle_power(
    device: Device,
    nvml: Any,
    *,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """The GPU's power in W while nothing of ours runs on it: ask before the first worker starts.

    From the energy counter over `IDLE_SECONDS`, else the mean of the power readings.
    """
    if device.uuid is None:
        return unknown("this is no GPU")
    with _nvml_up(nvml) as why:
        if why is not None:
            return unknown(why)
        try:
            return _idle(Gpu(nvml, device.uuid), wait, clock)
        except GpuLostError as error:
            return unknown(str(error))


def _idle(gpu: Gpu, wait: Callable[[float], None], clock: Callable[[], float]) -> Measured:
    first, begun, readings = gpu.energy(), clock(), []
    for _ in range(round(IDLE_SECONDS / INTERVAL)):
        wait(INTERVAL)
        readings.append(gpu.power())
    last, ended = gpu.energy(), clock()
    if first.why is None and last.why is None and last.value > first.value:
        return known((last.value - first.value) / (ended - begun))
    recent = [power.value for power in readings[len(readings) // 2 :] if power.why is None]
    return known(sum(recent) / len(recent)) if recent else readings[-1]


@contextlib.contextmanager
def _nvml_up(nvml: Any) -> Iterator[str | None]:
    """NVML started and ended again; yields why it could not be started."""
    why = _started(nvml)
    try:
        yield why
    finally:
        if why is None:
            _ended(nvml)


def _started(nvml: Any) -> str | None:
    """Starts NVML, or says why it cannot be."""
    if nvml is None:
        return "nvidia-ml-py is not here"
    if (what_to_do := shadowed(nvml)) is not None:
        return what_to_do
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return why_nvml_failed(nvml, error)
    return None


def _ended(nvml: Any) -> None:
    with contextlib.suppress(nvml.NVMLError):  # the driver may be gone with the GPU
        nvml.nvmlShutdown()
