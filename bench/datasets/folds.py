"""Folds: every shot is tested on once, by a network that has not seen it.

One split of few shots is luck: between the folds of one network the MSE differed by 13 s².  A
fold's photographs are those of whole shots, so that no shot is on both of its sides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.datasets import grind
from bench.datasets.dataset import Dataset, Split
from bench.errors import DataError
from bench.workloads.design import FOLDS

SEED = 20201123


def folded(dataset: Dataset, fold: int) -> Dataset:
    """The data set split anew, so that the shots of one fold of FOLDS, 1 to FOLDS, are tested on.

    Both halves are put together first.  Of every FOLDS neighbours in pull time each is in another
    fold, so every fold has the whole range.

    Raises:
        DataError: it is not known which images are of one shot, or there are too few shots.
    """
    if dataset.shots is None:
        raise DataError(f"{dataset.name} has no shots, by which folds are made")
    halves = dataset.train, dataset.test
    x, y = (np.concatenate([getattr(half, part) for half in halves]) for part in ("x", "y"))
    shots = np.concatenate(dataset.shots)
    tested = np.isin(shots, np.flatnonzero(folds(shots, y) == fold - 1))
    if tested.all() or not tested.any() or len(np.unique(shots)) < 2 * FOLDS:
        raise DataError(f"{len(np.unique(shots))} shots are too few for {FOLDS} folds")
    train, test = (Split(x[side], y[side]) for side in (~tested, tested))
    return replace(
        dataset,
        note=f"{dataset.note}; fold {fold} of {FOLDS}, by shot",
        train=train,
        test=test,
        baselines=grind.baselines(train, test),
        paths=(),
        shots=(shots[~tested], shots[tested]),
    )


def folds(shots: NDArray[np.int64], y: NDArray[np.generic]) -> NDArray[np.int64]:
    """The fold of each shot, 0 to FOLDS - 1, by its number: the same for the same shots always."""
    numbers, first = np.unique(shots, return_index=True)
    in_order = numbers[np.argsort(y[first], kind="stable")]
    rng = np.random.default_rng(SEED)
    made = np.full(int(numbers.max()) + 1, -1, np.int64)
    for start in range(0, len(in_order), FOLDS):
        some = in_order[start : start + FOLDS]
        made[some] = rng.permutation(FOLDS)[: len(some)]
    return made
