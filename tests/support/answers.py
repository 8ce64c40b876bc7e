"""How fast a network answers, from the figures that a test chooses."""

from __future__ import annotations

from typing import Any

from bench.judge.verdict import judge_inference
from bench.record.head import Device
from bench.record.inference import Inference, Latency, Throughput
from bench.record.measured import Measured, known
from tests.support import records
from tests.support.records import CPU

COMMAND = "pytest bench/ -k mlp --device cpu --inference"


def latency(seconds: float, parts: tuple[float, ...] = (), spread: float = 0.0) -> Latency:
    """Three thousand answers of so many s."""
    return Latency(
        calls=3000,
        first=1.25,
        median=seconds,
        p95=1.2 * seconds,
        p99=1.5 * seconds,
        parts=parts or (seconds,) * 10,
        spread=spread,
    )


def throughput(seconds: float, spread: float = 0.0) -> Throughput:
    """Batches of so many s."""
    return Throughput(
        batch=128,
        batches=20,
        rounds=(seconds,) * 10,
        median=seconds,
        spread=spread,
        images_per_second=128 / seconds,
    )


def inference(
    device: Device = CPU, one: float = 0.001, many: float = 0.01, **seen: Any
) -> Measured[Inference]:
    """Answers of `one` s each, and batches of `many` s.

    seen: of the CPU side meanwhile; `telemetry` is that of the GPU.
    """
    gpu = seen.pop("telemetry", records.telemetry() if device.is_gpu else None)
    beside, single, several = records.conditions(**seen), latency(one), throughput(many)
    return known(
        Inference(
            program=1,
            latency=single,
            throughput=several,
            conditions=beside,
            telemetry=gpu,
            verdict=judge_inference(device, beside, gpu, single, several, COMMAND),
        )
    )
