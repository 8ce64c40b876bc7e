"""A folder that a person names, as it is trained on or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import mnist, mnist_like
from bench.datasets.data_folder import DataFolder, look
from bench.datasets.dataset import Dataset
from bench.errors import DataError, shown
from tests.support.digit_sets import Digits

MADE = Digits.drawn()


def must_be(dataset: Dataset, made: Digits) -> None:
    for split, x, y in (
        (dataset.train, made.x_train, made.y_train),
        (dataset.test, made.x_test, made.y_test),
    ):
        np.testing.assert_array_equal(split.x[..., 0], x)
        np.testing.assert_array_equal(split.y, y)


def trained_on(brought: DataFolder, name: str) -> Dataset:
    """What MNIST's networks are trained on."""
    if name == "mnist":
        return mnist.load(brought, brought.folder / "cache", mirrors=[])
    return mnist_like.load(brought, name)


def refusal(folder: Path, name: str = "mnist") -> str:
    """The line in which a folder is refused for MNIST's networks."""
    brought = look(folder)
    if brought.refusal is not None:
        line = brought.refusal
    else:
        with pytest.raises(DataError) as caught:
            trained_on(brought, name)
        line = str(caught.value)
    assert line.isprintable(), "one line, without escape codes"
    assert shown(folder) in line
    return line
