"""Every workload by its name, for the worker and for the floors."""

from __future__ import annotations

from bench.workloads import grind, mnist
from bench.workloads.workload import Workload

WORKLOADS: dict[str, Workload] = {w.name: w for w in (*mnist.WORKLOADS, *grind.WORKLOADS)}
