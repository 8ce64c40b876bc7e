"""What is drawn: once, and then kept in the cache where that can be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets import cache
from bench.datasets.dataset import Split


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A training and a test split that were drawn.

    best_possible: the quality on the test split that nobody can better, in the unit of its metric;
        None where nothing stands in the way of the whole.
    """

    train: Split
    test: Split
    best_possible: float | None = None


def kept_or_drawn(
    path: Path, draw: Callable[[], Drawing], best: str | None = None
) -> tuple[Drawing, str]:
    """What the cache has in a file, else what is drawn; and what to add to its note.

    best: what the file calls the best possible quality, where there is one.
    """
    names = ("train_x", "train_y", "test_x", "test_y", *filter(None, [best]))
    kept = cache.kept_arrays(path)
    if kept is not None and set(kept) == set(names):
        train, test = (Split(kept[f"{half}_x"], kept[f"{half}_y"]) for half in ("train", "test"))
        return Drawing(train, test, float(kept[best]) if best else None), ""
    drawn = draw()
    arrays = (drawn.train.x, drawn.train.y, drawn.test.x, drawn.test.y)
    values = (*arrays, np.array(drawn.best_possible))
    return drawn, cache.keep_arrays(path, **dict(zip(names, values, strict=False)))
