"""What is trained: a workload on a device in a mode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UnableError
from bench.record.head import Device
from bench.record.variant import AS_PUBLISHED, Variant, Way
from bench.worker.messages import OwnFile
from bench.workloads import grind, mnist
from bench.workloads.design import OF_ANY, UNCHANGED, Design
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import ERRORS, Mode, Schedule, Workload

if TYPE_CHECKING:
    from bench.options import Settings


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; its repeats are trained each in a process of its own."""

    workload: Workload | OwnWorkload
    device: Device
    mode: Mode = "stock"
    variant: Variant = AS_PUBLISHED

    @property
    def way(self) -> Way:
        """How it is trained, without what is the network's default."""
        return Way(self.mode, self.variant.without_defaults(self.workload.batch))

    @property
    def varied(self) -> Variant | None:
        """What differs from the published training, or None."""
        variant = self.way.variant
        return None if variant == AS_PUBLISHED else variant

    @property
    def batch(self) -> int | None:
        """Images a step, where that is not the workload's own."""
        variant = self.way.variant
        if variant.scaled and variant.machines:
            return (variant.batch or self.published.batch) * variant.machines
        return variant.batch

    @property
    def published(self) -> Workload:
        """The workload of a row that is Grindstone's: those alone have targets."""
        assert isinstance(self.workload, Workload)
        return self.workload

    @property
    def is_error(self) -> bool | None:
        """Whether less of its quality is better; of a file of one's own the file knows."""
        own = self.workload
        return own.metric in ERRORS if isinstance(own, Workload) else None

    @property
    def own_file(self) -> OwnFile | None:
        """What the worker has to know of a file of one's own."""
        own = self.workload
        if isinstance(own, Workload):
            return None
        metrics = tuple(floor.metric for floor in own.floors)
        return OwnFile(str(own.path), own.sha256, own.batch, own.steps, metrics, str(Path.cwd()))

    @property
    def changes(self) -> Design:
        """The changes to the network and its training."""
        return self.variant.design.changes if self.variant.design else UNCHANGED

    @property
    def designed(self) -> Workload | OwnWorkload:
        """The workload as it is trained.

        Raises:
            UnableError: it has no such part to change.
        """
        if self.changes == UNCHANGED:
            return self.workload
        if isinstance(self.workload, OwnWorkload):
            if others := [name for name in self.changes.changed if name not in OF_ANY]:
                raise UnableError(f"{others[0]} is the file's to change, and not a --design's")
            return self.workload
        try:
            return self.workload.changed_by(self.changes)
        except ValueError as error:
            raise UnableError(str(error)) from error

    def schedule(self, asked: Schedule) -> Schedule:
        """How much is trained.  asked: by the run's profile and options."""
        return asked.changed_by(self.changes)

    @property
    def title(self) -> str:
        """What a person calls it: `mlp on cpu`, `mlp on gpu:0, tuned`."""
        return title(self.workload.name, self.device, self.way)


def title(workload: str, device: Device, way: Way) -> str:
    """What a person calls the training of a workload on a device."""
    return f"{workload} on {device.id}{way.suffix}"


def rows(settings: Settings) -> list[Row]:
    """Every row that `pytest bench/` trains, in its order; trainings to a target are no rows."""
    if settings.workloads:
        return _of(settings.workloads, settings)
    every = [device for device in settings.devices if device.group != "gpus"]
    return [
        *_of(grind.WORKLOADS, settings),
        *(
            Row(workload, device)  # images are read by one device's worker
            for workload in grind.FROM_FILES
            if workload.input in settings.inputs
            for device in every
        ),
        *_of(mnist.WORKLOADS, settings),
        *_of(settings.on_request, settings),
    ]


def _of(workloads: Iterable[Workload | OwnWorkload], settings: Settings) -> list[Row]:
    return [
        Row(workload, device, *way)
        for workload in workloads
        for device in settings.devices
        for way in settings.ways_on(device)
    ]
