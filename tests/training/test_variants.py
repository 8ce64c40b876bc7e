"""Real trainings with another batch, precision and way to call: what was asked for is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.record.variant import Variant
from bench.report import rows
from tests.training.command import Command

_OWN = """
import keras, numpy as np

def model():
    made = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    made.compile("adam", "mse")
    return made

def data():
    x = np.random.default_rng(1).random((200, 8), "float32")
    return (x, x.sum(axis=1)), (x, x.sum(axis=1))
"""


def test_a_published_network_is_trained_as_asked_for(command: Command) -> None:
    asked = (
        "--batch=1000",
        "--precision=mixed_bfloat16",
        "--xla=on",
        "--steps-per-execution=4",
        "--learning-curve",
        "--epochs=3",
        "--inference-seconds=0.2",
    )

    command = replace(command, variables={"TF_NUM_INTRAOP_THREADS": "1"})
    ended = command.run("-k=mlp", *asked)
    assert ended.status == 0, ended.output
    result = command.result("mlp")
    assert result.variant == Variant(batch=1000, precision="mixed_bfloat16", xla=True, steps=4)
    pinned = result.worker.pinned
    assert (pinned.precision, pinned.xla, pinned.threads) == ("mixed_bfloat16", True, 1)
    assert result.quality.floor is None
    assert len(result.epochs.steady) == 2
    assert result.quality.value > 0.5
    assert result.epochs.quality[-1] == result.quality.value
    assert result.epochs.quality[0] < result.quality.value
    before, *learned = result.epochs.training
    assert before < 0.3
    assert len(learned) == len(result.epochs.quality)
    assert learned[-1] == result.quality.training
    assert result.epochs.memory is not None
    assert min(result.epochs.memory) > 100e6
    answers = result.inference.value
    assert answers.latency.calls >= 3
    assert 0 < answers.latency.median < answers.latency.first
    assert answers.throughput.batch == 1000
    assert answers.conditions.seconds is not None
    assert "Inference: the CPU answers one image in" in ended.output
    assert "Trained with TF_NUM_INTRAOP_THREADS=1" in " ".join(ended.output.split())


def test_a_model_of_ones_own_is_trained_as_asked_for(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(_OWN, encoding="utf-8")
    ended = command.run(f"--workload={file}", "--batch=10", "--xla=on")
    assert ended.status == 0, ended.output
    (result,) = rows.finished(command.record().results)
    assert result.variant == Variant(batch=10, xla=True)
    assert result.worker.pinned.xla
