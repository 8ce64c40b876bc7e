"""What is trained: the networks, exactly as published, and the floors that they must reach.

The modules here are read on both sides, by the parent and by the worker's interpreter, which has
TensorFlow and NumPy only: they import nothing but the standard library, and are handed `keras`.

WORKLOADS are those that every run trains, and that have floors of their own; EVERY holds those
besides that are trained where they are asked for.
"""

from __future__ import annotations

from bench.workloads import grind, mnist
from bench.workloads.workload import Workload

WORKLOADS: dict[str, Workload] = {w.name: w for w in (*mnist.WORKLOADS, *grind.WORKLOADS)}
EVERY: dict[str, Workload] = {**WORKLOADS, **{w.name: w for w in grind.FROM_FILES}}
