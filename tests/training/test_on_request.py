"""What is trained on request, in a worker's own Python, on a few images, as published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.runner import film
from bench.workloads import EVERY, ON_REQUEST
from tests.training.in_worker import answer

_CODE = """
import json, sys
from pathlib import Path
import numpy as np
from bench.worker import training
from bench.worker.messages import Epoch, Job, Model, Quality
from bench.worker.own.file import ModeError
from bench.workloads import ON_REQUEST
from bench.workloads.design import Design

folder = Path(sys.argv[1])
draw = np.random.default_rng(3)

def files(workload):
    x = draw.integers(0, 101, (4, *workload.image), dtype=np.uint8)
    y = {"mse": np.array([20, 30, 40, 50], np.float32), "pixel_mse": x}.get(
        workload.metric, np.arange(4))
    paths = {part: str(folder / f"{workload.name}-{part}.npy") for part in ("x", "y")}
    np.save(paths["x"], x), np.save(paths["y"], y)
    return {"train": paths, "test": paths}

def trained(name, **asked):
    said = []
    job = Job(name, False, 3, 1, files(ON_REQUEST[name]), **asked)
    try:
        training.train(job, said.append)
    except ModeError as error:
        return str(error)
    ended = next(each for each in said if isinstance(each, Quality))
    return {
        "parameters": next(each for each in said if isinstance(each, Model)).parameters,
        "losses": [each.loss for each in said if isinstance(each, Epoch)],
        "untrained": ended.untrained, "value": ended.value,
        "seconds": [each.ended - each.begun for each in said if isinstance(each, Epoch)],
    }

frames, behind = folder / "frames", folder / "behind"
frames.mkdir(), behind.mkdir()
made = {name: trained(name) for name in ON_REQUEST if name != "circles"}
made["circles"] = trained("circles", frames=str(frames))
made["circles by sum"] = trained(
    "circles", frames=str(behind), design=Design(loss="sum", last_dropout=0.2))
made["tuned"] = {name: trained(name, mode="tuned") for name in ("last", "cifar_classic")}
print(json.dumps(made))
"""


@pytest.fixture(scope="module")
def made(
    worker_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("on-request")
    told: dict[str, Any] = answer(worker_python, _CODE, str(folder), home=folder)
    return told, folder


@pytest.mark.parametrize("name", ON_REQUEST)
def test_a_network_on_request_is_the_published_one_and_trains(
    made: tuple[dict[str, Any], Path], name: str
) -> None:
    told = made[0][name]
    assert told["parameters"] == EVERY[name].parameters
    assert len(told["losses"]) == 3
    assert all(loss == loss for loss in told["losses"]), "no loss is without a number"


def test_the_first_guess_of_a_network_that_begins_at_the_mean_is_the_mean_predictors(
    made: tuple[dict[str, Any], Path],
) -> None:
    # Of 20, 30, 40 and 50 s, seen from 31.8.
    assert made[0]["last"]["untrained"] == pytest.approx(125 + 3.2**2, rel=0.05)


def test_pixels_are_judged_in_lightness_and_trained_on_in_shares_of_it(
    made: tuple[dict[str, Any], Path],
) -> None:
    told = made[0]["circles"]
    assert 500 < told["untrained"] < 6_000
    assert told["losses"][0] < 1


def test_the_sum_of_an_image_s_squares_is_so_many_times_their_mean(
    made: tuple[dict[str, Any], Path],
) -> None:
    mean, total = (made[0][name]["losses"][0] for name in ("circles", "circles by sum"))
    assert total > 1_000 * mean


def test_what_is_moved_about_or_not_trained_with_adam_is_not_tuned(
    made: tuple[dict[str, Any], Path],
) -> None:
    told = made[0]["tuned"]
    assert "XLA does not compile" in told["last"]
    assert told["cifar_classic"] == "it is trained with RMSprop, and tuned has Adam alone"


@pytest.mark.parametrize("frames", ["frames", "behind"])
def test_the_autoencoder_is_watched_from_before_its_first_step(
    made: tuple[dict[str, Any], Path], tmp_path: Path, frames: str
) -> None:
    seen = film.join(made[1] / frames, tmp_path / "film.gif", EVERY["circles"].watched)
    assert seen is not None
    assert seen.steps == (0, 1, 2, 3)
    assert all(seconds > 0 for seconds in made[0]["circles"]["seconds"])
