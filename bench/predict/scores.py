"""How well a network predicts, in figures, each beside what takes no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Seconds that a prediction may be off, in the project that the photographs are from.
NEAR = 6.0


@dataclass(frozen=True, slots=True)
class Regression:
    """Of pull times.

    mse: in s²; mae: in s.
    r2: the share of the variance that is told; None where all pull times are alike.
    near: the share within NEAR seconds.
    """

    count: int
    mse: float
    mae: float
    r2: float | None
    near: float


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """Of classes.

    guess: the accuracy of always saying the most frequent class.
    confusion: `(classes, classes)`, how often each was taken for which.
    """

    count: int
    accuracy: float
    guess: float
    confusion: NDArray[np.int64]


def regression(actual: NDArray[np.floating], said: NDArray[np.floating]) -> Regression:
    """What predictions are worth."""
    truth = actual.astype(np.float64)
    error = said.astype(np.float64) - truth
    mse, variance = float(np.mean(error**2)), float(np.var(truth))
    return Regression(
        len(truth),
        mse,
        float(np.mean(np.abs(error))),
        1 - mse / variance if variance else None,
        float(np.mean(np.abs(error) <= NEAR)),
    )


def constant_guess(actual: NDArray[np.floating], seconds: float) -> Regression:
    """The same of saying one time always: the mean predictor's, where it is that of training."""
    return regression(actual, np.full(len(actual), seconds))


def classification(actual: NDArray[np.integer], said: NDArray[np.floating]) -> Classification:
    """What the probabilities of classes are worth."""
    classes = said.shape[1]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (actual, said.argmax(axis=1)), 1)
    return Classification(
        len(actual),
        float(np.trace(confusion) / len(actual)),
        float(confusion.sum(axis=1).max() / len(actual)),
        confusion,
    )


def confused(made: Classification, most: int) -> list[tuple[int, int, int]]:
    """What was taken for what, and how often, the most frequent first."""
    wrong = made.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [tuple(map(int, np.unravel_index(each, wrong.shape))) for each in order]
    return [
        (actual, said, int(wrong[actual, said])) for actual, said in pairs if wrong[actual, said]
    ]


def worst(actual: NDArray[np.generic], said: NDArray[np.floating], most: int) -> Sequence[int]:
    """The examples that the network was furthest off, by their numbers, the worst first.

    Of seconds those with the largest error; of classes those whose own had the least probability.
    """
    if said.shape[1] == 1:
        loss = np.abs(said[:, 0].astype(np.float64) - actual.astype(np.float64))
    else:
        loss = -said[np.arange(len(actual)), actual.astype(np.int64)].astype(np.float64)
    order: list[int] = np.argsort(-loss, kind="stable")[:most].tolist()
    return order
