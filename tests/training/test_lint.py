"""`lint --run` in the worker: a file with the traps, published files, and our own networks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.training.in_worker import answer

_TRAPS = """
import keras
import numpy as np

def squares(y_true, y_pred):
    errors = keras.ops.square(y_true - y_pred)
    while len(errors.shape):
        errors = keras.ops.sum(errors, axis=0)
    return errors

def model():
    layers = keras.layers
    made = keras.Sequential([
        keras.Input((12, 12, 1)), layers.Conv2D(4, 3), layers.Dropout(0.2),
        layers.BatchNormalization(), layers.Flatten(), layers.Dense(1), layers.Dropout(0.2),
    ])
    made.compile("adam", LOSS)
    return made

def data():
    x = np.random.default_rng(1).integers(0, 256, (60, 12, 12, 1)).astype("float32") / SCALE
    y = x.mean(axis=(1, 2, 3))
    return (x[:50], y[:50]), (np.concatenate([x[50:], x[:5, :, ::-1]]), np.append(y[50:], y[:5]))
"""
_LOOK = """
import json, sys
from pathlib import Path

import keras

from bench.worker import placement, traps
from bench.worker.messages import Fault, Job, OwnFile
from bench.workloads import EVERY
from bench.workloads.own import read

found = {}
for path in sys.argv[1:]:
    workload = read(Path(path))
    file = OwnFile(str(workload.path), workload.sha256, workload.batch, workload.steps)
    job = Job(workload.name, is_gpu=False, epochs=1, seed=1, data={}, own=file)
    told = found.setdefault(Path(path).stem, [])
    traps.look(job, lambda each: isinstance(each, Fault) and told.append((each.rule, each.what)))
networks = {each.name: each.build(keras) for each in EVERY.values()}
found["networks"] = [f"{name}: {each.what}" for name, made in networks.items()
                     for each in placement.faults(made)]
found["number"] = len(networks)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("lint")
    # Copies: some write pictures beside themselves.
    published = (ROOT / "tests/training/own_models").glob("*.py")
    files = [Path(shutil.copy(each, folder)) for each in sorted(published)]
    for name, loss, scale in (("bad", "squares", "1"), ("better", '"mse"', "255")):
        path = folder / f"{name}.py"
        path.write_text(_TRAPS.replace("LOSS", loss).replace("SCALE", scale))
        files.append(path)
    return answer(worker_python, _LOOK, *map(str, files), home=folder)


def test_the_traps_are_seen_on_the_built_model_and_its_data(found: Any) -> None:
    assert [rule for rule, _ in found["bad"]] == [
        "dropout-norm",
        "dropout-last",
        "no-scaling",
        "copies-across",
        "loss-sum",
    ]
    told = dict(found["bad"])
    assert told["copies-across"].startswith("5 of 15 validation examples are in the training data")
    assert told["no-scaling"].startswith("pixels up to 255 go into conv2d")


def test_what_is_scaled_and_averaged_is_not_said(found: Any) -> None:
    rules = {rule for rule, _ in found["better"]}
    assert rules == {"dropout-norm", "dropout-last", "copies-across"}


def test_of_published_files_and_our_own_networks_nothing_is_said(found: Any) -> None:
    published = [path.stem for path in (ROOT / "tests/training/own_models").glob("*.py")]
    assert len(published) >= 10
    assert {name: found[name] for name in published if found[name]} == {}
    assert found["number"] >= 10
    assert found["networks"] == []
