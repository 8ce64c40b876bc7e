"""What a saved network is asked, as a part of a job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """Images, and where the answers go.

    network: its file, which has been looked into.
    images: `(n, height, width, channels) uint8`, as `numpy.save` writes it.
    answers: the file for `(n, outputs) float32`.
    scale, target_scale: as `bench.workloads.workload.Workload` has them.
    batch: images at a time.
    """

    network: str
    images: str
    answers: str
    scale: float | None
    target_scale: float
    batch: int = 64
