"""What is trained: a workload on a device in a mode."""

from __future__ import annotations

from dataclasses import dataclass

from bench.record.head import Device
from bench.workloads.workload import Mode, Workload


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; its repeats are trained each in a process of its own."""

    workload: Workload
    device: Device
    mode: Mode = "stock"

    @property
    def title(self) -> str:
        """What a person calls it: `mlp on cpu`, `mlp on gpu:0, tuned`."""
        return title(self.workload.name, self.device, self.mode)


def title(workload: str, device: Device, mode: Mode) -> str:
    """What a person calls the training of a workload on a device."""
    return f"{workload} on {device.id}" + ("" if mode == "stock" else f", {mode}")
