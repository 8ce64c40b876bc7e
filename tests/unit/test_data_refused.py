"""`pytest bench/` with data that cannot be used: one line, exit status 4, and nothing trained.

Each of the ways to that end once; what is refused, and how, is told in the tests of the layouts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.digit_sets import LAYOUTS, Digits, put
from tests.support.program import python

Make = Callable[[Path], object]


def photographs(folder: Path, seconds: range = range(10, 50, 4)) -> None:
    for shot, each in enumerate(seconds):
        pixels = np.random.default_rng(shot).integers(0, 256, (24, 32, 3), np.uint8)
        path = folder / str(each) / f"{1_606_140_000 + 3600 * shot}-silvia.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def in_webp(folder: Path) -> None:
    photographs(folder)
    for path in folder.rglob("*.png"):
        Image.open(path).save(path.with_suffix(".webp"))
        path.unlink()


def digits(folder: Path) -> None:
    put(folder, LAYOUTS["published"](Digits.drawn()))


def cut(folder: Path) -> None:
    digits(folder)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("make", "words", "told"),
    [
        (lambda _: None, ["bench/"], "cannot be read: No such file or directory"),
        (cut, ["bench/", "-k", "mlp"], "is cut short: its gzip stream does not end"),
        (photographs, ["bench/", "-k", "mlp"], "holds grind photographs, and nothing that is chos"),
        (in_webp, ["bench/test_input.py", "--input=data-dir"], "8 of 8 photographs"),
    ],
    ids=["missing", "cut", "unused", "webp"],
)
def test_a_folder_that_cannot_be_used_is_one_line_before_anything_is_trained(
    make: Make, words: list[str], told: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    make(folder)
    (tmp_path / "results").mkdir()
    done = python(
        *("pytest", *words, "--profile=smoke", "-p", "no:cacheprovider"),
        *(f"--results-dir={tmp_path}/results", f"--cache-dir={tmp_path}/cache"),
        f"--data-dir={folder}",
        env={**os.environ, "PYTEST_ADDOPTS": "", "GRINDSTONE_MNIST_URL": ""},
    )
    lines = [line for line in done.stderr.splitlines() if line]
    assert done.returncode == 4, done.stdout
    assert len(lines) == 1
    assert lines[0].startswith("ERROR: bench: ")
    assert told in lines[0]
    assert str(folder) in lines[0]
    assert list((tmp_path / "results").iterdir()) == []
    assert not (tmp_path / "cache").exists()
