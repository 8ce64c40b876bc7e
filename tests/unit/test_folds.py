"""Folds by shot: each shot is tested on once, and never trained on beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.dataset import Dataset, Split
from bench.datasets.grind import folded
from bench.datasets.particles import shots_of
from bench.errors import DataError, GrindstoneError, UnableError
from bench.runner.option_values import design
from bench.workloads.design import FOLDS


def made() -> Dataset:
    """As the drawn photographs are: 32 shots of 3 to train on, 60 of 2 to test on."""
    ids = shots_of(96, 120)
    draw = np.random.default_rng(1)
    seconds = draw.uniform(5, 60, 92).astype(np.float32)
    train, test = (Split(shot[:, None].astype(np.uint8), seconds[shot]) for shot in ids)
    return Dataset("grind", "synthetic", "drawn", train, test, shots=ids)


def test_every_shot_is_tested_on_in_one_fold_and_trained_on_in_all_others() -> None:
    dataset, tested = made(), []
    for fold in range(1, FOLDS + 1):
        each = folded(dataset, fold)
        asked, taught = set(each.test.x.ravel().tolist()), set(each.train.x.ravel().tolist())
        assert not asked & taught
        assert len(asked | taught) == 92
        assert 9 <= len(asked) <= 10
        assert len(each.train) + len(each.test) == 216
        tested += sorted(asked)
    assert sorted(tested) == list(range(92))


def test_every_fold_has_the_whole_range_of_pull_times() -> None:
    for fold in range(1, FOLDS + 1):
        seconds = folded(made(), fold).test.y
        assert seconds.min() < 20
        assert seconds.max() > 45


def test_a_fold_says_which_it_is_and_has_baselines_of_its_own() -> None:
    each = folded(made(), 3)
    assert each.note == "drawn; fold 3 of 10, by shot"
    error = np.mean((each.test.y - each.train.y.mean(dtype=np.float64)) ** 2)
    assert each.baselines["mean_predictor_mse"] == pytest.approx(error)
    assert 0 < each.baselines["best_possible_mse"] < error
    assert folded(made(), 3).sha256() == each.sha256()
    assert folded(made(), 4).sha256() != each.sha256()


def test_data_without_shots_and_too_few_shots_are_refused_in_a_line() -> None:
    with pytest.raises(UnableError, match="no shots, by which folds are made"):
        folded(replace(made(), shots=None), 1)
    ids = shots_of(96, 120)
    with pytest.raises(DataError, match="too few for 10 folds"):
        folded(replace(made(), shots=(ids[0] // 8, ids[1] // 8)), 1)


def test_a_fold_is_a_design() -> None:
    assert list(design("fold=3").words()) == ["fold 3 of 10"]
    assert design("fold=3").option() == "fold=3"


@pytest.mark.parametrize("text", ["fold=0", "fold=11"])
def test_a_fold_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(GrindstoneError, match="--design"):
        design(text)
