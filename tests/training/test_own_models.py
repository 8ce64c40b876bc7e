"""Models of one's own, really trained: public Keras examples, all in one process of TensorFlow."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.report import rows
from tests.conftest import ROOT
from tests.training.command import Command
from tests.training.in_worker import answer

_EXAMPLES = Path(__file__).parent / "own_models"
_DOCUMENT = ROOT / "docs" / "own-models.md"

# What `bench.worker` does with a job, for many files in turn: what was said, by file and mode.
_TRAIN = """
import dataclasses, json, sys
from pathlib import Path

from bench.worker import own
from bench.worker.messages import Job, OwnFile
from bench.worker.own.file import FileError, ModeError
from bench.workloads.own import read

said = {}
for path, modes in json.loads(sys.argv[1]):
    for mode in modes:
        workload = read(Path(path))
        metrics = tuple(floor.metric for floor in workload.floors)
        file = OwnFile(
            str(workload.path), workload.sha256, workload.batch, workload.steps, metrics
        )
        job = Job(
            workload.name, is_gpu=False, epochs=3, seed=1, data={}, mode=mode, own=file,
            evaluate_after=(2, 3), inference=0.1,
        )
        told = said.setdefault(f"{workload.path.stem} {mode}", [])
        def say(message):
            told.append({"event": type(message).__name__, **dataclasses.asdict(message)})
        try:
            own.train(Job.read(job.line()), say)
        except (FileError, ModeError) as error:
            told.append({"event": type(error).__name__, "message": str(error)})
print(json.dumps(said))
"""

Said = dict[str, list[dict[str, Any]]]


def _trained(worker_python: Path, folder: Path, files: list[tuple[str, list[str]]]) -> Said:
    named = json.dumps([(str(folder / f"{name}.py"), modes) for name, modes in files])
    said: Said = answer(worker_python, _TRAIN, named, home=folder)
    return said


@pytest.fixture(scope="module")
def said(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    folder = tmp_path_factory.mktemp("own")
    for file in _EXAMPLES.glob("*.py"):
        shutil.copy(file, folder)
    both = ("mnist_convnet", "own_loss", "tickets", "timeseries", "vae", "autoencoder")
    files = [
        (file.stem, ["stock", "tuned"] if file.stem in both else ["stock"])
        for file in sorted(_EXAMPLES.glob("*.py"))
    ]
    return _trained(worker_python, folder, files)


def test_every_one_of_them_answers_that_can_be_called(said: Said) -> None:
    trained = {name: told for name, told in said.items() if told[-1]["event"] == "Quality"}
    for name, model in (("vae", "VAE"), ("conditional_gan", "ConditionalGAN")):
        silent = _one(trained.pop(f"{name} stock"), "Unmeasured")
        assert f"Model {model} does not have a `call()`" in silent["why"]
    assert len(trained) > 10
    for told in trained.values():
        found = _one(told, "Inference")
        assert found["latency"]["calls"] >= 3
        assert found["throughput"]["batch"] > 1


def _one(messages: list[dict[str, Any]], event: str) -> dict[str, Any]:
    assert messages[-1]["event"] == "Quality", messages[-1]
    (found,) = (each for each in messages if each["event"] == event)
    return found


@pytest.mark.parametrize(
    ("name", "kind", "train", "validation", "metric"),
    [
        ("mnist_convnet", "arrays in memory", 200, 50, "val_accuracy"),
        ("tickets", "arrays in memory", 128, 32, "val_loss"),
        ("own_loss", "arrays in memory", 256, 64, "val_categorical_true_positives"),
        ("autoencoder", "arrays in memory", 64, 16, "val_loss"),
        ("text_classification", "tf.data", 84, 16, "val_accuracy"),
        ("timeseries", "tf.data", 252, 52, "val_loss"),
        ("vae", "arrays in memory", 64, 0, "loss"),
        ("flowers", "tf.data", 32, 8, "val_acc"),
        ("batches", "PyDataset", 35, 24, "val_mae"),
        ("generators", "generator", 24, 12, "val_loss"),
        ("captcha", "tf.data", 32, 8, "val_loss"),
        ("conditional_gan", "tf.data", 32, 0, "d_loss"),
        ("distillation", "arrays in memory", 64, 16, "val_distillation_loss"),
        ("heart", "tf.data", 48, 12, "val_accuracy"),
        ("recommender", "arrays in memory", 64, 16, "val_loss"),
    ],
)
def test_a_public_example_trains_unchanged_but_for_its_data(
    said: Said, name: str, kind: str, train: int, validation: int, metric: str
) -> None:
    messages = said[f"{name} stock"]
    data, quality, model = (_one(messages, event) for event in ("Data", "Quality", "Model"))
    assert (data["kind"], data["train"], data["validation"]) == (kind, train, validation)
    assert quality["metric"] == metric
    assert quality["value"] == quality["value"]
    assert model["parameters"] > 0
    epochs = [each for each in messages if each["event"] == "Epoch"]
    assert [each["number"] for each in epochs] == [1, 2, 3]
    assert {each["images"] for each in epochs} == {train}
    assert all(each["ended"] > each["begun"] for each in epochs)
    assert [each["quality"] is None for each in epochs] == [True, False, False]
    assert epochs[-1]["quality"] == pytest.approx(quality["value"], rel=1e-4)
    assert epochs[-1]["loss"] < epochs[0]["loss"] * 1.1


def test_what_learns_is_told_with_a_guess_beside_it(said: Said) -> None:
    messages = said["mnist_convnet stock"]
    quality, data = _one(messages, "Quality"), _one(messages, "Data")
    guess = data["baselines"]["most_frequent_class_accuracy"]
    assert guess < 0.3
    assert quality["value"] > max(quality["untrained"], guess)
    assert set(quality["others"]) == {"val_loss"}
    assert "baselines" in data


def test_a_standard_model_on_arrays_is_tuned_and_learns_alike(said: Said) -> None:
    stock, tuned = (_one(said[f"mnist_convnet {mode}"], "Quality") for mode in ("stock", "tuned"))
    assert stock["untrained"] == pytest.approx(tuned["untrained"])
    assert tuned["others"]["val_loss"] == pytest.approx(stock["others"]["val_loss"], rel=0.25)
    losses = [each["loss"] for each in said["mnist_convnet tuned"] if each["event"] == "Epoch"]
    assert losses[-1] < losses[0]
    assert _one(said["autoencoder tuned"], "Quality")["value"] < 0.75


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("own_loss", "it takes one array of inputs and one of targets, without weights"),
        ("tickets", "it takes one array of inputs and one of targets, without weights"),
        ("timeseries", "data() returns a tf.data, and tuned takes arrays in memory"),
        ("vae", "it takes one array of inputs and one of targets, without weights"),
    ],
)
def test_what_cannot_be_tuned_says_why_and_is_not_trained(said: Said, name: str, why: str) -> None:
    messages = said[f"{name} tuned"]
    assert messages[-1] == {"event": "ModeError", "message": why}
    assert not [each for each in messages if each["event"] == "Epoch"]


def test_data_that_come_in_batches_are_read_once_without_training(said: Said) -> None:
    for name, kind in (("flowers", float), ("generators", float), ("mnist_convnet", type(None))):
        assert isinstance(_one(said[f"{name} stock"], "Quality")["data_seconds"], kind)


def test_numbers_that_are_none_are_told_of_a_dataset_and_trained_on(said: Said) -> None:
    messages = said["missing stock"]
    assert _one(messages, "Data")["not_finite"] == [
        "2 of 32 numbers in y of the training data are NaN or infinite",
        "1 of 16 numbers in y of the validation data are NaN or infinite",
    ]
    assert _one(messages, "Quality")["value"] < _one(messages, "Quality")["untrained"]


def test_arithmetic_is_counted_where_every_layer_is_known(said: Said) -> None:
    convnet = (26 * 26 * 9 * 32) * 2 + (11 * 11 * 9 * 32 * 64) * 3 + 1600 * 10 * 3
    assert _one(said["mnist_convnet stock"], "Rate")["flop_per_image"] == 2 * convnet
    for name in ("timeseries", "own_loss", "vae"):
        assert not [each for each in said[f"{name} stock"] if each["event"] == "Rate"]


# ---- what is wrong with a file

_WRONG: dict[str, dict[str, str]] = {
    each["name"]: each
    for each in yaml.safe_load(
        (Path(__file__).parent / "own_wrong.yml").read_text(encoding="utf-8")
    )
}
_RIGHT = {
    "HEAD": "import keras\nimport numpy as np\nimport tensorflow as tf",
    "MODEL": (
        "def model():\n    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
    ),
    "DATA": "def data():\n    return (np.zeros((4, 2)), np.zeros((4, 1))), None\n",
    "BATCHES": "tf.data.Dataset.from_tensors((np.zeros((4, 2)), np.zeros((4, 1))))",
}


def _written(text: str) -> str:
    return re.sub("|".join(_RIGHT), lambda found: _RIGHT[found[0]], text)


@pytest.fixture(scope="module")
def wrong(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    folder = tmp_path_factory.mktemp("wrong")
    for name, case in _WRONG.items():
        (folder / f"{name}.py").write_text(_written(case["text"]), encoding="utf-8")
    return _trained(worker_python, folder, [(name, ["stock"]) for name in _WRONG])


@pytest.mark.parametrize("name", _WRONG)
def test_what_is_wrong_with_a_file_is_one_line(wrong: Said, name: str) -> None:
    last = wrong[f"{name} stock"][-1]
    assert last["event"] == "FileError"
    assert re.search(_WRONG[name]["told"], last["message"]), last["message"]
    assert "\n" not in last["message"]
    assert len(last["message"]) < 500


# ---- the command


def test_the_example_of_the_document_is_a_row_like_any_other(
    command: Command, tmp_path: Path
) -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(example.splitlines()) <= 32
    file = tmp_path / "my_model.py"
    file.write_text(example, encoding="utf-8")
    ended = command.run("--workload", str(file), "--mode=stock,tuned", "--device=cpu")
    assert ended.status == 0, ended.output
    row = r"my_model +stock .*val_accuracy [\d.]+ % \(≥ 90.00 %\)"
    assert re.search(row, "\n".join(ended.table()))
    stock, tuned = rows.finished(command.record().results)
    for result in (stock, tuned):
        assert result.workload == "my_model"
        assert result.file is not None
        assert Path(result.file.path) == file
        assert result.quality.ok
        assert result.worker.pinned.xla is False
    assert (stock.mode, tuned.mode) == ("stock", "tuned")
    assert stock.model == tuned.model
    assert tuned.quality.untrained == pytest.approx(stock.quality.untrained)
    assert re.search(r"Tuned: [\d.]+ times as fast as stock, in my_model", ended.output)
