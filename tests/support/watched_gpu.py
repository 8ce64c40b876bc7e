"""A training on a fake GPU, watched as a real one is."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import cache
from subprocess import PIPE, Popen
from typing import Any

from bench.observe.telemetry import GpuMonitor
from bench.record.measured import known
from bench.record.telemetry import Telemetry
from bench.record.timing import EpochTiming
from tests.unit.fake_nvml import FakeNvml

NEVER = 1e6  # s between two ticks of the thread: tests tick themselves
TICK = 0.1


@cache
def _process(_name: str) -> Popen[bytes]:
    """One in a session of its own, as each worker has; it ends with this process.

    One that is there anyway may be in the session of these tests, as a container's first is.
    """
    process = Popen(["cat"], stdin=PIPE, start_new_session=True)
    atexit.register(process.communicate)
    return process


class WatchedGpu:
    """Trains on a fake GPU for as long as a test says.

    epochs: those that came to their end.
    worker, somebody: the ids of the process that trains and of one that has nothing to do with it.
    """

    def __init__(self, kind: str) -> None:
        self.worker, self.somebody = _process("worker").pid, _process("somebody").pid
        self.nvml = FakeNvml(kind)
        self.epochs: list[EpochTiming] = []
        self.idle = known(40.0)

    def watch(self) -> GpuMonitor:
        return GpuMonitor(
            self.nvml.device,
            self.nvml.module,
            idle=self.idle,
            interval=NEVER,
            clock=self.nvml.clock,
        )

    def train(
        self, monitor: GpuMonitor, *, epochs: int = 5, seconds: float = 2.0, gap: float = 0.0
    ) -> None:
        """Epochs of as many seconds, with a gap behind each."""
        self.nvml.worker = monitor.worker = self.worker
        self.nvml.busy = True
        for number in range(1, epochs + 1):
            begun = self.nvml.now
            self.pass_time(monitor, seconds)
            self.epochs.append(EpochTiming(number, begun, self.nvml.now, 100, 0.5))
            self.pass_time(monitor, gap)

    def pass_time(self, monitor: GpuMonitor, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.nvml.now += TICK
            monitor.tick()

    def result(self, **how: Any) -> Telemetry:
        """The whole of a training, and what was read of it."""
        with self.watch() as monitor:
            self.train(monitor, **how)
        result = seen(monitor, self.epochs)
        assert self.nvml.open == 0, "NVML was left open"
        return result


def seen(monitor: GpuMonitor, epochs: Sequence[EpochTiming] = ()) -> Telemetry:
    """What a monitor read of a GPU."""
    telemetry = monitor.result(epochs)
    assert telemetry is not None
    return telemetry
