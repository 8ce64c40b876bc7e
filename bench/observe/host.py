"""Monitors CPU and host beside a training: what would falsify its times.

    monitor = HostMonitor()
    monitor.begin(training.pid)   # as soon as epoch 1 has ended
    monitor.end()                 # as soon as the last one has
    monitor.result(epochs)

Two looks into /proc and /sys, a few small files each, and nothing in between.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.observe import kernel
from bench.observe.kernel import CpuTime, Quota, quota
from bench.record import conditions
from bench.record.conditions import Conditions, PackageEnergy, Pressure, Pressures, WorkerCpu
from bench.record.measured import Measured, both, known, unknown, unmeasured
from bench.record.timing import EpochTiming

T = TypeVar("T")
U = TypeVar("U")

_RESOURCES = ("cpu", "memory", "io")
# The kernel counts time in ticks of 10 ms, and attributes each to whoever runs when it comes:
# over less, in s, a share of it is a matter of chance.
SHORTEST = 0.5


class HostMonitor:
    """Looks at the machine at both ends of the steady epochs."""

    def __init__(
        self,
        root: Path = Path("/"),
        parent: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._root = root
        self._parent = os.getpid() if parent is None else parent
        self._clock = clock
        self._workers: tuple[int, ...] = ()
        self._first: _Look | None = None
        self._last: _Look | None = None

    def begin(self, *workers: int) -> None:
        """The steady epochs begin.

        workers: process ids, that of the training looked at first; the others train beside it.
        """
        self._workers = workers
        self._first = self._look()

    def end(self) -> None:
        """The steady epochs have ended; the worker has not."""
        self._last = self._look()

    def result(self, epochs: Sequence[EpochTiming]) -> Conditions:
        """What was seen."""
        first, last = self._first, self._last
        if first is None or last is None or last.now <= first.now:
            return unmeasured(Conditions, "no steady epoch came to its end")
        return _between(first, last, len(epochs) - 1)

    def _look(self) -> _Look:
        root, worker = self._root, self._workers[0]
        cpus = kernel.allowed_cpus(root, worker)
        return _Look(
            now=self._clock(),
            pressure={name: kernel.pressure(root, name) for name in _RESOURCES},
            times=both(kernel.cpu_times(root), cpus, CpuTime.together),
            worker=kernel.process_use(root, [worker], ended_children=True),
            # Not its ended children: a worker of before would come in with all that it took.
            others_of_ours=kernel.process_use(
                root, [self._parent, *self._workers[1:]], ended_children=False
            ),
            available=kernel.memory(root, "MemAvailable"),
            quota=quota(root, worker),
            throttled=_over(cpus, kernel.thermal_throttle, root),
            energy=kernel.package_energy(root),
            power_source=kernel.power_source(root),
            settings={
                "cpus": cpus.then(len),
                "cpus_online": kernel.online_cpus(root).then(len),
                "governor": _over(cpus, kernel.scaling, root, "scaling_governor"),
                "scaling_driver": _over(cpus, kernel.scaling, root, "scaling_driver"),
                "turbo": kernel.turbo(root),
                "memory_total": kernel.memory(root, "MemTotal"),
                "power_profile": kernel.power_profile(root),
            },
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """The machine at one moment: counters since it booted or a process began.

    settings: members of `Conditions` that are told as they are at the end.
    """

    now: float
    pressure: dict[str, dict[str, Measured[float]]]
    times: Measured[CpuTime]
    worker: Measured[kernel.ProcessUse]
    others_of_ours: Measured[kernel.ProcessUse]
    available: Measured[int]
    quota: Measured[Quota]
    throttled: Measured[float]
    energy: Measured[dict[str, kernel.PackageEnergy]]
    power_source: Measured[str]
    settings: dict[str, Measured[Any]]

    @property
    def on_battery(self) -> bool:
        return (self.power_source.value or "").startswith("battery")


def _between(first: _Look, last: _Look, epochs: int) -> Conditions:
    """What happened from one look to the other."""
    seconds = last.now - first.now
    worker = both(first.worker, last.worker, lambda a, b: b.seconds - a.seconds)
    energy = both(first.energy, last.energy, _joules)
    cpus = _cpus_between(first, last)
    return Conditions(
        seconds=seconds,
        pressure=Pressures(*(_stalled(first, last, name) for name in _RESOURCES)),
        worker_cpu=WorkerCpu(worker, both(worker, cpus, lambda took, _: took / seconds)),
        other_load=_other_load(first, last, cpus),
        steal=cpus.then(lambda passed: passed.stolen / passed.all),
        idle=cpus.then(lambda passed: passed.idle / passed.all),
        major_faults=both(first.worker, last.worker, lambda a, b: b.major_faults - a.major_faults),
        memory_available=both(first.available, last.available, min),
        quota=conditions.Quota(
            _over(last.quota, _cpus_of),
            both(first.quota, last.quota, lambda a, b: (b.throttled - a.throttled) / seconds),
        ),
        throttled=both(first.throttled, last.throttled, lambda a, b: (b - a) / seconds),
        energy=PackageEnergy(energy, energy.then(lambda joules: joules / epochs)),
        power_source=first.power_source if first.on_battery else last.power_source,
        **last.settings,
    )


def _cpus_between(first: _Look, last: _Look) -> Measured[CpuTime]:
    """Processor time that passed, where it is enough to tell shares of it."""
    seconds, cpus = last.now - first.now, both(first.times, last.times, lambda a, b: b.since(a))
    if cpus.value is not None and cpus.value.all <= 0:
        return unknown("the kernel's count of processor time stood still")
    if cpus.value is not None and seconds < SHORTEST:
        return unknown(f"the steady epochs took {seconds:.2f} s, and this takes {SHORTEST:g} s")
    return cpus


def _stalled(first: _Look, last: _Look, resource: str) -> Pressure:
    """The share of the time in which some, and all, tasks waited for a resource."""
    seconds = last.now - first.now
    before, after = first.pressure[resource], last.pressure[resource]

    def share(kind: str) -> Measured[float]:
        return both(before[kind], after[kind], lambda a, b: (b - a) / seconds)

    return Pressure(share("some"), share("full"))


def _other_load(first: _Look, last: _Look, cpus: Measured[CpuTime]) -> Measured[float]:
    """The share of the worker's processors that neither it nor this process used."""
    ours: Measured[float] = known(0.0)
    for before, after in ((first.worker, last.worker), (first.others_of_ours, last.others_of_ours)):
        took = both(before, after, lambda a, b: b.seconds - a.seconds)
        ours = both(ours, took, lambda one, other: one + other)
    return both(cpus, ours, lambda passed, took: max(0.0, passed.busy - took) / passed.all)


def _cpus_of(quota_now: Quota) -> Measured[float]:
    return unknown("there is no quota") if quota_now.cpus is None else known(quota_now.cpus)


def _joules(first: dict[str, kernel.PackageEnergy], last: dict[str, kernel.PackageEnergy]) -> float:
    """What all packages took together."""
    return sum(energy.since(first[name]) for name, energy in last.items() if name in first)


def _over(
    measured: Measured[T], read: Callable[..., Measured[U]], *arguments: object
) -> Measured[U]:
    """What is read with a value as the last argument; without the value, its reason."""
    return unknown(measured.why) if measured.value is None else read(*arguments, measured.value)
