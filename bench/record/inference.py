"""How fast a trained network answers, measured off the clock of its training.

Every time begins and ends in the host's memory: the input is copied to the device, and the answers
are fetched from it.  Calls are compiled for their shape, and warmed up.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bench.record.conditions import Conditions
from bench.record.measured import Amount, Number, Part, Positive
from bench.record.telemetry import Telemetry
from bench.record.verdict import Verdict

Times = Annotated[tuple[Positive, ...], Meta(min_length=1)]


class Latency(Part, frozen=True, kw_only=True):
    """The time from one example to its answer, call after call.

    calls: how many were timed.
    first: of the very first call, which holds tracing and compilation, in s.
    median: of the calls, in s.
    p95: what 95 of 100 calls did not exceed, in s; null of fewer than 20 calls.
    p99: what 99 of 100 calls did not exceed, in s; null of fewer than 100 calls.
    parts: medians of consecutive parts of the calls, in s.
    spread: median absolute deviation of those, in s.
    """

    calls: Number
    first: Positive
    median: Positive
    p95: Positive | None
    p99: Positive | None
    parts: Times
    spread: Amount


class Throughput(Part, frozen=True, kw_only=True):
    """Answers in batches, one being copied while another is computed.

    batch: examples in one.
    batches: how many a round is.
    rounds: what a batch took in each round, in s.
    median: of those, in s.
    spread: their median absolute deviation, in s.
    images_per_second: answered in the median round.
    """

    batch: Number
    batches: Number
    rounds: Times
    median: Positive
    spread: Amount
    images_per_second: Positive


class Inference(Part, frozen=True, kw_only=True):
    """How fast the trained network answers.

    program: number of the way to measure it.
    latency: of one example at a time.
    throughput: of batches.
    conditions: what the CPU side did meanwhile.
    telemetry: what the GPU did meanwhile; null on the CPU.
    verdict: whether these times may be believed.
    """

    program: Number
    latency: Latency
    throughput: Throughput
    conditions: Conditions
    telemetry: Telemetry | None
    verdict: Verdict
