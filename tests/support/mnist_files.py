"""MNIST's published files, and what is read from them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import mnist
from bench.datasets.dataset import Dataset

REAL = Path(__file__).parents[3] / "shared" / "data" / "mnist"
NAMES = list(mnist.PUBLISHED)
DRAWN = "drawn-digits-v1.npz"

needs_mnist = pytest.mark.skipif(not REAL.is_dir(), reason=f"MNIST's files are not in {REAL}")


def must_be_mnist(dataset: Dataset) -> None:
    """Shapes, types and the statistics that are known of MNIST."""
    assert dataset.name == "mnist"
    assert dataset.kind == "real"
    assert dataset.train.x.shape == (60_000, 28, 28, 1)
    assert dataset.test.x.shape == (10_000, 28, 28, 1)
    assert dataset.train.x.dtype == dataset.test.x.dtype == np.uint8
    assert dataset.train.y.dtype == dataset.test.y.dtype == np.int64
    assert dataset.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.train.x.mean() / 255 == pytest.approx(0.13066, abs=1e-5)
    assert dataset.baselines == {"most_frequent_class_accuracy": 0.1135}


def must_be_drawn(dataset: Dataset, train: int = 100, test: int = 50) -> None:
    assert (dataset.source, dataset.kind) == ("synthetic", "synthetic")
    assert dataset.train.x.shape == (train, 28, 28, 1)
    assert dataset.test.x.shape == (test, 28, 28, 1)
    assert dataset.note.startswith("synthetic digits: no download (")


def unpacked(name: str) -> bytes:
    return gzip.decompress((REAL / name).read_bytes())


def replace(folder: Path, name: str, content: bytes) -> None:
    (folder / name).unlink()
    (folder / name).write_bytes(content)
