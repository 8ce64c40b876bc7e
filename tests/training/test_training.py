"""Real trainings that go well: MNIST's perceptron and the grind network, at `smoke` size."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.record.artifacts import models
from bench.record.model import Finished
from bench.workloads import WORKLOADS
from tests.conftest import ROOT
from tests.support.program import to_the_end
from tests.training.command import PATIENCE, Command, Ended
from tests.training.in_worker import answer

_MNIST = ROOT.parent / "shared" / "data" / "mnist"


@dataclass(frozen=True)
class Trained:
    """A run of `mlp` and `post` on drawn data, piped to a file."""

    command: Command
    ended: Ended
    benchmarks: dict[str, Any]


@pytest.fixture(scope="module")
def trained(module_command: Command) -> Trained:
    command = replace(module_command, page=True)
    path = command.results.with_name("benchmarks.json")
    ended = command.run("-k", "mlp or post", "--save-models", "--benchmark-json", str(path))
    assert ended.status == 0, ended.output
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = {row["group"]: row for row in document["benchmarks"]}
    return Trained(command, ended, rows)


def test_a_run_in_a_pipe_says_in_a_table_what_it_trained_and_how_well(trained: Trained) -> None:
    table = trained.ended.table()
    for name, quality in (
        ("mlp", r"\d+\.\d\d % \(≥ \d+\.\d\d %\) +\S+"),
        ("post", r"MSE [\d.,]+ s² \(≤ [\d.,]+\) +\S+"),
    ):
        (row,) = [line for line in table if re.match(rf" *{name} +[\d.]+ m?s ", line)]
        assert re.search(rf"{name} +[\d.]+ m?s +[\d.]+ m?s ± \d+ % +[\d,]+ +{quality}", row)
    # A command stays whole on its line, however long a path it names.
    assert max(len(line) for line in table if not line.startswith("Next: ")) <= 100
    text = " ".join(" ".join(table).split())
    assert re.match(r"Grindstone CPU only \(.*, \d+ threads\): no ", text)
    assert re.search(r" PASSED (\d) of \1.* slowest: \w+, [\d.]+ m?s per epoch ", text)
    assert str(trained.command.results) in text


def test_the_table_says_that_the_data_are_synthetic_and_why(trained: Trained) -> None:
    text = " ".join(" ".join(trained.ended.table()).split())
    assert "Data: synthetic (no download, no --data-dir)" in text


def test_a_pipe_gets_neither_colours_nor_a_bar(trained: Trained) -> None:
    assert "\x1b" not in trained.ended.output
    assert "\r" not in trained.ended.output
    assert "trainings" not in trained.ended.output


def test_its_page_lies_beside_the_record(trained: Trained) -> None:
    (page,) = trained.command.results.glob("*.html")
    assert f"Page: {page}" in " ".join(trained.ended.output.split())
    assert "mlp: epoch by epoch" in page.read_text(encoding="utf-8")


def test_the_record_holds_the_run_whole(trained: Trained) -> None:
    record = trained.command.record()
    assert record.settings.profile == "smoke"
    assert {result.workload for result in record.results} == {"mlp", "post"}
    for result in record.results:
        assert isinstance(result, Finished)
        assert result.quality.ok
        assert result.dataset.kind == "synthetic"
        assert result.model.parameters == WORKLOADS[result.workload].parameters
        assert result.worker.pinned.xla is False
        assert result.worker.pinned.program == 1
        assert result.worker.pinned.environment["CUDA_VISIBLE_DEVICES"] == "-1"
        assert result.rate is not None
        assert result.rate.peak is not None
        assert result.rate.share == pytest.approx(result.rate.achieved / result.rate.peak)
        assert result.bottleneck is not None


@pytest.mark.parametrize("name", ["mlp", "post"])
def test_pytest_benchmark_has_the_records_steady_epochs_to_the_last_digit(
    trained: Trained, name: str
) -> None:
    epochs = trained.command.result(name).epochs
    assert trained.benchmarks[name]["stats"]["data"] == list(epochs.steady)
    assert len(epochs.steady) == WORKLOADS[name].schedules["smoke"].epochs - 1
    assert trained.benchmarks[name]["extra_info"]["epochs"]["first"] == epochs.first


def test_a_network_is_better_after_its_training_than_before(trained: Trained) -> None:
    quality = trained.command.result("mlp").quality
    assert quality.untrained < 0.3 < quality.value


def test_a_run_leaves_no_process_and_no_temporary_file(trained: Trained) -> None:
    assert trained.command.left_behind() == []


def test_real_mnist_reaches_the_floor_that_real_mnist_has(command: Command) -> None:
    if not _MNIST.is_dir():
        pytest.skip(f"MNIST's files are not in {_MNIST}")
    ended = command.run("-k", "mlp", f"--data-dir={_MNIST}")
    assert ended.status == 0, ended.output
    result = command.result("mlp")
    assert (result.dataset.kind, result.dataset.source) == ("real", "files")
    assert result.quality.floor is not None
    assert result.quality.bound is not None
    assert result.quality.floor <= result.quality.value <= result.quality.bound
    assert re.search(r"^Data: real( {2}|$)", ended.output, re.MULTILINE)


# ---- the saved network, which predicts and is judged by the commands for that


@pytest.fixture(scope="module")
def network(trained: Trained) -> Path:
    result = trained.command.result("mlp")
    assert isinstance(result, Finished)
    assert result.saved is not None
    assert result.saved.value is not None, result.saved.why
    (record,) = trained.command.results.glob("*.json")
    assert f"Models: {models(record)}" in " ".join(trained.ended.output.split())
    return models(record) / result.saved.value.file


def _bench(command: Command, verb: str, *words: str | Path) -> Ended:
    fixed = (f"--worker-python={command.worker_python}", "--plan=/nonexistent/plan.json")
    done = to_the_end(
        [sys.executable, "-m", "bench", verb, *map(str, words), "--device=cpu", *fixed],
        cwd=ROOT,
        env=command.environment(),
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


def test_it_is_judged_on_digits_that_it_was_not_trained_on(
    trained: Trained, network: Path, tmp_path: Path
) -> None:
    command, page = trained.command, tmp_path / "page.html"
    cache = f"--cache-dir={command.cache}"
    ended = _bench(command, "evaluate", network, "--synthetic", cache, f"--html={page}")
    assert ended.status == 0, ended.output
    reached = re.match(r"mlp-cpu\.keras on cpu: ([\d.]+) % right on 10,000 pictures", ended.output)
    assert reached is not None, ended.output
    recorded = command.result("mlp").quality.value
    assert float(reached[1]) / 100 == pytest.approx(recorded, abs=0.1)  # on the first ones of them
    assert "not trained on" in ended.output
    assert "WARNING" not in ended.output
    assert page.read_text(encoding="utf-8").count("data:image/png;base64,") == 1
    assert command.left_behind() == []


def test_it_says_what_a_picture_shows_and_what_cannot_be_read(
    trained: Trained, network: Path, tmp_path: Path
) -> None:
    command = trained.command
    with np.load(next(command.cache.rglob("drawn-digits-*.npz"))) as drawn:
        digits = drawn["test_x"][:8, ..., 0]
    files = [tmp_path / f"{number}.png" for number in range(len(digits))]
    for file, digit in zip(files, digits, strict=True):
        Image.fromarray(digit).save(file)
    ended = _bench(command, "predict", network, *files, tmp_path / "none.png")
    assert ended.status == 1
    told = ended.output.splitlines()
    assert told[:-1] == [line for line in told if re.fullmatch(r"\S+\.png  \d  +[\d.]+ %", line)]
    assert len(told) == 9
    assert told[-1] == f"bench: {tmp_path / 'none.png'} is not there"


# ---- the networks themselves, in one TensorFlow

_NETWORKS = """
import json, sys
import numpy as np

from bench.worker import network
from bench.worker.messages import Epoch, Job
from bench.worker.training import train
from bench.workloads import WORKLOADS

folder, said = sys.argv[1], []
draw = np.random.default_rng(3)
np.save(f"{folder}/x.npy", draw.integers(0, 256, (1000, 28, 28, 1), dtype=np.uint8))
np.save(f"{folder}/y.npy", draw.integers(0, 10, 1000))
files = {"x": f"{folder}/x.npy", "y": f"{folder}/y.npy"}
for seed in (1, 1, 2):
    train(Job("mlp", False, 1, seed, {"train": files, "test": files}), said.append)

import keras
compile_, asked = keras.Model.compile, {}
def compile(self, **options):  # Keras' own answer differs with the machine; what was asked may not
    asked.update(options)
    compile_(self, **options)
keras.Model.compile = compile

networks = {}
for name, workload in WORKLOADS.items():
    model = network.compiled(keras, workload)
    networks[name] = {
        "parameters": model.count_params(),
        "jit_compile": asked.pop("jit_compile", "auto"),
        "optimizer": type(model.optimizer).__name__,
        "input": model.input_shape[1:],
        "outputs": model.output_shape[1],
        "flop": network.flop_per_image(model),
        "described": network.described(model, workload)["workload_sha256"],
    }
losses = [message.loss for message in said if isinstance(message, Epoch)]
print(json.dumps({"networks": networks, "losses": losses}))
"""


@pytest.fixture(scope="module")
def real(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the worker's own functions make in the worker's own Python."""
    folder = tmp_path_factory.mktemp("networks")
    made: dict[str, Any] = answer(worker_python, _NETWORKS, str(folder), home=folder)
    return made


@pytest.mark.parametrize(
    ("name", "parameters", "shape", "outputs"),
    [
        ("mlp", 623_290, [28, 28, 1], 10),
        ("cnn_simple", 592_074, [28, 28, 1], 10),
        ("cnn_large", 59_933, [28, 28, 1], 10),
        ("convnet", 34_826, [28, 28, 1], 10),
        ("post", 14_839_105, [255, 255, 3], 1),
    ],
)
def test_a_network_is_the_published_one_without_xla(
    real: dict[str, Any], name: str, parameters: int, shape: list[int], outputs: int
) -> None:
    network = real["networks"][name]
    assert network["parameters"] == parameters
    assert network["input"] == shape
    assert network["outputs"] == outputs
    assert network["optimizer"] == "Adam"
    assert network["jit_compile"] is False


@pytest.mark.parametrize(
    ("name", "forward", "first_layer"),  # million multiply-accumulates; multiply-accumulates
    [
        ("mlp", 0.62, 784 * 784),
        ("cnn_simple", 1.05, 24 * 24 * 25 * 32),
        ("cnn_large", 0.89, 24 * 24 * 25 * 30),
        ("convnet", 2.44, 26 * 26 * 9 * 32),
        ("post", 619.0, 253 * 253 * 27 * 32),
    ],
)
def test_an_image_takes_three_products_a_layer_but_two_in_the_first(
    real: dict[str, Any], name: str, forward: float, first_layer: int
) -> None:
    expected = 2 * (3 * forward * 1e6 - first_layer)
    assert real["networks"][name]["flop"] == pytest.approx(expected, rel=0.01)


def test_every_network_has_a_fingerprint_of_its_own(real: dict[str, Any]) -> None:
    fingerprints = {network["described"] for network in real["networks"].values()}
    assert len(fingerprints) == len(WORKLOADS)


def test_the_same_seed_trains_the_same_and_another_seed_another(real: dict[str, Any]) -> None:
    first, again, other = real["losses"]
    assert again == pytest.approx(first, rel=1e-4)
    assert other != pytest.approx(first, rel=1e-3)


# ---- what is imported, and when


def test_collecting_the_benchmark_imports_neither_tensorflow_nor_numpy(tmp_path: Path) -> None:
    code = (
        "import sys, pytest; status = pytest.main(['bench/', '--collect-only', '-q', "
        f"'-p', 'no:cacheprovider', '--plan={tmp_path / 'none'}', '--device=cpu']); "
        "print('loaded:', *sorted({name.partition('.')[0] for name in sys.modules})); "
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    (loaded,) = re.findall(r"^loaded: (.*)$", done.stdout, re.MULTILINE)
    assert "pytest_benchmark" in loaded
    assert not set(loaded.split()) & {"tensorflow", "keras", "numpy", "PIL", "rich", "requests"}
    collected = re.findall(r"::(\S+)$", done.stdout, re.MULTILINE)
    tests = {"mnist": "test_mnist", "grind": "test_grind"}
    assert sorted(collected) == sorted(
        f"{tests[workload.dataset]}[{name}-cpu]" for name, workload in WORKLOADS.items()
    )
