"""What is said beside the times: variables, guesses and leaks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from bench.record.measured import Measured, unknown
from bench.record.model import Finished
from bench.report import format as shown
from bench.report.caveats import caveats
from tests.support.records import WORKER, epochs, record, result


def told(*results: Finished) -> list[str]:
    names = shown.Names(results, ())
    return list(caveats(record(results), results, names))


def test_nothing_is_said_of_a_training_as_it_should_be() -> None:
    assert told(result("mlp"), result("post")) == []


def test_variables_that_change_the_program_are_said_once() -> None:
    set_ = {"CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0", "OMP_NUM_THREADS": "1"}
    worker = replace(WORKER, pinned=replace(WORKER.pinned, environment=set_))
    said = told(result("mlp", worker=worker), result("post", worker=worker))
    assert said == [
        (
            "Trained with OMP_NUM_THREADS=1 TF_ENABLE_ONEDNN_OPTS=0: "
            "this changes what is computed, or how fast"
        )
    ]


def test_libraries_from_elsewhere_are_said_once_with_how_to_be_rid_of_them() -> None:
    worker = replace(WORKER, libraries={"libcudnn.so.9": "9.1.0 in /opt/cuda/lib64"})
    (said,) = told(result("mlp", worker=worker), result("post", worker=worker))
    assert "not the environment's own: libcudnn.so.9 9.1.0 in /opt/cuda/lib64; " in said
    assert "LD_LIBRARY_PATH and LD_PRELOAD unset" in said


def test_a_score_that_a_constant_would_reach_is_no_learning() -> None:
    guessed = result("post")
    passed = replace(guessed.quality, value=127_250.0, floor=200_000.0)
    (said,) = told(replace(guessed, quality=passed))
    assert "learned nothing" in said
    assert "127,250" in said
    assert "137" in said


def test_a_classifier_that_always_says_the_commonest_class_has_learned_nothing() -> None:
    made = result("mlp")
    dataset = replace(made.dataset, baselines={"most_frequent_class_accuracy": 0.1135})
    guessed = replace(made.quality, value=0.1135, floor=None, bound=None)
    (said,) = told(replace(made, dataset=dataset, quality=guessed))
    assert "learned nothing: 11.35 %, where the commonest class alone scores 11.35 %" in said


def test_what_misses_its_floor_is_told_once() -> None:
    assert told(result("post", value=150.0)) == []


def test_what_the_kernel_does_not_show_is_said_once_and_of_a_short_run_nothing_is() -> None:
    made = result("mlp")
    short: Measured[float] = unknown("the steady epochs took 0.10 s, and this takes 0.5 s")
    hidden = replace(made.conditions, other_load=unknown("there is no /proc/stat"))
    assert told(replace(made, conditions=replace(made.conditions, other_load=short))) == []
    said = told(*(replace(made, workload=name, conditions=hidden) for name in ("mlp", "convnet")))
    assert said == [
        "Not read on this machine, and in no verdict: other load (there is no /proc/stat)"
    ]


@pytest.mark.parametrize(
    ("memory", "leaks"),
    [
        ([1.0, 1.0, 1.3, 1.6, 1.9, 2.2, 2.5], True),
        ([1.0, 1.0, 1.4, 1.4, 1.4, 1.4, 1.4], False),
        ([1.0, 1.0, 1.01, 1.02, 1.03, 1.04, 1.05], False),
        ([1.0, 1.0, 2.0, 3.0], False),
    ],
)
def test_memory_that_grows_to_the_end_is_a_leak(memory: Sequence[float], leaks: bool) -> None:
    timed = epochs([1.0] * len(memory))
    timed = replace(timed, memory=tuple(int(1e9 * each) for each in memory))
    said = told(replace(result("mlp"), epochs=timed))
    assert len(said) == leaks
    assert not leaks or "grew from 1 GB after epoch 2 to 2.5 GB after epoch 7" in said[0]
