"""One device's share of a training: its worker, the epochs that ended, and what was seen of it."""

from __future__ import annotations

from bench.observe.gpu.telemetry import GpuMonitor
from bench.observe.host.conditions import HostMonitor
from bench.record.conditions import Conditions
from bench.record.head import Device
from bench.record.telemetry import Telemetry
from bench.record.timing import EpochTiming
from bench.runner.supervisor import Outcome, WorkerProcess


class DeviceRun:
    """What goes on, or went on, on one device.

    worker, outcome: None before the worker has started, and before it has reported.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.host = HostMonitor()
        self.gpu: GpuMonitor | None = None
        self.worker: WorkerProcess | None = None
        self.epochs: list[EpochTiming] = []
        self.outcome: Outcome | None = None

    @property
    def conditions(self) -> Conditions:
        """What the machine did over the steady epochs."""
        return self.host.result(self.epochs)

    @property
    def telemetry(self) -> Telemetry | None:
        """What the GPU did over them; None on the CPU."""
        return self.gpu.result(self.epochs) if self.gpu else None
