"""A training as far as it has come: what the record keeps of it, finished or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.datasets.prepared import Prepared
from bench.observe.devices import Device
from bench.observe.gpu.telemetry import GpuMonitor
from bench.observe.host.conditions import HostMonitor
from bench.record import bridge
from bench.record.repeats import ALONE, Process
from bench.record.timing import EpochTiming
from bench.runner.run import failed_entry
from bench.runner.supervisor import title
from bench.workloads.workload import Mode, Workload


@dataclass(slots=True)
class Place:
    """One worker's device, the epochs that ended on it, and what was seen of it meanwhile."""

    device: Device
    timings: list[EpochTiming] = field(default_factory=list)
    conditions: HostMonitor = field(default_factory=HostMonitor)
    telemetry: GpuMonitor | None = None

    def seen(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What the machine and its GPU did meanwhile."""
        telemetry = self.telemetry.result(self.timings) if self.telemetry else None
        seen = bridge.conditions(self.conditions.result(self.timings))
        return seen, bridge.telemetry(telemetry)


@dataclass(slots=True)
class Attempt:
    """A training of a workload on a device; on several places at once where that stands for them.

    prepared: None until the data are there.
    """

    workload: Workload
    device: Device
    mode: Mode = "stock"
    process: Process = ALONE
    prepared: Prepared | None = None
    to_target: bool = False
    places: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.places = [Place(device) for device in self.device.apart]

    @property
    def title(self) -> str:
        """What a person calls it."""
        to_target = ", to target" if self.to_target else ""
        return title(self.workload, self.device, self.mode) + to_target

    def looked_at(
        self, epochs: Iterator[EpochTiming], count: int, pids: Sequence[int]
    ) -> Iterator[EpochTiming]:
        """The first place's epochs as they come, the machine being looked at meanwhile.

        Where several train they do so at the same time, so that one window serves them all; what
        the others use is then not other programs' load.
        """
        for place, pid in zip(self.places, pids, strict=True):
            others = [other for other in pids if other != pid]
            epochs = place.conditions.over(epochs, count, pid, *others)
        return epochs

    def failed(self, reason: str) -> dict[str, Any]:
        """The entry of it that the record keeps: of several GPUs, with what the lost one did."""
        seen = [place.seen() for place in self.places]
        conditions, telemetry = next((each for each in seen if _lost(each[1])), seen[0])
        return failed_entry(
            self.workload,
            self.device,
            self.prepared,
            reason,
            conditions,
            telemetry,
            self.mode,
            self.process,
        )


def _lost(telemetry: dict[str, Any] | None) -> bool:
    return telemetry is not None and telemetry["lost"] is not None
