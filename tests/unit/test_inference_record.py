"""What is recorded of the answers of a network, whatever a worker tells of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.errors import GrindstoneError
from bench.judge.verdict import judge_inference
from bench.record.measured import unknown
from bench.record.merged import merged
from bench.record.shared import shared
from bench.record.verdict import Verdict
from bench.report import rows
from bench.runner import option_values
from bench.runner.inference import measured
from bench.runner.option_table import INFERENCE_SECONDS
from bench.runner.result import DeviceRun
from bench.runner.row import Row
from bench.runner.supervisor import Outcome
from bench.worker import answers
from bench.worker.messages import INFERENCE, Phase
from bench.workloads import WORKLOADS
from tests.support import records
from tests.support.answers import COMMAND, inference, latency, throughput
from tests.support.records import CPU, H100, record, result, telemetry

ROW = Row(WORKLOADS["mlp"], CPU)
TOLD = answers.Inference(
    program=1,
    begun=10.0,
    ready=12.0,
    ended=16.0,
    latency=answers.Latency(40, 1.5, 0.002, 0.003, None, (0.002, 0.0021, 0.0019)),
    throughput=answers.Throughput(200, 5, (0.02, 0.025, 0.01)),
)


def test_what_a_worker_tells_is_recorded_with_what_was_seen_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What this machine does meanwhile is no matter of the test's.
    judged = lambda *seen: Verdict("NOISY", "it varies", seen[-1])  # noqa: E731
    monkeypatch.setattr("bench.runner.inference.judge_inference", judged)
    run = DeviceRun(CPU)
    hear = run.hear(1)  # a process that is always there
    hear(Phase("evaluation"))
    assert run.answering.result([]).seconds is None
    hear(Phase(INFERENCE))
    hear(TOLD)
    found = measured(TOLD, ROW, run.answering, None, ["--inference"])
    assert found is not None
    assert found.value is not None
    made = found.value
    assert (made.latency.calls, made.latency.median, made.latency.p99) == (40, 0.002, None)
    assert made.latency.spread == pytest.approx(0.0001)
    assert made.throughput.median == 0.02
    assert made.throughput.spread == pytest.approx(0.005)
    assert made.throughput.images_per_second == 10_000
    assert made.conditions.seconds is not None
    assert made.telemetry is None
    assert made.verdict.word == "NOISY"
    again = "-k mlp --device cpu --inference --inference-seconds 30"
    assert made.verdict.fix is not None
    assert made.verdict.fix.endswith(again)


def test_why_it_was_not_measured_is_recorded_and_nothing_where_nobody_asked() -> None:
    run = DeviceRun(CPU)
    told = answers.Unmeasured("ran out of memory")
    assert measured(told, ROW, run.answering, None, []) == unknown("ran out of memory")
    assert measured(None, ROW, run.answering, None, []) is None


@pytest.mark.parametrize(
    ("device", "seen", "gpu", "one", "many", "word"),
    [
        (CPU, {}, None, latency(0.001), throughput(0.01), "OK"),
        (CPU, {"steal": 0.1}, None, latency(0.001), throughput(0.01), "CONTENDED"),
        (
            H100,
            {},
            telemetry(throttled={"thermal": 4.0}),
            latency(0.001),
            throughput(0.01),
            "THROTTLED",
        ),
        (CPU, {}, None, latency(0.001, spread=0.0001), throughput(0.01), "NOISY"),
        (CPU, {}, None, latency(0.001), throughput(0.01, spread=0.001), "NOISY"),
        (
            CPU,
            {},
            None,
            latency(0.001, parts=(0.002,) * 5 + (0.001,) * 5),
            throughput(0.01),
            "DRIFT",
        ),
    ],
)
def test_a_machine_that_was_not_quiet_is_said(
    device: Any, seen: Any, gpu: Any, one: Any, many: Any, word: str
) -> None:
    found = judge_inference(device, records.conditions(**seen), gpu, one, many, COMMAND)
    assert found.word == word
    assert (found.fix is None) == (word == "OK")


def _chosen(**options: Any) -> float | None:
    from argparse import Namespace

    return option_values.inference(
        Namespace(**{"inference": False, "inference_seconds": None, **options})
    )


def test_it_is_measured_on_request_for_as_long_as_was_asked() -> None:
    assert _chosen() is None
    assert _chosen(inference=True) == INFERENCE_SECONDS
    assert _chosen(inference_seconds=0.5) == 0.5
    for seconds in (0.0, float("nan"), 4000.0):
        with pytest.raises(GrindstoneError, match=r"--inference-seconds .* out of range"):
            _chosen(inference_seconds=seconds)


def test_a_row_of_repeats_has_the_middle_one_and_the_spread_among_them() -> None:
    repeats = [
        result(repeat=number, inference=inference(one=one, many=many))
        for number, (one, many) in enumerate([(0.003, 0.01), (0.001, 0.03), (0.002, 0.02)], 1)
    ]
    (row,) = rows.finished(rows.one_a_row(repeats))
    assert row.inference is not None
    assert row.inference.value is not None
    found = row.inference.value
    assert (found.latency.median, found.throughput.median) == (0.002, 0.02)
    assert found.latency.spread == pytest.approx(0.001)
    assert found.throughput.spread == pytest.approx(0.01)


def test_runs_are_merged_and_shared_with_it() -> None:
    process = {"pid": 4321, "name": "secret-model", "memory": 5, "busy": 0.5}
    busy = telemetry(processes=(process,))
    answered = inference(H100, telemetry=busy)
    runs = [
        (
            Path(f"{number}.json"),
            record([result("mlp", H100, seconds=(2.0, at, at), inference=answered)]),
        )
        for number, at in enumerate((1.0, 1.1))
    ]
    both = merged(runs)
    assert [each.repeat for each in both.results] == [1, 2]
    made, _ = shared(both)
    assert "secret-model" in str(both)
    assert "secret-model" not in str(made)
    assert made.results[0].inference.value.latency.median == 0.001  # type: ignore[union-attr]


def test_a_worker_that_tells_of_no_answers_has_none() -> None:
    assert Outcome.__dataclass_fields__["inference"].default is None
    assert replace(result(), inference=None) == result()
