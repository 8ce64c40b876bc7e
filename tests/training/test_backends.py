"""Real trainings on JAX and PyTorch, without TensorFlow: the same networks, the same clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.prepared import Store
from bench.record.variant import Variant
from bench.runner.events import ignore
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads import WORKLOADS
from bench.workloads.backend import FRAMEWORKS, Backend
from bench.workloads.workload import Schedule
from tests.support.keras_environments import keras_python
from tests.support.records import CPU
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
    ended = on_backend.run("-k=mlp", "--learning-curve", "--inference-seconds=0.2", "-v")
    assert ended.status == 0, ended.output
    result = on_backend.result("mlp")
    assert result.variant == Variant(backend=backend)
    assert result.worker.backend == backend
    assert result.worker.tensorflow is None
    pinned = result.worker.pinned
    assert (pinned.precision, pinned.xla) == ("float32", backend == "jax")
    assert result.quality.value >= result.quality.floor > result.quality.untrained
    assert result.epochs.quality[-1] == result.quality.value
    assert result.model.parameters == 623_290
    assert len(result.epochs.steady) == 2
    assert result.inference.value.latency.calls >= 3
    assert result.inference.value.throughput.batch == 200
    assert result.rate.peak > 1e9
    title = FRAMEWORKS[backend].title
    told = f"Trained with {title} {result.worker.version}, Keras 3"
    assert told in " ".join(ended.output.split())


def test_reduced_precision_is_computed_in_where_it_is_asked_for(command: Command) -> None:
    jax = replace(command, worker_python=keras_python("jax"))  # PyTorch's takes minutes on a CPU
    ended = jax.run("-k=mlp", "--precision=mixed_bfloat16", "--steps-per-execution=10")
    assert ended.status == 0, ended.output
    result = jax.result("mlp")
    assert result.variant == Variant(backend="jax", precision="mixed_bfloat16", steps=10)
    assert result.worker.pinned.precision == "mixed_bfloat16"


def test_it_trains_from_every_seed_to_a_target(
    backend: Backend, cache: Path, tmp_path: Path
) -> None:
    workload = WORKLOADS["mlp"]
    prepared = Store(tmp_path, None, cache, synthetic=True).prepare(
        workload, Schedule(5, 2100, 500)
    )
    job = Job(workload.name, False, 5, 1, prepared.files, target=0.5, seeds=(1, 2), backend=backend)
    launch = Launch("it", CPU, keras_python(backend), DEFAULT_LIMITS, tmp_path)
    with WorkerProcess(job, launch, ignore) as worker:
        epochs, outcome = list(worker.epochs()), worker.outcome()
    qualities = {seed: [e.quality for e in epochs if e.seed == seed] for seed in (1, 2)}
    for reached in qualities.values():
        assert reached[-1] is not None
        assert reached[-1] >= 0.5
        assert all(each is not None and each < 0.5 for each in reached[:-1])
    assert outcome.quality.untrained < 0.4
    assert qualities[1] != qualities[2]


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


def test_a_file_that_imports_keras_alone_is_trained_and_one_that_imports_tensorflow_is_told(
    on_backend: Command, tmp_path: Path
) -> None:
    for name, data in (("arrays", _ARRAYS), ("batches", "(Batches(), Batches())")):
        text = _OWN.format(imports="", data=data).replace(
            "    return keras.Sequential", "    made = keras.Sequential"
        )
        text = text.replace(
            "Dense(1)])\n", "Dense(1)])\n    made.compile('sgd', 'mse')\n    return made\n"
        )
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    text = _OWN.format(imports="import tensorflow as tf", data=_ARRAYS)
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    names = ("arrays", "batches", "own")
    ended = on_backend.run(*(f"--workload={tmp_path / name}.py" for name in names))
    assert ended.status == 1, ended.output
    told = "own.py:2: it imports TensorFlow, and is trained without it here; write it with keras"
    assert told in " ".join(ended.output.split())
    results: Any = on_backend.record().results
    first, second, _ = results
    assert (first.dataset.note, second.dataset.note) == ("arrays in memory", "PyDataset")
    for each in (first, second):
        assert each.quality.value < each.quality.untrained
        assert each.worker.tensorflow is None


def test_an_environment_is_told_what_it_lacks(command: Command) -> None:
    jax = replace(command, worker_python=keras_python("jax"))
    ended = jax.run("-k=mlp", "--backend=tensorflow")
    assert ended.status == 4
    assert "(--worker-python) has no TensorFlow; run `./run site`" in ended.output
    ended = jax.run("-k=mlp", "--mode=tuned")
    assert ended.status == 4
    assert "--mode tuned is not for JAX: its loop" in ended.output
