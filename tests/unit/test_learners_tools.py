"""A learner's tools: layers, learning rates, batch sizes, the recipe; with pretended workers."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import html5lib
import numpy as np
import pytest
from msgspec.structs import replace

from bench.__main__ import main
from bench.experiment import rates
from bench.record.head import Experiment
from bench.record.variant import Variant
from bench.report.experiment import arms, table
from bench.report.format import Screen
from bench.worker import placement
from bench.worker.messages import Tried
from tests.support import fake_worker
from tests.support.records import quality, record, result

pytestmark = pytest.mark.usefixtures("undrawn")


def command(folder: Path, worker: str, verb: str, what: str, *options: str) -> int:
    python = fake_worker.write(folder, worker)
    return main(
        [
            *(verb, what, "--device=cpu", "--plan=/none.json"),
            *(f"--results-dir={folder}", f"--cache-dir={folder}", f"--worker-python={python}"),
            *options,
        ]
    )


# ---- learning rates


def curve(loss_of: Any, count: int = 100) -> list[Tried]:
    made = []
    for number in range(count):
        rate = 1e-6 * 10 ** (6 * number / (count - 1))
        made.append(Tried(rate, loss_of(rate)))
    return made


def test_the_range_ends_below_the_rate_at_which_the_loss_is_the_least() -> None:
    def loss(rate: float) -> float:
        falling = 2.3 - 2 / (1 + (1e-3 / rate) ** 2)
        return falling + (100 * (rate - 0.1) if rate > 0.1 else 0.0)

    seen = rates.found(curve(loss))
    assert seen is not None
    assert 3e-4 < seen.low < 3e-3
    assert 0.02 < seen.high < 0.04
    assert seen.high < seen.least
    assert seen.diverged is not None
    (first, *_) = rates.lines(seen)
    assert first.startswith("Suggested: from ")


def test_where_nothing_is_learned_no_range_is_suggested() -> None:
    draw = np.random.default_rng(1)
    assert rates.found(curve(lambda _: 2.3 + 0.01 * float(draw.normal()))) is None
    assert rates.found(curve(lambda _: math.nan)) is None
    assert rates.found([]) is None
    assert "No range" in " ".join(rates.lines(None))


def test_the_picture_fits_and_is_drawn_of_any_losses() -> None:
    for tried in (curve(lambda _: 2.0), curve(lambda rate: 1 / rate), curve(lambda _: -1.0)):
        lines = list(rates.drawn(tried, Screen()))
        assert lines
        assert max(map(len, lines)) < 80
    assert list(rates.drawn([], Screen())) == []


_TRIES = """
begin()
assert job["purpose"] == "learning rates"
for number in range(job["rates"]):
    rate = 1e-6 * 10 ** (6 * number / (job["rates"] - 1))
    say("tried", rate=rate, loss=2.3 - 2 / (1 + (1e-3 / rate) ** 2) + (9 if rate > 0.3 else 0))
say("done")
wait_for_ever()
"""


def test_the_range_test_is_told_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "rates.html"
    assert command(tmp_path, _TRIES, "lr-range", "mlp", f"--html={page}") == 0
    told = capsys.readouterr().out
    suggested = re.search(r"range test\nSuggested: from (\S+), where", told)
    assert suggested is not None
    assert 3e-4 < float(suggested[1]) < 3e-3
    written = page.read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(written)
    assert "mlp: learning-rate range test" in written
    assert "<svg" in written


# ---- layers

_LAYERS = """
begin()
assert job["purpose"] == "summary"
say("layer", name="dense", kind="Dense", shape="784", parameters=615440, trainable=615440,
    products=614656)
say("layer", name="norm", kind="BatchNormalization", shape="784", parameters=3136, trainable=1568,
    products=0)
say("layer", name="odd", kind="Odd", shape="", parameters=1, trainable=1, products=None)
say("fault", what="dropout behind the last layer (dropout): it blanks what the network puts out")
say("done")
wait_for_ever()
"""


def test_a_summary_has_layers_parameters_arithmetic_and_what_is_misplaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, _LAYERS, "summary", "mlp") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("mlp: 618,577 parameters"), "the answer first"
    assert "dense Dense 784 615,440 0.61" in told
    assert "618,577 parameters, 1,568 of them not trained; at least 0.61 MMAC" in told
    assert "Misplaced: dropout behind the last layer" in told
    assert not list(tmp_path.glob("*.json")), "nothing was trained"


def test_what_is_no_workload_and_no_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("summary", "lr-range", "recipe"):
        assert command(tmp_path, _LAYERS, verb, "tea") == 2
        assert "tea: no such workload or file; the workloads are mlp" in capsys.readouterr().err


def layer(kind: str, *, weights: bool = False, activation: str = "") -> Any:
    made = type(kind, (), {})()
    made.name, made.weights = kind.lower(), [1] if weights else []
    made.activation = SimpleNamespace(__name__=activation)
    return made


def model(*layers: Any) -> Any:
    made = type("Sequential", (), {})()
    made.layers = list(layers)
    return made


def test_dropout_belongs_behind_the_relu_and_before_a_layer_with_weights() -> None:
    dense, relu, drop = (layer("Dense", weights=True), layer("ReLU"), layer("Dropout"))
    assert list(placement.faults(model(dense, relu, drop, dense))) == []
    (behind,) = placement.faults(model(dense, relu, dense, drop))
    assert behind.what.startswith("dropout behind the last layer (dropout)")
    (before,) = placement.faults(model(dense, drop, relu, dense))
    assert before.what.startswith("dropout before the ReLU (dropout, before relu)")
    softmax = layer("Activation", activation="softmax")
    (hidden,) = placement.faults(model(dense, model(dense, drop), softmax))
    assert "behind the last layer" in hidden.what
    flat = layer("Flatten")
    named = layer("Activation", activation="relu")
    (through,) = placement.faults(model(dense, drop, flat, named, dense))
    assert "before the ReLU" in through.what
    (bent,) = placement.faults(model(dense, drop, layer("ELU"), dense))
    assert bent.rule == "dropout-activation"
    norm = layer("BatchNormalization", weights=True)
    (normed,) = placement.faults(model(dense, relu, drop, norm, dense))
    assert normed.rule == "dropout-norm"
    assert list(placement.faults(model(dense, norm, relu, drop, dense))) == []


def test_of_a_class_of_one_s_own_no_order_is_known() -> None:
    made = model(layer("Dense", weights=True), layer("Dropout"))
    own = type("Mine", (), {"layers": made.layers})()
    assert list(placement.faults(own)) == []
    assert len(list(placement.faults(made))) == 1


# ---- batch sizes


def swept(speeds: dict[int | None, float], values: dict[int | None, float]) -> Any:
    results = [
        replace(
            result(
                "mlp",
                variant=Variant(batch=batch) if batch else None,
                seed=seed,
                quality=replace(quality("mlp", 0.98), value=values[batch] + seed / 1e4),
            ),
            images_per_second=speed,
        )
        for batch, speed in speeds.items()
        for seed in range(1, 5)
    ]
    made = record(results)
    return arms.experiment(
        replace(
            made, settings=replace(made.settings, experiment=Experiment(name="batch-sweep-mlp"))
        )
    )


def test_the_knee_is_where_a_doubling_gains_little_or_costs_quality() -> None:
    speeds: dict[int | None, float] = {None: 4e4, 50: 1e4, 800: 9e4, 1600: 9.3e4, 6400: 4e5}
    values: dict[int | None, float] = {None: 0.98, 50: 0.98, 800: 0.98, 1600: 0.98, 6400: 0.9}
    made = swept(speeds, values)
    seen = arms.knee(made, 200)
    assert seen is not None
    assert (seen.batch, seen.worse) == (800, (6400,))
    told = list(table.answers(made))
    assert any(line.startswith("Knee: batch 800, 9.0 times as fast") for line in told)
    assert "Learns worse: batch 6400" in told


# ---- the recipe

_LEARNS = """
begin()
design = job["design"]
if design["dropout"] is not None and job["workload"] == "mlp":
    say("unable", reason="the network has no dropout to change")
    wait_for_ever()
assert job["judge_training"]
heart = design["images"] == 10
if not heart and not (design["held_out"] == 10 or design["images"] is None):
    sys.exit(f"judged on the wrong images: {design}")
for number in range(1, job["epochs"] + 1):
    quality = {} if heart else dict(quality=0.5 + number / 100)
    epoch(number, 10.0 * number, 0.5, **quality)
say("phase", name="evaluation")
rate = design["learning_rate"] or 1e-3
value = 0.9 - abs(rate - 3e-3) - (0.1 if design["augment"] else 0)
say("quality", value=value, untrained=0.1, memory_peak=None, training=HEART if heart else 0.95)
wait_for_ever()
"""


def test_the_recipe_goes_from_ten_images_to_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = _LEARNS.replace("HEART", "1.0")
    assert command(tmp_path, worker, "recipe", "mlp", "--epochs=4") == 0
    told, beside = capsys.readouterr()
    assert "dropout" not in told.partition("4. Regularised")[0] + beside
    for line in (
        "By heart: accuracy 100.00 %",
        "2. 50 images, 10 epochs: which learning rate?",
        "learning rate 0.01: accuracy 89.30 % (training images: 95.00 %)",
        "Learning rate 0.003\n",
        "epoch 4: training loss 0.25, accuracy 54.00 %",
        "It does not overfit so far",
        "augmented by shift, learning rate 0.003: accuracy 80.00 %",
        "dropout 0.5, learning rate 0.003: not tried: the network has no dropout to change\n",
        "5. The best of them, learning rate 0.003",
        "accuracy 90.00 % (training images: 95.00 %) on the test images",
    ):
        assert line in told
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_a_recipe_says_why_ten_images_cannot_be_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = 'begin()\nsay("unable", reason="data() returns a tf.data")\nwait_for_ever()\n'
    assert command(tmp_path, worker, "recipe", "mlp", "--no-page") == 2
    assert capsys.readouterr().err == "bench: 10 images cannot be tried: data() returns a tf.data\n"


def test_what_cannot_learn_ten_images_by_heart_fails_and_trains_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = _LEARNS.replace("HEART", "0.5")
    assert command(tmp_path, worker, "recipe", "mlp", "--epochs=4", "--no-page") == 2
    told = capsys.readouterr()
    assert "mlp cannot learn 10 images by heart (accuracy 50.00 % on the same images" in told.err
    assert "2." not in told.out


def test_a_recipe_tells_what_it_had_no_time_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = _LEARNS.replace("HEART", "1.0")
    assert command(tmp_path, worker, "recipe", "mlp", "--epochs=4", "--budget=0.00001") == 0
    told = capsys.readouterr().out
    assert "By heart: accuracy 100.00 %" in told
    assert "No time for: learning rate 0.0001; learning rate 0.0003" in told
    assert "3. All images" in told
    assert "4. Regularised" not in told
