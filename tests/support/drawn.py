"""The digits that stand in for MNIST: drawn once, in five seconds of a processor, and kept."""

from __future__ import annotations

from pathlib import Path

from bench.datasets import digits, mnist
from tests.support.cache import cache_folder, locked


def drawn_digits() -> Path:
    """The file that a `--cache-dir` has them in, in `mnist/`."""
    folder = cache_folder() / "data"
    path = folder / f"mnist/drawn-digits-v{digits.VERSION}.npz"
    with locked(folder.name):
        if not path.exists():
            mnist.drawn(folder)
    return path
