"""Several devices, tried on the CPU: the same code spans virtual devices of it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bench.datasets.prepared import Store
from bench.record.timing import Timings
from bench.runner.events import ignore
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads import WORKLOADS
from bench.workloads.workload import Schedule
from tests.support.records import CPU
from tests.training.in_worker import answer

_EPOCHS, _IMAGES = 3, 2100


def _job(name: str, cache: Path, folder: Path) -> Job:
    store = Store(folder, None, cache, synthetic=True)
    prepared = store.prepare(WORKLOADS[name], Schedule(_EPOCHS, _IMAGES, 1000))
    return Job(name, False, _EPOCHS, 1, prepared.files)


def _worker(job: Job, python: Path, folder: Path) -> WorkerProcess:
    return WorkerProcess(job, Launch("it", CPU, python, DEFAULT_LIMITS, folder), ignore)


# A process of its own: TensorFlow numbers what its devices exchange, whatever network it is of.
_TRAIN = """
import dataclasses, json, sys
from bench.worker import training
from bench.worker.messages import Job

said = []
def say(message):
    said.append({"event": type(message).__name__, **dataclasses.asdict(message)})
training.train(Job.read(sys.argv[1]), say)
print(json.dumps(said))
"""


def test_one_network_trains_over_two_devices_and_learns(
    cache: Path, worker_python: Path, tmp_path: Path
) -> None:
    job = replace(_job("mlp", cache, tmp_path), replicas=2)
    said = answer(worker_python, _TRAIN, job.line(), home=tmp_path)
    last = {each["event"]: each for each in said}
    assert last["Ready"]["replicas"] == 2
    assert last["Ready"]["pinned"]["xla"] is False
    assert last["Quality"]["value"] > 0.5 > last["Quality"]["untrained"]
    epochs = [each for each in said if each["event"] == "Epoch"]
    assert [epoch["number"] for epoch in epochs] == [1, 2, 3]
    assert epochs[0]["loss"] > epochs[1]["loss"] > epochs[2]["loss"]


# One network over two devices and one on a single one, from the same weights on the same batches.
_BOTH_WAYS = """
import json
import keras
import numpy as np
import tensorflow as tf

from bench.worker import network
from bench.worker.backends import on_tensorflow
from bench.workloads import WORKLOADS

on_tensorflow.split_cpu(tf, 2)
workload = WORKLOADS["cnn_simple"]
draw = np.random.default_rng(7)
x = draw.random((500, 28, 28, 1), dtype=np.float32)
y = draw.integers(0, 10, 500)
weights, losses = [], []
for replicas in (1, 2):
    keras.utils.set_random_seed(5)
    with on_tensorflow.scope(tf, replicas):
        model = network.compiled(keras, workload)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    before = np.concatenate([w.ravel() for w in model.get_weights()])
    fitted = model.fit(x, y, batch_size=200, shuffle=False, verbose=0)
    weights.append(np.concatenate([w.ravel() for w in model.get_weights()]) - before)
    losses.append(fitted.history["loss"][0])
moved, apart = np.abs(weights[0]).mean(), np.abs(weights[0] - weights[1]).mean()
print(json.dumps({"moved": float(moved), "apart": float(apart), "losses": losses}))
"""


def test_over_two_devices_it_is_the_same_training(worker_python: Path, tmp_path: Path) -> None:
    learned = answer(worker_python, _BOTH_WAYS, home=tmp_path)
    one, two = learned["losses"]
    assert two == pytest.approx(one, rel=1e-3)
    assert learned["moved"] > 0
    assert learned["apart"] < learned["moved"] / 50


def test_trainings_at_once_go_on_together_after_epoch_1(
    cache: Path, worker_python: Path, tmp_path: Path
) -> None:
    job = _job("cnn_simple", cache, tmp_path)
    with ExitStack() as stack:
        workers = []
        for name in ("one", "other"):
            (folder := tmp_path / name).mkdir()
            worker = _worker(replace(job, wait=True, epochs=10), worker_python, folder)
            workers.append(stack.enter_context(worker))
        coming = [worker.epochs() for worker in workers]
        epochs = [[next(each)] for each in coming]
        for worker in workers:
            worker.go_on()
        epochs = [[*first, *rest] for first, rest in zip(epochs, coming, strict=True)]
        outcomes = [worker.outcome() for worker in workers]
    first, second = (Timings(tuple(each)) for each in epochs)
    # The quicker one waited for the other's epoch 1.
    assert min(each[1].begun for each in epochs) >= max(each[0].ended for each in epochs)
    assert 0 < first.concurrent_share([second]) <= 1
    assert min(outcome.quality.value for outcome in outcomes) > 0.5
