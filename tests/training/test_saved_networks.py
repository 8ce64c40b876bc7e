"""Networks that Keras itself saves and opens: which are let through, and answer as before."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bench.errors import GrindstoneError
from bench.predict import archive
from tests.training.in_worker import answer

# Of every kind of layer that there is, in the cheapest networks that have it.
NETWORKS = ("mlp", "cnn_large", "last", "cifar_classic")

_CODE = """
import io, json, sys, zipfile
from pathlib import Path
import h5py
import numpy as np
from bench.worker import backends, network, prediction, saving, tuned
from bench.worker.answers import Question
from bench.worker.messages import Done, Job, Unsaved
from bench.worker.task import as_taken
from bench.workloads import EVERY

folder, names = Path(sys.argv[1]), sys.argv[2].split(",")
keras = backends.load(Job("mlp", False, 3, 1, {})).keras
draw = np.random.default_rng(5)

def predicted(path, workload, images):
    asked = Question(str(path), str(folder / "x.npy"), str(folder / "y.npy"),
                     workload.scale, workload.target_scale, batch=2)
    np.save(asked.images, images)
    said = []
    job = Job(workload.name, False, 1, 1, {}, purpose="prediction", question=asked)
    try:
        prediction.predict(job, said.append)
    except prediction.NetworkError as error:
        return str(error)
    assert said[-1] == Done()
    return np.load(asked.answers)

def saved(name):
    workload = EVERY[name]
    model = network.compiled(keras, workload)
    if name == "cnn_large":
        model = tuned.pooled_first(keras, model)  # as the tuned mode leaves it
    path, said = folder / f"{name}.keras", []
    saving.save(model, str(path), said.append)
    assert not [each for each in said if isinstance(each, Unsaved)], said
    images = draw.integers(0, 256, (3, *workload.image), dtype=np.uint8)
    own = np.asarray(model.predict_on_batch(as_taken(images, workload.scale)))
    return float(np.abs(predicted(path, workload, images) - own).max() / np.abs(own).max())

def with_weights(change):
    held = io.BytesIO()
    with zipfile.ZipFile(folder / "mlp.keras") as whole:
        parts = {each: whole.read(each) for each in whole.namelist()}
    held = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(held, "r+") as file:
        change(file)
    parts["model.weights.h5"] = held.getvalue()
    with zipfile.ZipFile(folder / "changed.keras", "w") as made:
        for each, data in parts.items():
            made.writestr(each, data)
    told = predicted(folder / "changed.keras", EVERY["mlp"], np.zeros((1, 28, 28, 1), np.uint8))
    return told if isinstance(told, str) else "let through"

def link(file):
    file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")

def outside(file):
    file.create_dataset("outside", (4,), "u1", external=[("/etc/passwd", 0, 4)])

def enormous(file):
    file.create_dataset("enormous", (1 << 40,), "f4", chunks=(1 << 20,))

def text(file):
    file["text"] = "import os"

def round_and_round(file):
    file["again"] = file["/"]

def cut(file):
    del file["layers"]

away = {name: saved(name) for name in names}
lambda_ = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
saving.save(lambda_, str(folder / "lambda.keras"), print, whole=True)
by_keras = predicted(folder / "lambda.keras", EVERY["post"], np.zeros((1, 2), np.uint8))
told = {each.__name__: with_weights(each)
        for each in (link, outside, enormous, text, round_and_round, cut)}
print(json.dumps({"away": away, "told": told, "lambda": str(by_keras)}))
"""


@pytest.fixture(scope="module")
def made(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("networks")
    told = answer(worker_python, _CODE, str(folder), ",".join(NETWORKS), home=folder)
    return told, folder


@pytest.mark.parametrize("name", NETWORKS)
def test_a_saved_network_is_let_through_and_answers_as_it_did_before(
    made: tuple[Any, Path], name: str
) -> None:
    told, folder = made
    archive.check(folder / f"{name}.keras", name)
    assert told["away"][name] < 1e-5


def test_a_network_is_saved_without_its_optimizer_and_its_loss(made: tuple[Any, Path]) -> None:
    with zipfile.ZipFile(made[1] / "last.keras") as saved:
        config = json.loads(saved.read("config.json"))
    assert "pseudo_huber" not in json.dumps(config)
    assert not config.get("compile_config")
    assert (made[1] / "mlp.keras").stat().st_size < 623_290 * 4 * 1.1


def test_a_lambda_layer_is_refused_before_keras_and_by_keras(made: tuple[Any, Path]) -> None:
    told, folder = made
    with pytest.raises(GrindstoneError, match="has a program in it"):
        archive.check(folder / "lambda.keras", "lambda.keras")
    assert "cannot load it" in told["lambda"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("link", "points elsewhere ('elsewhere')"),
        ("outside", "something else than numbers ('outside')"),
        ("enormous", "claims 4,398,0"),
        ("text", "something else than numbers ('text')"),
        ("round_and_round", "groups in groups without end"),
        ("cut", "cannot load it"),
    ],
)
def test_weights_that_are_more_or_less_than_numbers_are_refused(
    made: tuple[Any, Path], change: str, why: str
) -> None:
    assert why in made[0]["told"][change]
