"""A data set as arrays, with where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from bench.datasets import cache
from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Source = Literal["files", "cache", "download", "synthetic"]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One half of a data set.

    x: images, `(n, height, width, channels) uint8`.
    y: targets, `(n,) int64` classes or `(n,) float32` seconds.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.generic]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def commonest(self) -> dict[str, float]:
        """The baseline of classes: what always saying the most frequent one reaches."""
        import numpy as np

        share = np.bincount(self.y.astype(np.int64)).max() / len(self)
        return {"most_frequent_class_accuracy": float(share)}

    def head(self, count: int | None) -> Split:
        """The first `count` images, or all of them for None."""
        return Split(self.x[:count], self.y[:count])


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A training and a test split, and what a reader must know about them.

    name: `mnist` or `grind`, or what a person's other pictures are called.
    note: the same in a sentence, with the reason where a better source was not used.
    baselines: figures that a quality is judged against, in the unit of the metric.
    paths: the files that the training images were read from, one for each, where there are such.
    classes: how many the labels have, where these are not the networks' own data; else None.
    shots: the number of the shot that each image is of, of both splits; None where there are none.
    """

    name: str
    source: Source
    note: str
    train: Split
    test: Split
    baselines: Mapping[str, float] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    classes: int | None = None
    shots: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    @property
    def synthetic(self) -> bool:
        """Whether a generator drew the images."""
        return self.source == "synthetic"

    @property
    def kind(self) -> Literal["real", "synthetic"]:
        """`real` or `synthetic`: floors and comparisons are kept apart by it."""
        return "synthetic" if self.synthetic else "real"

    def head(self, train: int | None, test: int | None) -> Dataset:
        """The same data set cut to its first images; None keeps a split whole."""
        paths = self.paths[:train]
        first, tested = self.train.head(train), self.test.head(test)
        return replace(self, train=first, test=tested, paths=paths, shots=None)

    def holding_out(self, train: int | None, count: int) -> Dataset:
        """The same with its last training images instead of the test images.

        Images of one shot stand together and have one label, and are never parted.

        train: how many are trained on; None is all that are left.
        count: how many are held out, or a few less.

        Raises:
            DataError: there are too few.
        """
        x, y = self.train.x, self.train.y
        first = len(x) - count
        if first < (train or 1):
            raise DataError(
                f"{self.name} has {len(x)} training images: {count} cannot be held out of them"
                + (f" beside {train} that are trained on" if train else "")
            )
        while y.dtype.kind == "f" and first < len(x) - 1 and y[first - 1] == y[first]:
            first += 1
        held = Split(x[first:], y[first:])
        note = f"{self.note}; judged on {len(held)} training images that were held out"
        taught, known = Split(x[:first], y[:first]), dict(self.baselines)
        if "mean_predictor_mse" in known:  # that of a picture a target, pixel by pixel
            mean = taught.y.mean(axis=0, dtype="float64")
            known["mean_predictor_mse"] = float(((held.y - mean) ** 2).mean())
        return replace(
            self, note=note, train=taught, test=held, paths=self.paths[:first], baselines=known
        )

    def sha256(self) -> str:
        """A fingerprint of the arrays themselves, wherever they came from."""
        digest = hashlib.sha256()
        for array in (self.train.x, self.train.y, self.test.x, self.test.y):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()


# ---- what is drawn: once, and then kept in the cache where that can be written


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
    import numpy as np

    names = ("train_x", "train_y", "test_x", "test_y", *filter(None, [best]))
    kept = cache.kept_arrays(path)
    if kept is not None and set(kept) == set(names):
        train, test = (Split(kept[f"{half}_x"], kept[f"{half}_y"]) for half in ("train", "test"))
        return Drawing(train, test, float(kept[best]) if best else None), ""
    drawn = draw()
    arrays = (drawn.train.x, drawn.train.y, drawn.test.x, drawn.test.y)
    values = (*arrays, np.array(drawn.best_possible))
    return drawn, cache.keep_arrays(path, **dict(zip(names, values, strict=False)))
