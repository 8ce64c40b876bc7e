"""Real trainings on JAX and PyTorch, without TensorFlow: the same networks, the same clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.record.variant import Variant
from bench.workloads.backend import FRAMEWORKS, Backend
from tests.support.keras_environments import keras_python
from tests.training.command import Command

_BACKENDS: list[Backend] = ["jax", "torch"]


@pytest.fixture(params=_BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.param
    return chosen


@pytest.fixture
def on_backend(command: Command, backend: Backend) -> Command:
    return replace(command, worker_python=keras_python(backend))


def test_the_perceptron_reaches_its_floor_on_it_and_is_told_apart(
    on_backend: Command, backend: Backend
) -> None:
    ended = on_backend.run("-k=mlp", "--precision=float32,mixed_bfloat16", "--learning-curve")
    assert ended.status == 0, ended.output
    results: Any = on_backend.record().results
    plain, mixed = results
    title = FRAMEWORKS[backend].title
    assert plain.variant == Variant(backend=backend)
    assert mixed.variant == Variant(backend=backend, precision="mixed_bfloat16")
    assert plain.worker.backend == backend
    assert plain.worker.tensorflow is None
    assert (plain.worker.pinned.precision, plain.worker.pinned.xla) == ("float32", backend == "jax")
    assert mixed.worker.pinned.precision == "mixed_bfloat16"
    assert plain.quality.value >= plain.quality.floor > plain.quality.untrained
    assert plain.epochs.quality[-1] == plain.quality.value
    assert plain.model.parameters == 623_290
    assert len(plain.epochs.steady) == 2
    assert plain.rate is not None
    assert plain.rate.peak > 1e9
    words = " ".join(ended.output.split())
    assert f"Trained with {title} {plain.worker.version}, Keras 3" in words


def test_it_trains_to_a_target_from_every_seed(on_backend: Command) -> None:
    ended = on_backend.run(
        "--time-to-target", "-k=convnet", "--limit=600", where=("bench/test_target.py",)
    )
    assert ended.status == 0, ended.output
    results: Any = on_backend.record().time_to_target
    (result,) = results
    assert all(result.targets[-1].epochs)


_OWN = """
{imports}
import keras, numpy as np

def model():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])

class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, number):
        x = np.random.default_rng(number).random((20, 8)).astype("float32")
        return x, x.sum(axis=1)

def data():
    x = np.random.default_rng(1).random((200, 8)).astype("float32")
    return {data}
"""
_ARRAYS = "((x, x.sum(axis=1)), (x, x.sum(axis=1)))"


def test_a_file_that_imports_keras_alone_is_trained(on_backend: Command, tmp_path: Path) -> None:
    for name, data in (("arrays", _ARRAYS), ("batches", "(Batches(), Batches())")):
        text = _OWN.format(imports="", data=data).replace(
            "    return keras.Sequential", "    made = keras.Sequential"
        )
        text = text.replace(
            "Dense(1)])\n", "Dense(1)])\n    made.compile('sgd', 'mse')\n    return made\n"
        )
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    ended = on_backend.run(*(f"--workload={tmp_path / name}.py" for name in ("arrays", "batches")))
    assert ended.status == 0, ended.output
    results: Any = on_backend.record().results
    first, second = results
    assert (first.dataset.note, second.dataset.note) == ("arrays in memory", "PyDataset")
    for each in (first, second):
        assert each.quality.value < each.quality.untrained
        assert each.worker.tensorflow is None


def test_a_file_that_imports_tensorflow_is_told(on_backend: Command, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(_OWN.format(imports="import tensorflow as tf", data=_ARRAYS), encoding="utf-8")
    ended = on_backend.run(f"--workload={file}")
    assert ended.status == 1
    told = "own.py:2: it imports TensorFlow, and is trained without it here; write it with keras"
    assert told in " ".join(ended.output.split())


def test_an_environment_is_told_what_it_lacks(on_backend: Command, backend: Backend) -> None:
    ended = on_backend.run("-k=mlp", "--backend=tensorflow")
    assert ended.status == 4
    assert "(--worker-python) has no TensorFlow; run `./run site`" in ended.output
    ended = on_backend.run("-k=mlp", "--mode=tuned")
    assert ended.status == 4
    assert f"--mode tuned is not for {FRAMEWORKS[backend].title}: its loop" in ended.output
