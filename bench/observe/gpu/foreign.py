"""Processes of others that compute on the GPU beside the worker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from bench.record.measured import Measured, known, unknown
from bench.record.telemetry import GpuProcess

# The kernel's highest process id.  Some drivers (535.43 to .86) answer with nonsense.
_HIGHEST_PID = 2**22


@dataclass(slots=True)
class _Seen:
    """A process: its session is what tells whose it is, and is kept, for it may end.

    first, last: when it was seen, in s.
    memory: bytes at most; None where NVML does not tell.
    session: None where the process cannot be seen from here, as from within a container.
    """

    first: float
    last: float
    memory: int | None
    session: int | None
    name: str | None


class Foreign:
    """Keeps what computes on a GPU, and tells whose it is."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._before: set[int] | None = None
        self._used: dict[int, float] = {}
        self._why: str | None = None
        self.used_since = 0
        self.worker: int | None = None

    def note(self, now: float, processes: Measured[Any]) -> None:
        """Notes who computes now.  The first time is before the worker starts."""
        if processes.value is None:
            self._why = processes.why
            return
        for each in processes.value:
            if 0 < each.pid <= _HIGHEST_PID:
                self._note(each.pid, each.usedGpuMemory, now)
        if self._before is None:
            self._before = set(self._seen)

    def note_use(self, samples: Measured[Any]) -> None:
        """Notes how much of the GPU each process used, from NVML's samples since the last ones."""
        for sample in samples.value or ():
            self.used_since = max(self.used_since, sample.timeStamp)
            share = sample.smUtil / 100
            if share <= 1:  # NVML marks what it does not know by a number of only ones
                self._used[sample.pid] = max(self._used.get(sample.pid, 0.0), share)

    def within(self, begun: float, ended: float) -> Measured[tuple[GpuProcess, ...]]:
        """Everybody else who computed within a window."""
        if self._before is None:
            return unknown(self._why or "NVML was not asked")
        others = self.others()
        return known(
            tuple(
                GpuProcess(pid, seen.name, seen.memory, self._busy(pid))
                for pid, seen in sorted(self._seen.items())
                if pid in others and seen.first <= ended and seen.last >= begun
            )
        )

    def _note(self, pid: int, memory: int | None, now: float) -> None:
        if pid not in self._seen:
            self._seen[pid] = _Seen(now, now, memory, _session(pid), _name(pid))
        seen = self._seen[pid]
        seen.last = now
        if memory is not None:
            seen.memory = max(seen.memory or 0, memory)

    def others(self) -> set[int]:
        """All that were seen but this process, the worker, and what may be the worker.

        In a container NVML may give the host's process ids, which mean nothing here.  Then one
        that came with the worker stands for it.
        """
        workers = self._workers()
        others = set(self._seen) - workers - {os.getpid()}
        if workers or self.worker is None:
            return others
        came_with_it = {
            pid for pid in others - (self._before or set()) if self._seen[pid].session is None
        }
        if came_with_it:
            others.discard(max(came_with_it, key=lambda pid: self._seen[pid].memory or 0))
        return others

    def _workers(self) -> set[int]:
        if self.worker is None:
            return set()
        return {pid for pid, seen in self._seen.items() if seen.session == self.worker}

    def _busy(self, pid: int) -> float | None:
        """What a process used; nothing only where these ids are known to be those of the list.

        Within a container they may be the host's while the list has the container's.
        """
        if pid in self._used:
            return self._used[pid]
        return 0.0 if self._workers() & set(self._used) else None


def _session(pid: int) -> int | None:
    """The session of a process; each worker has its own.  None where it cannot be seen."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _name(pid: int) -> str | None:
    import psutil

    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return None
