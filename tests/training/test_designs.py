"""Designs as Keras builds them: one process of TensorFlow, networks made small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.in_worker import answer, of_event

_BUILD = """
import json
import keras
import numpy as np

from bench.worker import network, placement
from bench.workloads import EVERY
from bench.workloads.design import Design

def built(name, **changes):
    keras.utils.set_random_seed(1)
    return network.compiled(keras, EVERY[name].changed_by(Design(**changes)), length=100)

def kinds(model):
    return [type(layer).__name__ for layer in model.layers]

def fingerprint(model):
    return [float(np.sum(each)) for each in model.get_weights()]

small = dict(size=32)
images = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), np.uint8)
plain = built("post", **small)
average, none = built("post", pooling="average", **small), built("post", dropout=0.0, **small)
moved = built("post", augment="shift-flip", **small)
behind = built("post", last_dropout=0.5, **small)
cycle = built("mlp", rates="one-cycle", learning_rate=0.01)
summed = built("post", loss="sum", **small)
y = np.arange(4, dtype="float32")
found = {
    "parameters": plain.count_params(),
    "filters": built("post", filters=(32, 32, 64), **small).count_params(),
    "dense": built("post", dense=(128, 32), **small).count_params(),
    "average": kinds(average).count("AveragePooling2D"),
    "no max": kinds(average).count("MaxPooling2D"),
    "same weights": fingerprint(plain) == fingerprint(average) == fingerprint(none),
    "rates of dropout": [each.rate for each in none.layers if hasattr(each, "rate")],
    "moved alike": bool(np.allclose(plain.predict(images, verbose=0),
                                    moved.predict(images, verbose=0), rtol=1e-4)),
    "moved": not np.allclose(moved(images, training=True), moved(images, training=False)),
    "sum": float(summed.evaluate(images, y, verbose=0)),
    "mean": float(plain.evaluate(images, y, verbose=0)),
    "rates": [float(cycle.optimizer.learning_rate)] + [
        float(cycle.optimizer._learning_rate(step)) for step in (0, 25, 100)
    ],
    "well placed": [len([*placement.faults(built(name))]) for name in ("cnn_large", "convnet")],
    "ill placed": [each.what for each in placement.faults(behind)],
}
"""


@pytest.fixture(scope="module")
def both(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Keras built of Grindstone's designs, and what was said of a file of one's own."""
    folder = tmp_path_factory.mktemp("designs")
    file = folder / "own_model.py"
    file.write_text(_OWN, encoding="utf-8")
    return answer(worker_python, _BUILD + _LOOK, str(file), home=folder)


@pytest.fixture(scope="module")
def found(both: Any) -> Any:
    return both["found"]


@pytest.fixture(scope="module")
def looked(both: Any) -> Any:
    return both["said"]


def _convolutions(filters: tuple[int, ...]) -> int:
    """Weights of 3x3 convolutions, the first of which sees three channels."""
    seen = (3, *filters[:-1])
    return sum(9 * before * after + after for before, after in zip(seen, filters, strict=True))


def test_layers_are_those_that_were_asked_for(found: Any) -> None:
    # 32 pixels are 30, 15; 13, 6; 4, 2 behind three valid convolutions and poolings.
    def dense(*units: int) -> int:
        before = (units[0], *units[1:-1])
        return sum(a * b + b for a, b in zip(before, units[1:], strict=True))

    assert found["parameters"] == _convolutions((32, 64, 128)) + dense(2 * 2 * 128, 128, 1)
    assert found["filters"] == _convolutions((32, 32, 64)) + dense(2 * 2 * 64, 128, 1)
    assert found["dense"] == _convolutions((32, 64, 128)) + dense(2 * 2 * 128, 128, 32, 1)
    assert (found["average"], found["no max"]) == (3, 0)


def test_a_seed_draws_the_same_weights_where_there_are_as_many(found: Any) -> None:
    assert found["same weights"]
    assert found["rates of dropout"] == [0.0]


def test_images_are_moved_in_training_alone(found: Any) -> None:
    assert found["moved alike"]
    assert found["moved"]


def test_squares_are_added_up_over_the_batch(found: Any) -> None:
    assert found["sum"] == pytest.approx(4 * found["mean"], rel=1e-3)


def test_a_cycle_climbs_from_a_25th_to_its_peak_and_falls(found: Any) -> None:
    _, first, peak, last = found["rates"]
    assert first == pytest.approx(0.01 / 25)
    assert peak == pytest.approx(0.01, rel=0.05)
    assert last < 0.01 / 1000


def test_the_published_networks_have_their_dropout_in_its_place(found: Any) -> None:
    assert found["well placed"] == [0, 0]
    (told,) = found["ill placed"]
    assert told.startswith("dropout behind the last layer")


_OWN = """
import keras, numpy as np

def model():
    layers = keras.layers
    made = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"),
                             layers.Dense(1), layers.Dropout(0.5)])
    made.compile("adam", "mse")
    return made

def data():
    x = np.random.default_rng(1).random((200, 8), "float32")
    return (x, x.sum(axis=1)), (x, x.sum(axis=1))
"""
_LOOK = """
import dataclasses, sys
from pathlib import Path

from bench.worker import inspection, own
from bench.worker.messages import Job, OwnFile
from bench.workloads.own import read

workload = read(Path(sys.argv[1]))
file = OwnFile(str(workload.path), workload.sha256)
said = {}
for name, act, more in (
    ("summary", inspection.summary, {}),
    ("rates", inspection.learning_rates, dict(rates=20)),
    ("train", own.train, dict(judge_training=True,
                              design=Design(images=50, learning_rate=0.25, dropout=0.0))),
):
    job = Job(workload.name, is_gpu=False, epochs=3, seed=1, data={}, own=file, **more)
    told = said.setdefault(name, [])
    act(Job.read(job.line()), lambda message: told.append(
        {"event": type(message).__name__, **dataclasses.asdict(message)}
    ))
print(json.dumps({"found": found, "said": said}))
"""


def test_the_layers_of_ones_own_model_are_told(looked: Any) -> None:
    layers = of_event(looked["summary"], "Layer")
    assert [(each["kind"], each["parameters"], each["products"]) for each in layers] == [
        ("Dense", 144, 128),
        ("Dense", 17, 16),
        ("Dropout", 0, 0),
    ]
    (fault,) = of_event(looked["summary"], "Fault")
    assert fault["what"].startswith("dropout behind the last layer")
    assert looked["summary"][-1]["event"] == "Done"


def test_rates_are_tried_from_small_to_large_a_batch_each(looked: Any) -> None:
    tried = of_event(looked["rates"], "Tried")
    rates = [each["rate"] for each in tried]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(1e-6)
    losses = [each["loss"] for each in tried]
    assert len(tried) == 20 or losses[-1] > 4 * min(losses)
    assert len(tried) > 10
    # Batches of 32 differ: the mean over all that came so far would not.
    assert len({round(each, 3) for each in losses[:7]}) > 3


def test_what_of_a_file_may_be_changed_is(looked: Any) -> None:
    (data,) = of_event(looked["train"], "Data")
    assert data["train"] == 50
    (quality,) = of_event(looked["train"], "Quality")
    assert quality["metric"] == "val_loss"
    assert quality["training"] is not None
