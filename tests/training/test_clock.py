"""What is on an epoch's clock, and what is not, in real trainings under the installed Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.in_worker import answer

_PAUSE = 2.0  # s; a hundred times what these epochs take, so that a busy machine does not matter

# `fit` as Stock calls it, and the loop over files.  To let go of an epoch's pipeline takes long, as
# it may for tf.data's autotuner; here it only sleeps.
_TRAIN = """
import json, sys, time

import keras
import numpy as np
import tensorflow as tf

from bench.worker import files, network, stock
from bench.worker.task import Arrays, Task
from bench.workloads import WORKLOADS

pause = float(sys.argv[1])
workload = WORKLOADS["mlp"]
images = np.zeros((4 * workload.batch, *workload.image), np.float32)
data = Arrays(images, np.zeros(len(images), np.int64))
epochs = []

def epoch_end(it, model):
    epochs.append({"seconds": it.ended - it.begun, "waited": it.waited, "paused": it.paused})

task = Task(workload, data, 3, 1, lambda: None, epoch_end)

class Batches:
    def __init__(self):
        self.left = [(images[:2], data.y[:2])] * 3
    def __iter__(self):
        return self
    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop()
    def __del__(self):
        time.sleep(pause)

class Pipeline:
    def __iter__(self):
        return Batches()

files.pipeline = lambda *_: Pipeline()
files.train(tf, network.compiled(keras, workload), task, [], cold=False)
told = {"files": list(epochs)}

from keras.src.backend.tensorflow.trainer import TFEpochIterator as Iterator
steps = Iterator._enumerate_iterator
begun = []
def late(self):
    if begun:
        time.sleep(pause)
    begun.append(True)
    yield from steps(self)
Iterator._enumerate_iterator = late
epochs.clear()
model = network.compiled(keras, workload)
model.make_train_function()
train_function = model.train_function
stock.Stock(keras, model).train(task)
assert model.train_function is train_function
print(json.dumps({**told, "fit": epochs}))
"""


@pytest.fixture(scope="module")
def trained(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return answer(worker_python, _TRAIN, str(_PAUSE), home=tmp_path_factory.mktemp("clock"))


def test_what_fit_does_before_the_first_batch_of_an_epoch_is_a_pause_and_not_on_the_clock(
    trained: Any,
) -> None:
    first, *steady = trained["fit"]
    assert 0 <= first["paused"] < first["seconds"]
    assert len(steady) == 2
    for epoch in steady:
        assert epoch["paused"] >= _PAUSE
        assert epoch["seconds"] < _PAUSE


def test_letting_go_of_a_pipeline_of_files_is_not_waiting_for_images(trained: Any) -> None:
    assert len(trained["files"]) == 3
    for epoch in trained["files"][1:]:
        assert epoch["paused"] is None
        assert 0 <= epoch["waited"] < _PAUSE
        assert epoch["seconds"] < _PAUSE
