"""Real trainings on JAX and PyTorch, without TensorFlow: the same networks, the same clock."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.prepared import Store
from bench.record.variant import Variant
from bench.worker.messages import Job, OwnFile
from bench.workloads import WORKLOADS
from bench.workloads.backend import FRAMEWORKS, Backend
from bench.workloads.own import read
from bench.workloads.workload import Schedule
from tests.support.keras_environments import keras_python
from tests.training.command import Command
from tests.training.in_worker import answer, of_event

_BACKENDS: list[Backend] = ["jax", "torch"]


@pytest.mark.parametrize("backend", _BACKENDS)
def test_the_perceptron_reaches_its_floor_on_it_and_is_told_apart(
    command: Command, backend: Backend
) -> None:
    alone = {"OMP_NUM_THREADS": "1"}  # PyTorch's others would turn round and round for the last
    on_backend = replace(command, worker_python=keras_python(backend), variables=alone)
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


_OWN = """
{imports}
import keras, numpy as np

def model():
    made = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made

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
_FILES = {
    "arrays": _OWN.format(imports="", data=_ARRAYS),
    "batches": _OWN.format(imports="", data="(Batches(), Batches())"),
    "own": _OWN.format(imports="import tensorflow as tf", data=_ARRAYS),
}


# What a worker does with one job after another, in one start: what was said of each.
_TRAIN = """
import dataclasses, json, sys

from bench.worker import own, training
from bench.worker.messages import Job
from bench.worker.own.file import FileError

said = {}
for name, line in json.loads(sys.argv[1]):
    job, told = Job.read(line), said.setdefault(name, [])
    def say(message):
        told.append({"event": type(message).__name__, **dataclasses.asdict(message)})
    try:
        (own if job.own else training).train(job, say)
    except FileError as error:
        told.append({"event": "FileError", "message": str(error)})
print(json.dumps(said))
"""

Said = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module", params=_BACKENDS)
def said(
    request: pytest.FixtureRequest, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Said:
    """Two files of one's own, one that cannot be trained, the perceptron in two ways."""
    backend: Backend = request.param
    folder = tmp_path_factory.mktemp(backend)
    jobs = []
    for name, text in _FILES.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        workload = read(folder / f"{name}.py")
        file = OwnFile(str(workload.path), workload.sha256, workload.batch, workload.steps)
        jobs.append((name, Job(workload.name, False, 3, 1, {}, own=file, backend=backend)))
    store = Store(folder, None, cache, synthetic=True)
    files = store.prepare(WORKLOADS["mlp"], Schedule(5, 2100, 500)).files
    perceptron = Job("mlp", False, 5, 1, files, backend=backend)
    jobs.append(("target", replace(perceptron, target=0.5, seeds=(1, 2))))
    if backend == "jax":
        reduced = replace(perceptron, epochs=3, precision="mixed_bfloat16", steps=10)
        jobs.append(("reduced", reduced))
    lines = json.dumps([(name, job.line()) for name, job in jobs])
    made: Said = answer(keras_python(backend), _TRAIN, lines, home=folder, backend=backend)
    return made


@pytest.mark.parametrize("said", ["jax"], indirect=True)  # PyTorch's takes minutes on a CPU
def test_reduced_precision_is_computed_in_where_it_is_asked_for(said: Said) -> None:
    (ready,), (quality,) = (of_event(said["reduced"], event) for event in ("Ready", "Quality"))
    assert ready["pinned"]["precision"] == "mixed_bfloat16"
    assert len(of_event(said["reduced"], "Epoch")) == 3
    assert quality["value"] > quality["untrained"]


def test_it_trains_from_every_seed_to_a_target(said: Said) -> None:
    epochs, (quality,) = of_event(said["target"], "Epoch"), of_event(said["target"], "Quality")
    qualities = {seed: [e["quality"] for e in epochs if e["seed"] == seed] for seed in (1, 2)}
    for reached in qualities.values():
        assert reached[-1] >= 0.5
        assert all(each < 0.5 for each in reached[:-1])
    assert quality["untrained"] < 0.4
    assert qualities[1] != qualities[2]


def test_a_file_that_imports_keras_alone_is_trained_and_one_that_imports_tensorflow_is_told(
    said: Said,
) -> None:
    told = "own.py:2: it imports TensorFlow, and is trained without it here; write it with keras"
    assert told in said["own"][-1]["message"]
    for name, kind in (("arrays", "arrays in memory"), ("batches", "PyDataset")):
        (data,), (quality,) = (of_event(said[name], event) for event in ("Data", "Quality"))
        assert data["kind"] == kind
        assert quality["value"] < quality["untrained"]
        assert {each["tensorflow"] for each in of_event(said[name], "Ready")} == {None}


def test_an_environment_is_told_what_it_lacks(command: Command) -> None:
    jax = replace(command, worker_python=keras_python("jax"))
    ended = jax.run("-k=mlp", "--backend=tensorflow")
    assert ended.status == 4
    assert "(--worker-python) has no TensorFlow; run `./run site`" in ended.output
    ended = jax.run("-k=mlp", "--mode=tuned")
    assert ended.status == 4
    assert "--mode tuned is not for JAX: its loop" in ended.output
