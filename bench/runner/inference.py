"""How fast a trained network answers, as the record has it: what the worker told, and was seen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict

from bench.judge.rerun import row_command, without
from bench.judge.verdict import judge_inference
from bench.observe.host import HostMonitor
from bench.observe.telemetry import GpuMonitor
from bench.record.inference import Inference, Latency, Throughput
from bench.record.measured import Measured, known, unknown
from bench.record.timing import EpochTiming, spread
from bench.runner.row import Row
from bench.worker import answers
from bench.worker.messages import INFERENCE, Message, Phase

# For how many s it is measured again where it was noisy.
_SECONDS, _LONGER = "--inference-seconds", "30"


def watching(host: HostMonitor, worker: int) -> Callable[[Message], None]:
    """What is told of a worker's messages, to look at the host while its network answers."""

    def hear(message: Message) -> None:
        if message == Phase(INFERENCE):
            host.begin(worker)
        elif isinstance(message, answers.Inference):
            host.end()

    return hear


def measured(
    told: answers.Inference | answers.Unmeasured | None,
    row: Row,
    host: HostMonitor,
    gpu: GpuMonitor | None,
    rerun_options: Sequence[str],
) -> Measured[Inference] | None:
    """How fast it answers, judged; or why that is not known.  None where nobody asked.

    gpu: what watched the GPU; host: what looked at the machine meanwhile.
    rerun_options: the options that train the same again, but what names the row.
    """
    if told is None:
        return None
    if isinstance(told, answers.Unmeasured):
        return unknown(told.why)
    # The warm-up is to what is timed as the first epoch is to the steady ones.
    spans = [
        EpochTiming(number, begun, ended, images=0, loss=math.nan)
        for number, begun, ended in ((1, told.begun, told.ready), (2, told.ready, told.ended))
    ]
    latency = Latency(**asdict(told.latency), spread=spread(told.latency.parts))
    throughput = _throughput(told.throughput)
    conditions, telemetry = host.result(spans), gpu.result(spans) if gpu else None
    return known(
        Inference(
            program=told.program,
            latency=latency,
            throughput=throughput,
            conditions=conditions,
            telemetry=telemetry,
            verdict=judge_inference(
                row.device, conditions, telemetry, latency, throughput, _longer(row, rerun_options)
            ),
        )
    )


def _longer(row: Row, rerun_options: Sequence[str]) -> str:
    """The command that trains it again, and measures for longer."""
    file = row.own_file.path if row.own_file else None
    more = [*without(_SECONDS, rerun_options), _SECONDS, _LONGER]
    return row_command(row.workload.name, row.device.option, row.way, file, more)


def _throughput(told: answers.Throughput) -> Throughput:
    median = statistics.median(told.rounds)
    rate = told.batch / median
    return Throughput(
        **asdict(told), median=median, spread=spread(told.rounds), images_per_second=rate
    )
