"""Real trainings from picture files: drawn ones in memory, and a person's where they lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.training.command import Command, Ended
from tests.training.in_worker import answer

_WHERE = ("bench/test_input.py",)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty shots, PNG and JPEG: the longer the pull, the darker."""
    folder = tmp_path_factory.mktemp("photographs")
    draw = np.random.default_rng(11)
    for shot in range(20):
        place = folder / f"{4 + 3 * shot}"
        place.mkdir()
        for number, suffix in enumerate(("png", "jpg")):
            noise = draw.integers(0, 40, (240, 320, 3))
            pixels = (noise + 160 - 8 * shot).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{1606089600 + number}-silvia.{suffix}")
    return folder


@pytest.fixture(scope="module")
def trained(module_command: Command, photographs: Path) -> tuple[Command, Ended]:
    # A small network on small images: what is looked at is how they are read.
    small = ("-p", "tests.training.small_network")
    asked = ("--input=memory,data-dir", f"--data-dir={photographs}", *small)
    ended = module_command.run(*asked, where=_WHERE)
    return module_command, ended


def test_a_training_from_files_learns_and_tells_what_it_waited(
    trained: tuple[Command, Ended], photographs: Path
) -> None:
    command, ended = trained
    assert ended.status == 0, ended.output
    memory, mine = (command.result(f"post_files_{where}") for where in ("memory", "data_dir"))
    for result in (memory, mine):
        assert 0 < result.input.waiting < 1
        assert result.quality.ok
        assert result.dataset.kind == "real"
        assert result.epochs.loss[-1] < result.epochs.loss[0]
    assert memory.input.warm_seconds is None
    assert mine.input.warm_seconds > 0
    assert 0 <= mine.input.warm_waiting < 1
    assert Path(mine.input.folder).is_relative_to(photographs)
    assert memory.input.folder.startswith("/dev/shm/")
    told = " ".join(ended.output.split())
    assert re.search(r"post_files_data_dir[^:]*: [\d.]+ % of an epoch waiting for images", told)
    assert re.search(r"[\d.]+ % with the files in the page cache \(an epoch of ", told)


def test_of_the_files_in_memory_nothing_is_left(trained: tuple[Command, Ended]) -> None:
    command, _ = trained
    assert not Path(command.result("post_files_memory").input.folder).exists()
    assert command.left_behind() == []


@pytest.fixture(scope="module")
def pixels() -> Any:
    return np.random.default_rng(2).integers(0, 256, (5, 255, 255, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def read(worker_python: Path, pixels: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pictures")
    for number, each in enumerate(pixels):
        Image.fromarray(each).save(folder / f"{number}.png")
    return answer(worker_python, _READ, str(folder), home=folder)


def test_the_pipeline_reads_what_the_arrays_hold(read: Any, pixels: Any) -> None:
    assert sorted(read["targets"]) == [0, 1, 2, 3, 4]
    assert read["sums"] == {str(number): int(each.sum()) for number, each in enumerate(pixels)}
    assert read["orders"] > 1


def test_an_epoch_from_the_page_cache_is_trained_beside_those_that_count(read: Any) -> None:
    assert read["epochs"] == [1, 2]
    assert 0 <= read["waited"] <= read["seconds"]


_READ = """
import json, sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from bench.worker import files
from bench.worker.task import Arrays, Task
from bench.workloads import WORKLOADS

pictures = [(bytes(Path(sys.argv[1]) / f"{number}.png"), 1) for number in range(5)]
data = Arrays(np.zeros(5), np.arange(5, dtype=np.float32))
task = Task(WORKLOADS["post"], data, 1, 1, lambda: None, print)
batches = files.pipeline(tf, task, pictures)
orders = set()
for _ in range(10):
    ((images, targets),) = batches
    orders.add(tuple(targets.numpy()))
sums = {str(int(t)): int(i.numpy().astype("int64").sum()) for i, t in zip(images, targets)}
told = {"sums": sums, "orders": len(orders), "targets": [int(t) for t in targets]}

layers = [keras.layers.Flatten(), keras.layers.Dense(1)]
model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
model.compile("sgd", "mse")
epochs = []
post = replace(WORKLOADS["post"], image=(8, 8, 3))
task = Task(post, data, 2, 1, lambda: None, lambda epoch, _: epochs.append(epoch.number))
batches = files.train(tf, model, task, pictures, cold=True)
warm = files.warm(model, batches, task)
told |= {"epochs": epochs, "seconds": warm.seconds, "waited": warm.waited}
print(json.dumps(told))
"""
