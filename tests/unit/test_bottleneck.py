"""What holds a training back: each cause from the figures that show it, and from none less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge.bottleneck import Figures, figures, judge, with_bottlenecks
from bench.record.model import Bottleneck, Cause, Finished, Result
from bench.workloads.workload import Mode
from tests.support.records import CPU, GT1030, H100, failed, result


@pytest.mark.parametrize(
    ("seen", "cause", "evidence", "fix"),
    [
        (
            Figures(gpu=True, tuned=False, share=0.02, busy=0.31, gain=4.0),
            "launch-bound",
            "the GPU is busy 31 % of the epoch, and tuned training is 4.0 times as fast",
            "in your own script set steps_per_execution=50",
        ),
        (
            Figures(gpu=True, tuned=False, share=0.02, busy=0.31),
            "launch-bound",
            "the GPU is busy 31 % of the epoch",
            "in your own script set steps_per_execution=50",
        ),
        (
            Figures(gpu=True, tuned=False, share=0.02, gain=1.8),
            "launch-bound",
            "tuned training is 1.8 times as fast",
            "in your own script set steps_per_execution=50",
        ),
        (
            Figures(gpu=False, tuned=False, share=0.2, gain=1.8),
            "memory-bound",
            "20 % of peak matmul throughput",
            (
                "tuned training is 1.8 times as fast, as it goes over memory less often and keeps "
                "all threads busy (docs/benchmark.md, two ways to train)"
            ),
        ),
        (
            Figures(gpu=True, tuned=False, share=0.08, busy=0.93, gain=1.8),
            "memory-bound",
            (
                "the GPU is busy 93 % of the epoch, at 8 % of peak matmul throughput: its kernels "
                "are small or wait for memory"
            ),
            "tuned training is 1.8 times as fast, as XLA fuses them",
        ),
        (
            Figures(gpu=True, tuned=True, share=0.02, busy=0.6),
            "launch-bound",
            "the GPU is busy 60 % of the epoch",
            "with whole epochs in one call only larger batches or networks would fill it",
        ),
        (
            Figures(gpu=True, tuned=False, share=0.6, busy=0.4, waiting=0.43),
            "input-bound",
            "43 % of the epoch is spent waiting for images",
            "`dataset.cache()` keeps them decoded, and a local disk brings them nearer",
        ),
        (
            Figures(gpu=False, tuned=False, share=0.62, gain=1.1, waiting=0.02),
            "compute-bound",
            "62 % of peak matmul throughput",
            "only a faster device would help",
        ),
        (
            Figures(gpu=True, tuned=True, share=0.08, busy=0.93),
            "memory-bound",
            (
                "the GPU is busy 93 % of the epoch, at 8 % of peak matmul throughput: its kernels "
                "are small or wait for memory"
            ),
            "try larger batches",
        ),
        (
            Figures(gpu=False, tuned=True, share=0.3),
            "memory-bound",
            (
                "30 % of peak matmul throughput: pooling, activations and the optimizer "
                "wait for memory"
            ),
            None,
        ),
        (
            Figures(
                gpu=False, tuned=False, share=0.3, both_modes="pytest bench/ --mode stock,tuned"
            ),
            "unknown",
            "30 % of peak matmul throughput",
            "pytest bench/ --mode stock,tuned shows what tuning gains",
        ),
        (
            Figures(gpu=True, tuned=False),
            "unknown",
            "the share of peak matmul throughput and the GPU's busy share could not be measured",
            None,
        ),
        (
            Figures(gpu=True, tuned=False, share=0.1, gain=1.1),
            "unknown",
            "the GPU's busy share could not be measured",
            None,
        ),
        (
            Figures(gpu=True, tuned=True, share=0.1, why_not_busy="the epochs took 0.3 s in a row"),
            "unknown",
            "the GPU's busy share could not be measured: the epochs took 0.3 s in a row",
            None,
        ),
        (
            Figures(gpu=False, tuned=True),
            "unknown",
            "the share of peak matmul throughput could not be measured",
            None,
        ),
    ],
)
def test_a_cause_is_told_from_the_figures_that_show_it(
    seen: Figures, cause: Cause, evidence: str, fix: str | None
) -> None:
    assert judge(seen) == Bottleneck(cause, evidence, fix)


@pytest.mark.parametrize(
    ("short", "enough", "cause"),
    [
        ({"waiting": 0.099}, {"waiting": 0.1}, "input-bound"),
        ({"share": 0.499}, {"share": 0.5}, "compute-bound"),
        ({"alone": 0.899}, {"alone": 0.9}, "input-bound"),
        ({"busy": 0.8}, {"busy": 0.799}, "launch-bound"),
    ],
)
def test_a_cause_begins_at_its_threshold(
    short: dict[str, float], enough: dict[str, float], cause: Cause
) -> None:
    healthy = {"share": 0.3, "busy": 0.95, "waiting": 0.01, "gain": 1.0}
    for measured, expected in ((short, "memory-bound"), (enough, cause)):
        seen: Any = {**healthy, **measured}
        assert judge(Figures(gpu=True, tuned=False, **seen)).cause == expected


def test_where_it_is_unknown_how_busy_a_gpu_is_a_gain_tells_from_its_threshold_on() -> None:
    for gain, expected in ((1.249, "unknown"), (1.25, "launch-bound")):
        assert judge(Figures(gpu=True, tuned=False, share=0.3, gain=gain)).cause == expected


def test_on_a_cpu_no_gain_is_called_a_matter_of_launches() -> None:
    assert judge(Figures(gpu=False, tuned=False, share=0.3, gain=9.0)).cause == "memory-bound"


_SHARES = st.none() | st.floats(0, 1)


@given(st.booleans(), st.booleans(), _SHARES, _SHARES, _SHARES, st.none() | st.floats(0.01, 100))
def test_whatever_was_measured_there_is_one_line_and_no_gap_in_it(
    gpu: bool,
    tuned: bool,
    share: float | None,
    busy: float | None,
    waiting: float | None,
    gain: float | None,
) -> None:
    seen = Figures(
        *(gpu, tuned, share, busy if gpu else None), waiting=waiting, gain=None if tuned else gain
    )
    judged = judge(seen)
    for told in (judged.evidence, judged.fix):
        assert told is None or (told[0] not in " ;," and "None" not in told and "\n" not in told)


# ---- beside each other in a record


def _causes(*results: Result) -> list[str]:
    judged = with_bottlenecks(results)
    return [e.bottleneck.cause for e in judged if isinstance(e, Finished) and e.bottleneck]


_SECONDS: dict[Mode, tuple[float, ...]] = {"stock": (2.0, 2.2, 9.0), "tuned": (1.0, 1.1, 1.2)}
_TUNED = result("mlp", CPU, seconds=(3.0, 1.0, 1.0), mode="tuned", share=0.3)


def test_a_stock_row_is_judged_anew_when_its_tuned_one_comes() -> None:
    stock = result("mlp", CPU, seconds=(3.0, 2.0, 2.0), share=0.3)
    assert _causes(stock) == ["unknown"]
    assert _causes(stock, _TUNED) == ["memory-bound", "memory-bound"]


@pytest.mark.parametrize(
    "other",
    [
        result("mlp", GT1030, seconds=(3.0, 1.0, 1.0), mode="tuned"),
        result("convnet", H100, seconds=(3.0, 1.0, 1.0), mode="tuned"),
        result("mlp", H100, seconds=(3.0, 1.0, 1.0), mode="tuned", side="B"),
    ],
)
def test_only_the_same_training_on_the_same_device_and_side_tells_of_a_gain(
    other: Finished,
) -> None:
    stock = result("mlp", H100, seconds=(3.0, 2.0, 2.0), share=0.3)
    assert _causes(stock, other)[0] == "unknown"


def test_a_gain_is_between_the_medians_of_all_repeats() -> None:
    results = [
        result("mlp", CPU, seconds=(3.0, seconds, seconds), mode=mode, share=0.3)
        for mode, each in _SECONDS.items()
        for seconds in each
    ]
    first, *_ = with_bottlenecks(results)
    assert isinstance(first, Finished)
    assert first.bottleneck is not None
    assert "2.0 times as fast" in str(first.bottleneck.fix)


def test_a_failed_training_is_not_judged_and_its_place_stays() -> None:
    killed = failed("convnet", CPU, "convnet on cpu: worker killed")
    results = with_bottlenecks([result(share=0.3), killed, _TUNED])
    assert results[1] == killed
    assert _causes(*results) == ["memory-bound", "memory-bound"]


def test_both_modes_are_of_the_workload_alone() -> None:
    seen = figures(result("mlp"), None)
    assert seen.both_modes == "pytest bench/ -k mlp --mode stock,tuned"
