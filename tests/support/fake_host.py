"""A machine whose /proc and /sys are a folder of files, and whose clock is a test's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.observe.host import HostMonitor
from bench.record.conditions import Conditions
from bench.record.timing import EpochTiming
from tests.support.files import lay

_TICKS = os.sysconf("SC_CLK_TCK")
WORKER, PARENT = 4711, 4000


class FakeHost:
    """A folder that stands for the root of a machine's file system, and its clock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 500.0
        self.cpu = [
            dict.fromkeys(("user", "nice", "system", "idle", "stolen"), 1000.0) for _ in "ab"
        ]
        self.used = {WORKER: 30.0, PARENT: 2.0}
        self.faults = 7
        self.waited = {"cpu": 3.0, "memory": 0.0, "io": 1.0}
        self.files: dict[str, str | None] = {
            "proc/meminfo": "MemTotal:  16000 kB\nMemFree:  1 kB\nMemAvailable:  12000 kB\n",
            "sys/devices/system/cpu/online": "0-1\n",
            f"proc/{WORKER}/status": "Name:\tpython\nCpus_allowed_list:\t0-1\n",
            f"proc/{WORKER}/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
            "sys/fs/cgroup/a/b/cpu.stat": "usage_usec 5\nthrottled_usec 0\n",
        }
        self.write()

    def spend(
        self, seconds: float, *, worker: float = 0.0, other: float = 0.0, **more: float
    ) -> None:
        """Time goes by: CPU seconds of the worker and of others, `stolen`, `parent`."""
        self.now += seconds
        self.used[WORKER] += worker
        self.used[PARENT] += more.get("parent", 0.0)
        busy = worker + other + more.get("parent", 0.0)
        for cpu in self.cpu:
            cpu["user"] += busy / 2
            cpu["stolen"] += more.get("stolen", 0.0) / 2
            cpu["idle"] += seconds - (busy + more.get("stolen", 0.0)) / 2
        self.write()

    def write(self) -> None:
        proc = self.root / "proc"
        lines = ["cpu  1 2 3 4 5 6 7 8 0 0"]
        for number, cpu in enumerate(self.cpu):
            ticks = {name: round(seconds * _TICKS) for name, seconds in cpu.items()}
            first = " ".join(str(ticks[name]) for name in ("user", "nice", "system", "idle"))
            lines.append(f"cpu{number} {first} 0 0 0 {ticks['stolen']} 0 0")
        lay(proc / "stat", "\n".join([*lines, "intr 12345"]))
        for pid, seconds in self.used.items():
            took = f"{self.faults} 0 {round(seconds * _TICKS)} 0 0 0 20 0"
            lay(proc / f"{pid}/stat", f"{pid} (a (name) 1) S 1 {pid} {pid} 0 -1 0 5 0 {took}")
        for name, seconds in self.waited.items():
            total = f"avg10=0.00 avg60=0.00 avg300=0.00 total={round(seconds * 1e6)}"
            lay(proc / f"pressure/{name}", f"some {total}\nfull {total}\n")
        for path, text in self.files.items():
            if text is None:
                (self.root / path).unlink(missing_ok=True)
            else:
                lay(self.root / path, text)

    def watch(self) -> HostMonitor:
        return HostMonitor(self.root, PARENT, lambda: self.now)

    @contextmanager
    def watching(self, *others: int) -> Iterator[HostMonitor]:
        """A window over the block, in which the worker trains, perhaps beside others."""
        monitor = self.watch()
        monitor.begin(WORKER, *others)
        yield monitor
        monitor.end()

    def seen(self, *, seconds: float = 10.0, **spent: float) -> Conditions:
        """What is seen of a window in which so much was spent."""
        with self.watching() as monitor:
            self.spend(seconds, **spent)
        return monitor.result(epochs(5))


def epochs(count: int) -> list[EpochTiming]:
    return [EpochTiming(n, n - 1.0, float(n), 100, 0.5) for n in range(1, count + 1)]
