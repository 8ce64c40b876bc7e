"""Questions to a trained network, and how fast it answers, as messages have them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What a saved network is asked: images, and where the answers go.

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


@dataclass(frozen=True, slots=True)
class Latency:
    """Answers to one example each; `bench.record.inference.Latency` describes the members."""

    calls: int
    first: float
    median: float
    p95: float | None
    p99: float | None
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Throughput:
    """Answers in batches; `bench.record.inference.Throughput` describes the members."""

    batch: int
    batches: int
    rounds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Inference:
    """How fast the trained network answers, off the clock.

    program: number of the way to measure it.
    begun, ready, ended: of the warm-up, of what is timed, and of all; CLOCK_MONOTONIC, in s.
    """

    program: int
    begun: float
    ready: float
    ended: float
    latency: Latency
    throughput: Throughput


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """How fast it answers could not be measured."""

    why: str
