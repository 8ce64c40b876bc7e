"""Changes to a network and its training: read, named, checked, and handed to the worker."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from bench.datasets.dataset import Dataset, Split
from bench.errors import DataError, GrindstoneError, UnableError
from bench.record import variant as in_record
from bench.record.variant import Design, Variant, Way
from bench.report import folds, summary
from bench.report.format import Screen
from bench.runner import option_values
from bench.runner.row import Row
from bench.worker import network
from bench.worker.messages import Job
from bench.workloads import EVERY, design
from bench.workloads.workload import Schedule
from tests.support.records import CPU, quality, record, result


def asked(text: str) -> Design:
    return option_values.design(text)


def test_the_record_and_the_worker_know_the_same_changes() -> None:
    assert Design.__struct_fields__ == tuple(each.name for each in fields(design.Design))


@pytest.mark.parametrize(
    ("text", "made", "words"),
    [
        ("published", Design(), ""),
        ("pooling=average", Design(pooling="average"), "average pooling"),
        ("filters=32/32/64", Design(filters=(32, 32, 64)), "filters 32-32-64"),
        ("dense=64", Design(dense=(64,)), "dense 64"),
        ("dropout=0", Design(dropout=0.0), "dropout 0"),
        ("size=128,epochs=5", Design(size=128, epochs=5), "128x128 images, 5 epochs"),
        (
            "rates=one-cycle,learning_rate=3e-3",
            Design(rates="one-cycle", learning_rate=0.003),
            "learning rate 0.003, one-cycle learning rates",
        ),
    ],
)
def test_changes_are_read_and_named(text: str, made: Design, words: str) -> None:
    assert asked(text) == made
    assert ", ".join(made.words()) == words
    if text != "published":
        assert asked(made.option()) == made, "what is named can be asked for again"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pool=max", "--design: no change 'pool'; there is pooling, filters"),
        ("pooling=median", "--design pooling=median: pooling is not as expected"),
        ("filters=32/x", "--design filters=32/x: filters is not as expected"),
        ("dropout=1", "--design dropout=1: dropout is not as expected"),
        ("epochs=2", "--design epochs=2: epochs is not as expected"),
        ("learning_rate=0", "--design learning_rate=0: learning_rate is not as expected"),
    ],
)
def test_what_is_no_change_is_refused_in_a_line(text: str, told: str) -> None:
    with pytest.raises(GrindstoneError, match=re.escape(told)):
        asked(text)


def test_a_changed_row_is_another_row_and_says_so() -> None:
    row = Row(EVERY["post"], CPU, variant=Variant(design=asked("pooling=average,dropout=0")))
    assert row.title == "post on cpu, average pooling, dropout 0"
    assert row.way.options == " --design pooling=average,dropout=0"
    assert row.varied is not None
    assert Row(EVERY["post"], CPU, variant=Variant(design=Design())).varied is None


def test_a_network_without_such_a_part_is_left_out() -> None:
    row = Row(EVERY["mlp"], CPU, variant=Variant(design=asked("pooling=average")))
    with pytest.raises(UnableError, match="mlp has no pooling to change"):
        _ = row.designed


def test_another_size_is_another_data_set() -> None:
    changed: Any = Row(EVERY["post"], CPU, variant=Variant(design=asked("size=128"))).designed
    assert changed.image == (128, 128, 3)
    assert changed.parameters is None, "it is not the published network's number"


def test_a_job_brings_its_design_to_the_worker() -> None:
    changes = asked("filters=4/4/8,learning_rate=0.5,dropout=0").changes
    job = Job.read(Job("post", False, 3, 1, {}, design=changes).line())
    assert job.design == changes
    changed = network.workload_of(job)
    assert (changed.learning_rate, changed.design) == (0.5, changes)


def test_a_design_has_its_own_epochs_and_images() -> None:
    row = Row(EVERY["mlp"], CPU, variant=Variant(design=asked("epochs=9,images=10,held_out=5")))
    assert row.schedule(Schedule(4)) == Schedule(9, 10, None, 5)


def test_a_way_with_a_design_has_an_id_that_a_shell_takes() -> None:
    way = Way("stock", Variant(design=asked("pooling=average,filters=8/8/8")))
    assert way.id == "-average_pooling-filters_8-8-8"
    assert in_record.Variant().design is None


# ---- what is held out


def data(labels: list[float], dtype: str) -> Dataset:
    y = np.array(labels, dtype)
    x = np.arange(len(y), dtype="uint8")[:, None, None, None]
    return Dataset("grind", "synthetic", "drawn", Split(x, y), Split(x, y))


def test_images_are_held_out_of_the_training_images_alone() -> None:
    made = data([1, 2, 3, 4, 5, 6], "int64").holding_out(3, 2)
    assert made.train.y.tolist() == [1, 2, 3, 4]
    assert made.test.y.tolist() == [5, 6]
    assert "2 training images that were held out" in made.note


def test_the_images_of_a_shot_are_not_parted() -> None:
    made = data([30, 30, 31, 31, 31, 40], "float32").holding_out(None, 2)
    assert made.train.y.tolist() == [30, 30, 31, 31, 31]
    assert made.test.y.tolist() == [40]


def test_too_few_images_are_refused() -> None:
    with pytest.raises(DataError, match="6 training images: 4 cannot be held out of them beside 3"):
        data([1, 2, 3, 4, 5, 6], "int64").holding_out(3, 4)


# ---- folds


def test_folds_are_asked_for_by_one_word() -> None:
    every = option_values.designs("epochs=4,fold=all")
    assert [each.fold for each in every] == list(range(1, 11))
    assert {each.epochs for each in every} == {4}
    assert [each.option() for each in option_values.designs("fold=2/7")] == ["fold=2", "fold=7"]
    with pytest.raises(GrindstoneError, match="fold is not as expected"):
        option_values.designs("fold=2/11")


def test_a_word_that_is_none_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(GrindstoneError, match="; there is Adam, RMSprop, SGD"):
        asked("optimizer=sgd")


def test_another_optimizer_is_the_workloads_own_as_far_as_it_is_trained() -> None:
    changed: Any = Row(EVERY["circles"], CPU, variant=Variant(design=asked("optimizer=SGD")))
    assert changed.designed.optimizer == "SGD"
    assert changed.title == "circles on cpu, SGD"


def test_the_folds_of_a_network_are_one_line_beside_a_guess() -> None:
    trained = [
        result(
            "post",
            variant=Variant(design=Design(fold=fold, epochs=4)),
            quality=quality("post", value),
        )
        for fold, value in enumerate([120.0, 142.0, 164.0], start=1)
    ]
    (line,) = folds.lines([*trained, result("post"), result("mlp")])
    assert line.startswith("post on cpu, 4 epochs: MSE 142.0 ± 22.0 s² over 3 of 10 folds, by shot")
    assert "predicting the mean" in line
    assert not list(folds.lines(trained[:1])), "one fold has no spread"
    assert "± 22.0 s²" in summary.text(record(trained), None, Screen(120), verbose=False)
