"""Tuned is the same training as stock: step for step where nothing is drawn, and over seeds."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets.prepared import Store
from bench.worker.messages import Job
from bench.workloads import WORKLOADS
from bench.workloads.workload import MODES, Schedule
from tests.training.in_worker import answer

# One epoch in the same order of images and without dropout, once by `fit` and once tuned.
_ONE_EPOCH = """
import json, sys
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from bench.worker import network, tuned
from bench.worker.task import Arrays, Task
from bench.workloads import WORKLOADS
from bench.workloads.design import Design

def drawn(workload):
    keras.utils.set_random_seed(5)
    model = network.compiled(keras, workload)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return model

def learned(name, batches):
    name, _, xla = name.partition("+")
    tuned.uses_xla = lambda tf: bool(xla)
    workload = WORKLOADS[name]
    if name == "post":
        workload = workload.changed_by(Design(size=128))  # still too much for halves
    if xla:
        workload = replace(workload, batch=16)  # its convolutions are slow on a CPU
    images = batches * workload.batch + workload.batch // 2 + 1  # and an odd half of a batch
    draw = np.random.default_rng(7)
    x = draw.integers(0, 256, (images, *workload.image), dtype=np.uint8)
    y = draw.integers(0, 10, images)
    if workload.scale is None:
        y = y.astype("float32")
    else:
        x = x.astype("float32") * np.float32(workload.scale)
    stock = drawn(workload)
    before = np.concatenate([w.ravel() for w in stock.get_weights()])
    fitted = stock.fit(x, y, batch_size=workload.batch, shuffle=False, verbose=0)
    losses = [fitted.history["loss"][0]]
    keep = lambda epoch, _: losses.append(epoch.loss)
    task = Task(workload, Arrays(x, y), 1, 1, lambda: None, keep)
    trainer = tuned.Tuned(tf, keras, drawn(workload), task, lambda _: tf.range(images))
    trainer.train(task)
    model = trainer.model
    names = [layer.name for layer in model.layers]
    halved = tuned.halves_pay(tf, network.flop_per_image(model), workload.batch)
    weights = [np.concatenate([w.ravel() for w in m.get_weights()]) for m in (stock, model)]
    moved, apart = np.abs(weights[0] - before), np.abs(weights[0] - weights[1])
    return {"names": names, "losses": losses, "halved": halved,
            "moved": float(moved.mean()), "apart": float(apart.mean()), "most": float(apart.max()),
            "drawn": drawn_loss(workload, Arrays(x, y)) if xla else None}

def drawn_loss(workload, data):
    keras.utils.set_random_seed(5)
    losses = []
    task = Task(workload, data, 1, 1, lambda: None, lambda epoch, _: losses.append(epoch.loss))
    tuned.Tuned(tf, keras, network.compiled(keras, workload), task).train(task)
    return losses[0]

print(json.dumps({name: learned(name, int(batches))
                  for name, batches in (pair.split("=") for pair in sys.argv[1:])}))
"""

_BATCHES = {
    "mlp": 10,
    "cnn_simple": 10,
    "cnn_large": 10,
    "convnet": 10,
    "post": 1,
    "convnet+xla": 3,
}


@pytest.fixture(scope="module")
def one_epoch(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pairs = [f"{name}={batches}" for name, batches in _BATCHES.items()]
    home = tmp_path_factory.mktemp("one-epoch")
    learned: dict[str, Any] = answer(worker_python, _ONE_EPOCH, *pairs, home=home)
    return learned


@pytest.mark.parametrize("name", _BATCHES)
def test_with_the_same_order_and_no_dropout_an_epoch_leaves_the_same_weights(
    one_epoch: dict[str, Any], name: str
) -> None:
    learned = one_epoch[name]
    fitted, tuned = learned["losses"]
    assert tuned == pytest.approx(fitted, rel=1e-4)
    # Float32 sums in another order; Adam lets the least gradients grow to a step of 0.001.
    assert learned["moved"] > 0
    assert learned["apart"] < learned["moved"] / 200
    assert learned["most"] < 1e-3


def test_xla_compiles_the_whole_epoch_its_order_and_its_dropout(one_epoch: dict[str, Any]) -> None:
    learned = one_epoch["convnet+xla"]
    assert learned["drawn"] == pytest.approx(learned["losses"][0], rel=0.1)
    assert learned["drawn"] != learned["losses"][1]


def test_only_small_batches_are_halved_and_only_where_xla_is_off(
    one_epoch: dict[str, Any],
) -> None:
    halved = {name for name, learned in one_epoch.items() if learned["halved"]}
    assert halved == {"mlp", "cnn_simple", "cnn_large", "convnet"}


def test_the_activation_comes_behind_the_pooling(one_epoch: dict[str, Any]) -> None:
    kinds = [re.sub(r"_\d+$", "", name) for name in one_epoch["post"]["names"]]
    assert kinds[:3] == ["conv2d", "max_pooling2d", "leaky_re_lu"]
    assert kinds[-4:] == ["dense", "leaky_re_lu", "dropout", "dense"]


# ---- over seeds, with the order, dropout and a partial batch drawn

_SEEDS = tuple(range(1, 9))
_CURVES = """
import json, sys
from bench.worker.messages import Epoch, Job
from bench.worker.training import train

curves = []
for line in sys.argv[1:]:
    said = []
    train(Job.read(line), said.append)
    epochs = [message for message in said if isinstance(message, Epoch)]
    for seed in dict.fromkeys(each.seed for each in epochs):
        of_seed = [each for each in epochs if each.seed == seed]
        losses = [each.loss for each in of_seed]
        curves.append({"losses": losses, "quality": of_seed[-1].quality})
print(json.dumps(curves))
"""


@pytest.fixture(scope="module")
def curves(
    worker_python: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """By mode, the losses and the accuracy that each seed came to on 1,500 drawn digits."""
    folder = tmp_path_factory.mktemp("curves")
    workload = WORKLOADS["cnn_simple"]  # batches of 200: the last one holds 100
    prepared = Store(folder, None, cache, synthetic=True).prepare(workload, Schedule(4, 1500, 1000))
    # To a target that nobody reaches: all seeds in one start, each for all of its epochs.
    job = Job(workload.name, False, 4, 1, prepared.files, target=2.0, seeds=_SEEDS)
    alone = replace(job, mode="tuned", target=None, seeds=(), seed=_SEEDS[1])
    jobs = [*(replace(job, mode=mode) for mode in MODES), alone]
    came_to = answer(worker_python, _CURVES, *(each.line() for each in jobs), home=folder)
    number = len(_SEEDS)
    return {
        "stock": came_to[:number],
        "tuned": came_to[number : 2 * number],
        "tuned alone": came_to[2 * number :],
    }


def _apart(stock: list[float], tuned: list[float]) -> tuple[float, float]:
    """How far the means lie apart, and the standard error of that (Welch)."""
    error = np.sqrt((np.var(stock, ddof=1) + np.var(tuned, ddof=1)) / len(stock))
    return abs(float(np.mean(stock) - np.mean(tuned))), float(error)


# Of pure chance, two means of eight lie more than 4.2 standard errors apart once in a thousand.
_MOST_ERRORS = 4.2


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_the_losses_of_both_modes_fall_alike_over_seeds(
    curves: dict[str, list[dict[str, Any]]], epoch: int
) -> None:
    stock, tuned = (
        [seed["losses"][epoch - 1] for seed in curves[mode]] for mode in ("stock", "tuned")
    )
    apart, error = _apart(stock, tuned)
    assert apart < _MOST_ERRORS * error
    assert apart < 0.06 * np.mean(stock)  # and the seeds do not scatter so much that all would pass


def test_both_modes_end_equally_accurate_over_seeds(
    curves: dict[str, list[dict[str, Any]]],
) -> None:
    stock, tuned = ([seed["quality"] for seed in curves[mode]] for mode in ("stock", "tuned"))
    apart, error = _apart(stock, tuned)
    assert apart < _MOST_ERRORS * error
    assert apart < 0.02
    assert min(stock + tuned) > 0.5


def test_a_tuned_training_is_repeated_by_its_seed_and_not_by_another(
    curves: dict[str, list[dict[str, Any]]],
) -> None:
    (alone,) = curves["tuned alone"]
    alike = [
        seed
        for seed, each in zip(_SEEDS, curves["tuned"], strict=True)
        if each["losses"] == pytest.approx(alone["losses"], rel=1e-3)
    ]
    assert alike == [_SEEDS[1]]
