"""Designs as Keras builds them: one process of TensorFlow, networks made small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.in_worker import answer

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
    "well placed": [list(placement.faults(built(name))) for name in ("cnn_large", "convnet")],
    "ill placed": list(placement.faults(behind)),
}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return answer(worker_python, _BUILD, home=tmp_path_factory.mktemp("home"))


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
    assert found["well placed"] == [[], []]
    (told,) = found["ill placed"]
    assert told.startswith("dropout behind the last layer")
