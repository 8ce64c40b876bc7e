"""What holds a training back: each cause from the figures that show it, and from none less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge import bottleneck
from bench.judge.bottleneck import Cause, Figures, judge
from bench.report import words
from tests.unit.entries import CPU, GT1030, H100, failed, finished
from tests.unit.test_telemetry import Bench

_RATE = {"flop_per_image": 1e6, "matrix": 1e12}


@pytest.mark.parametrize(
    ("seen", "cause", "told"),
    [
        (
            Figures(gpu=True, tuned=False, share=0.02, busy=0.31, gain=4.0),
            "launch-bound",
            (
                "the GPU is busy 31 % of the epoch, and tuned, the same is 4.0 times as fast; "
                "in your own script set steps_per_execution=50"
            ),
        ),
        (
            Figures(gpu=True, tuned=False, share=0.02, busy=0.31),
            "launch-bound",
            "the GPU is busy 31 % of the epoch; in your own script set steps_per_execution=50",
        ),
        (
            Figures(gpu=True, tuned=False, share=0.02, gain=1.8),
            "launch-bound",
            "tuned, the same is 1.8 times as fast; in your own script set steps_per_execution=50",
        ),
        (
            Figures(gpu=False, tuned=False, share=0.2, gain=1.8),
            "memory-bound",
            (
                "20 % of the matrix rate measured here; tuned, the same is 1.8 times as fast, as "
                "it goes over memory less often and keeps all threads busy "
                "(docs/benchmark.md, two ways to train)"
            ),
        ),
        (
            Figures(gpu=True, tuned=False, share=0.08, busy=0.93, gain=1.8),
            "memory-bound",
            (
                "the GPU is busy 93 % of the epoch, at 8 % of its matrix rate: its kernels are "
                "small or wait for memory; tuned, the same is 1.8 times as fast, as XLA fuses them"
            ),
        ),
        (
            Figures(gpu=True, tuned=True, share=0.02, busy=0.6),
            "launch-bound",
            (
                "the GPU is busy 60 % of the epoch; with whole epochs in one call only larger "
                "batches or networks would fill it"
            ),
        ),
        (
            Figures(gpu=True, tuned=False, share=0.6, busy=0.4, waiting=0.43),
            "input-bound",
            (
                "43 % of the epoch is spent waiting for images; `dataset.cache()` keeps them "
                "decoded, and a local disk brings them nearer"
            ),
        ),
        (
            Figures(gpu=False, tuned=False, share=0.62, gain=1.1, waiting=0.02),
            "compute-bound",
            "62 % of the matrix rate measured here; only a faster device would help",
        ),
        (
            Figures(gpu=True, tuned=True, share=0.08, busy=0.93),
            "memory-bound",
            (
                "the GPU is busy 93 % of the epoch, at 8 % of its matrix rate: its kernels are "
                "small or wait for memory; try larger batches"
            ),
        ),
        (
            Figures(gpu=False, tuned=True, share=0.3),
            "memory-bound",
            (
                "30 % of the matrix rate measured here: pooling, activations and the optimizer "
                "wait for memory"
            ),
        ),
        (
            Figures(gpu=False, tuned=False, share=0.3),
            "unknown",
            (
                "30 % of the matrix rate measured here; --mode stock,tuned would show what there "
                "is to be gained"
            ),
        ),
        (
            Figures(gpu=True, tuned=False),
            "unknown",
            "the matrix rate and the GPU's busy share could not be measured",
        ),
        (
            Figures(gpu=True, tuned=False, share=0.1, gain=1.1),
            "unknown",
            "the GPU's busy share could not be measured",
        ),
        (Figures(gpu=False, tuned=True), "unknown", "the matrix rate could not be measured"),
    ],
)
def test_a_cause_is_told_from_the_figures_that_show_it(
    seen: Figures, cause: Cause, told: str
) -> None:
    assert judge(seen) == (cause, told)


@pytest.mark.parametrize(
    ("short", "enough", "cause"),
    [
        ({"waiting": 0.099}, {"waiting": 0.1}, "input-bound"),
        ({"share": 0.499}, {"share": 0.5}, "compute-bound"),
        ({"busy": 0.8}, {"busy": 0.799}, "launch-bound"),
    ],
)
def test_a_cause_begins_at_its_threshold(
    short: dict[str, float], enough: dict[str, float], cause: Cause
) -> None:
    healthy = {"share": 0.3, "busy": 0.95, "waiting": 0.01, "gain": 1.0}
    for figures, expected in ((short, "memory-bound"), (enough, cause)):
        assert judge(Figures(gpu=True, tuned=False, **{**healthy, **figures}))[0] == expected


def test_where_it_is_unknown_how_busy_a_gpu_is_a_gain_tells_from_its_threshold_on() -> None:
    for gain, expected in ((1.249, "unknown"), (1.25, "launch-bound")):
        assert judge(Figures(gpu=True, tuned=False, share=0.3, gain=gain))[0] == expected


def test_on_a_cpu_no_gain_is_called_a_matter_of_launches() -> None:
    assert judge(Figures(gpu=False, tuned=False, share=0.3, gain=9.0))[0] == "memory-bound"


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
    seen = Figures(gpu, tuned, share, busy if gpu else None, waiting, None if tuned else gain)
    _, told = judge(seen)
    assert told[0] not in " ;,"
    assert "None" not in told
    assert "\n" not in told


# ---- beside each other in a record


def _causes(entries: list[dict[str, Any]]) -> list[str]:
    bottleneck.fill(entries)
    return [entry["held_back"]["cause"] for entry in entries if "held_back" in entry]


def test_a_stock_row_is_judged_anew_when_its_tuned_one_comes() -> None:
    stock = finished("mlp", CPU, seconds=(3.0, 2.0, 2.0), rate=_RATE)
    assert _causes([stock]) == ["unknown"]
    tuned = finished("mlp", CPU, seconds=(3.0, 1.0, 1.0), mode="tuned", rate=_RATE)
    assert _causes([stock, tuned]) == ["memory-bound", "memory-bound"]


def test_only_the_same_training_on_the_same_device_and_side_tells_of_a_gain() -> None:
    stock = finished("mlp", H100, seconds=(3.0, 2.0, 2.0), rate=_RATE)
    others = [
        finished("mlp", GT1030, seconds=(3.0, 1.0, 1.0), mode="tuned", rate=_RATE),
        finished("convnet", H100, seconds=(3.0, 1.0, 1.0), mode="tuned", rate=_RATE),
        {**finished("mlp", H100, seconds=(3.0, 1.0, 1.0), mode="tuned", rate=_RATE), "side": "B"},
    ]
    assert bottleneck.figures(stock, [stock, *others]).gain is None


def test_a_gain_is_between_the_medians_of_all_processes() -> None:
    entries = [
        finished("mlp", CPU, seconds=(3.0, seconds, seconds), mode=mode, rate=_RATE)
        for mode, each in (("stock", (2.0, 2.2, 9.0)), ("tuned", (1.0, 1.1, 1.2)))
        for seconds in each
    ]
    assert bottleneck.figures(entries[0], entries).gain == pytest.approx(2.0)


def test_the_share_is_of_the_matrix_rate_and_none_without_it() -> None:
    entry = finished("mlp", CPU, seconds=(9.0, 2.0, 2.0), rate=_RATE)
    assert entry["rate"] == {
        "flop_per_image": 1e6,
        "achieved": pytest.approx(1e6 * 60_000 / 2.0),
        "matrix": 1e12,
        "share": pytest.approx(0.03),
        "gpu_busy": None,
    }
    unmeasured = finished("mlp", CPU, rate={"flop_per_image": 1e6, "matrix": None})
    assert unmeasured["rate"]["share"] is None
    assert finished("mlp", CPU)["rate"] is None


def test_a_failed_training_is_not_judged_and_each_other_row_has_its_line() -> None:
    entries = [
        finished("mlp", CPU, rate=_RATE),
        failed("convnet", CPU, "convnet on cpu: worker killed"),
        finished("mlp", CPU, mode="tuned", rate=_RATE),
    ]
    bottleneck.fill(entries)
    first, second = words.held_back(entries)
    assert first.startswith("what holds mlp on cpu back: memory-bound: ")
    assert second.startswith("what holds mlp on cpu (tuned) back: memory-bound: ")


def test_how_busy_the_gpu_was_comes_from_its_telemetry() -> None:
    entry = finished("mlp", H100, rate=_RATE, telemetry=Bench("hopper").result())
    assert entry["rate"]["gpu_busy"] == entry["telemetry"]["busy"]["value"]
    assert finished("mlp", H100, rate=_RATE)["rate"]["gpu_busy"] is None


def test_of_two_sides_each_line_says_whose_it_is() -> None:
    entries = [{**finished("mlp", CPU, mode="tuned", rate=_RATE), "side": side} for side in "AB"]
    bottleneck.fill(entries)
    first, second = words.held_back(entries)
    assert first.startswith("what holds mlp on cpu (tuned, side A) back: ")
    assert second.startswith("what holds mlp on cpu (tuned, side B) back: ")
