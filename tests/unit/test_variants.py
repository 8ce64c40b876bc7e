"""Batch, precision, XLA and steps per call as axes: rows, titles, and what pays."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bench.errors import GrindstoneError
from bench.record import comparable
from bench.record.model import Finished
from bench.record.variant import AS_PUBLISHED, STOCK, Variant, Way
from bench.report import summary, variants
from bench.report.format import Screen
from bench.runner.row import Row
from bench.worker import network
from bench.worker.backends import TensorFlow
from bench.worker.messages import Job
from bench.worker.own.network import set_calls
from bench.workloads import EVERY
from tests.support.records import CPU, H100, epochs, record, result
from tests.support.run_settings import chosen

_BATCH = Variant(batch=1024)


# ---- what is asked for


def asked(*words: str) -> tuple[Variant, ...]:
    return chosen(*words).variants


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ([], [AS_PUBLISHED]),
        (["--batch", "64,1024"], [Variant(batch=64), _BATCH]),
        (["--batch=64", "--batch=1024"], [Variant(batch=64), _BATCH]),
        (["--xla", "on,off"], [AS_PUBLISHED, Variant(xla=True)]),
        (["--precision", "float32"], [AS_PUBLISHED]),
        (["--steps-per-execution", "1,10"], [AS_PUBLISHED, Variant(steps=10)]),
        (
            ["--precision", "float32,mixed_float16", "--batch", "8,9"],
            [
                Variant(batch=8),
                Variant(batch=8, precision="mixed_float16"),
                Variant(batch=9),
                Variant(batch=9, precision="mixed_float16"),
            ],
        ),
    ],
)
def test_axes_make_a_row_of_every_combination(words: list[str], made: list[Variant]) -> None:
    assert asked(*words) == tuple(made)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--batch", "0"], "--batch 0 is no number from 1 to 1,000,000"),
        (["--batch", "64,many"], "--batch many is no number"),
        (["--batch", "²"], "--batch ² is no number"),
        (["--steps-per-execution", "-1"], "--steps-per-execution -1 is no number"),
        (["--precision", "float16"], "no precision 'float16'; there is float32, tf32-off"),
        (["--xla", "yes"], "no xla setting 'yes'; there is off, on"),
        (["--mode", "tuned", "--xla", "on"], "with it --batch alone"),
        (["--epochs", "2"], "--epochs 2 is out of range; give a number from 3"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_line(words: list[str], told: str) -> None:
    with pytest.raises(GrindstoneError, match=re.escape(told)):
        asked(*words)


def test_axes_are_of_stock_unless_tuned_is_asked_for() -> None:
    assert chosen("--profile", "full", "--batch", "8").modes_on(CPU) == ("stock",)
    both = chosen("--mode", "stock,tuned", "--batch", "8")
    assert both.ways_on(CPU) == [Way("stock", Variant(batch=8)), Way("tuned", Variant(batch=8))]
    assert both.published_ways_on(CPU) == [Way("stock"), Way("tuned")]


def test_epochs_take_the_place_of_the_profiles() -> None:
    assert chosen("--profile", "quick").schedule(EVERY["mlp"]).epochs == 4
    assert chosen("--epochs", "50").schedule(EVERY["mlp"]).epochs == 50


# ---- what it is called


def test_a_row_says_what_is_not_as_published() -> None:
    mlp = EVERY["mlp"]
    assert Row(mlp, CPU).title == "mlp on cpu"
    assert Row(mlp, CPU, "stock", _BATCH).title == "mlp on cpu, batch 1024"
    assert Row(mlp, CPU, "stock", Variant(batch=mlp.batch)).varied is None
    way = Way("tuned", Variant(batch=8, precision="tf32-off", xla=True, steps=10))
    assert str(way) == "tuned, batch 8, tf32-off, XLA, 10 steps a call"
    assert way.id == "-tuned-batch_8-tf32-off-XLA-10_steps_a_call"
    assert way.options == (
        " --mode tuned --batch 8 --precision tf32-off --xla on --steps-per-execution 10"
    )
    assert (str(STOCK), STOCK.id, STOCK.suffix, STOCK.options) == ("stock", "", "", "")


def test_variants_are_compared_with_the_same_variant_alone() -> None:
    varied = replace(result("mlp"), variant=_BATCH)
    of_both = record([result("mlp"), varied])
    names = {comparable.name_of(each) for each in of_both.results}
    assert {comparable.title(name) for name in names} == {"mlp on cpu", "mlp on cpu, batch 1024"}


# ---- what pays


def _trained(seconds: float, value: float, **varied: Any) -> Finished:
    made = result("mlp", H100, value=value)
    timed = epochs([2 * seconds, seconds, seconds])
    speed = made.dataset.train_images / seconds
    variant = Variant(**varied) if varied else None
    return replace(made, epochs=timed, images_per_second=speed, variant=variant)


def test_what_pays_is_said_with_what_it_costs() -> None:
    made = [
        _trained(0.5, 0.981),
        _trained(0.6, 0.981, xla=True),
        _trained(0.4167, 0.981, precision="mixed_float16"),
        _trained(0.1, 0.976, batch=4096),
    ]
    told = variants.lines(made)
    beside = "What pays on gpu:0, beside the published training"
    pays = "batch 4096 5.0× (97.60 %, before 98.10 %), mixed_float16 1.2×"
    assert list(told) == [f"{beside}: mlp: {pays}"]
    printed = summary.text(record(made), None, Screen(width=100), verbose=False)
    assert f"{beside}: mlp: {pays}" in " ".join(printed.split())


def test_where_nothing_gains_that_is_said_with_the_best() -> None:
    told = variants.lines([_trained(0.5, 0.981), _trained(0.6, 0.981, xla=True)])
    assert list(told) == [
        "What pays on gpu:0, beside the published training: mlp: nothing; XLA 0.83×"
    ]


def test_without_the_published_one_the_first_is_what_is_varied() -> None:
    (told,) = variants.lines([_trained(0.5, 0.981, batch=64), _trained(0.25, 0.981, batch=128)])
    assert told.startswith("What pays on gpu:0, beside batch 64: mlp: batch 128 2.0×")


def test_a_single_variant_pays_beside_nothing() -> None:
    assert list(variants.lines([_trained(0.5, 0.981, batch=64)])) == []


# ---- in the worker


def test_the_worker_trains_what_is_asked_for() -> None:
    job = Job("mlp", False, 3, 1, {}, batch=7)
    assert network.workload_of(job).batch == 7
    assert network.workload_of(Job("mlp", False, 3, 1, {})) is EVERY["mlp"]
    done: list[object] = []
    numerics = SimpleNamespace(enable_tensor_float_32_execution=done.append)
    backend = TensorFlow.__new__(TensorFlow)
    backend.tf = SimpleNamespace(config=SimpleNamespace(experimental=numerics))
    policy = SimpleNamespace(set_global_policy=done.append)
    backend.keras = SimpleNamespace(mixed_precision=policy)
    for precision in (None, "tf32-off", "mixed_float16"):
        backend.set_precision(Job("mlp", True, 3, 1, {}, precision=precision))
    assert done == [False, "mixed_float16"]
    model: Any = SimpleNamespace()
    set_calls(model, Job("mlp", True, 3, 1, {}, steps=10), compiles=True)
    assert vars(model) == {"jit_compile": True, "steps_per_execution": 10}
