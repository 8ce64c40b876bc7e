"""The rows together: what is known of GPUs, systems, drivers and stacks."""

from __future__ import annotations

from dataclasses import dataclass

from ..host_facts import Distribution, Gpu, HostFacts
from ..requirements import msgspec
from ..versions import numbers
from .container_rows import ContainerOffer, EngineFloor, Image
from .rows import Cloud, Derivative, DriverOffer, Generation, Repository, Switcher, System
from .stack_rows import Broken, GpuSupport, Stack, WithoutCuda


@dataclass(frozen=True)
class Matrix:
    """All rows.  stacks: the newest first.  generations: the oldest first."""

    stacks: tuple[Stack, ...]
    broken: tuple[Broken, ...]
    without_cuda: tuple[WithoutCuda, ...]
    generations: tuple[Generation, ...]
    systems: tuple[System, ...]
    derivatives: tuple[Derivative, ...]
    switchers: tuple[Switcher, ...]
    clouds: tuple[Cloud, ...]
    drivers: tuple[DriverOffer, ...]
    repositories: tuple[Repository, ...]
    containers: tuple[ContainerOffer, ...]
    engines: tuple[EngineFloor, ...]
    images: tuple[Image, ...]

    def knows(self, gpu: Gpu) -> bool:
        """Whether the GPU's generation has a row; else it is newer than the table."""
        return gpu.generation in [row.name for row in self.generations]

    def generation(self, gpu: Gpu) -> Generation:
        """The GPU's row; one that has none is newer, and taken as the newest known."""
        found = (row for row in self.generations if row.name == gpu.generation)
        return next(found, self.generations[-1])

    def repository(self, distribution: Distribution) -> Repository | None:
        """NVIDIA's repository for the system, where there is one."""
        here = (distribution.id, distribution.version)
        found = (row for row in self.repositories if (row.system, row.version) == here)
        return next(found, None)

    def spans(self) -> list[tuple[Generation, tuple[int, ...], tuple[int, ...]]]:
        """Each generation with its lowest compute capability, and the next generation's."""
        starts = [numbers(row.capability) for row in self.generations]
        return list(zip(self.generations, starts, [*starts[1:], (1000,)], strict=True))

    def taken(self, support: GpuSupport) -> list[Generation]:
        """The generations that a stack has kernels for, in part at least."""
        return [
            row
            for row, start, end in self.spans()
            if start <= support.highest and support.lowest < end
        ]

    @property
    def oldest_under_wsl(self) -> tuple[int, ...]:
        """The lowest compute capability of a GPU that is not on the bus, as under WSL2."""
        return min(numbers(row.capability) for row in self.generations if row.wsl)

    def identify(self, gpu: Gpu) -> Gpu:
        """The GPU with what the rows know of it beyond gpu_info."""
        if not self.knows(gpu) and gpu.device:
            for row in self.generations:
                for chip in row.chips:
                    if int(chip.first, 16) <= int(gpu.device, 16) <= int(chip.last, 16):
                        return msgspec.structs.replace(
                            gpu,
                            chip=chip.chip,
                            generation=row.name,
                            compute_capability=chip.capability,
                        )
        if self.knows(gpu) and gpu.capability is None:
            lowest = self.generation(gpu).capability
            return msgspec.structs.replace(gpu, compute_capability=lowest)
        return gpu

    def identified(self, facts: HostFacts) -> HostFacts:
        """The facts, each GPU with what the rows know of it, and the system that is beneath."""
        return msgspec.structs.replace(
            facts, gpus=tuple(map(self.identify, facts.gpus)), distribution=self.beneath(facts)
        )

    def derivative(self, distribution: Distribution) -> Derivative | None:
        """The row of a derivative that differs, where it is one."""
        return next((row for row in self.derivatives if row.id == distribution.id), None)

    def beneath(self, facts: HostFacts) -> Distribution:
        """The system that a derivative is made of and takes its packages from; else itself."""
        here = facts.distribution
        if here.id in [system.id for system in self.systems]:
            return here
        row = self.derivative(here)
        for base in here.like or ((row.like,) if row else ()):
            for system in (row for row in self.systems if row.id == base):
                for version, fresh in system.fresh.items():
                    if version and fresh.codename != here.base_codename:
                        continue
                    if row or _has_sources(facts, fresh.codename):
                        return Distribution(system.id, system.name, version, fresh.codename)
        return here


def _has_sources(facts: HostFacts, codename: str) -> bool:
    """Whether packages are taken from that version's suites, or from Arch's where it has none."""
    suites = facts.packages.suites
    if not codename:
        return {"core", "extra"} <= set(suites)
    return any(suite.split("-")[0] == codename for suite in suites)
