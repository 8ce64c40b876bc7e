"""Grind: photographs of ground coffee, and the seconds that its espresso takes to pull.

Real ones are a folder that a person brings; else the embedded generator draws them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import particles, photographs, pictures
from bench.datasets.dataset import Dataset, Split, kept_or_drawn
from bench.errors import DataError, UnableError, listed, shown
from bench.workloads.design import FOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.datasets.data_folder import DataFolder
    from bench.datasets.layouts.shots import Shots
    from bench.datasets.photographs import Photograph


# Of a folder's pictures so many tell their usual size; an aspect that changes by more is said.
_SIZES_LOOKED_AT, _SQUASHED = 9, 0.1


def load(data_folder: DataFolder | None, cache_dir: Path, size: tuple[int, int]) -> Dataset:
    """The grind data at `size` = (height, width): real photographs, or else drawn ones.

    `x` is `(n, height, width, 3) uint8` RGB, `y` `(n,) float32` seconds.  The images of a shot
    stand together, shots in a random order that is always the same; no shot, and no picture, is
    on both sides of the split.

    The baselines are in s², for the whole test split.  `mean_predictor_mse` is what predicting
    the training labels' mean scores.  `best_possible_mse` is what the true pull times score,
    where they were drawn and so are known; of photographs only how far repeated shots were seen to
    scatter is known (`particles.label_spread`), as another machine and another hand need not.

    data_folder: what is in a folder that a person named.  With pictures by class alone it is passed
        over.
    cache_dir: where the drawn photographs are kept, under `grind/`.  Real ones are read anew each
        time, which takes a few milliseconds each.

    Raises:
        DataError: a folder or file is misnamed, a picture is damaged or too large, the shots are
            too few to split, or too alike to learn anything from.
    """
    if data_folder is None:
        return drawn(cache_dir, size, "no --data-dir")
    if data_folder.shots is None:
        return drawn(cache_dir, size, f"no grind photographs in {shown(data_folder.folder)}")
    return _from_folder(data_folder.shots, size)


def drawn(
    cache_dir: Path, size: tuple[int, int], reason: str = "as asked for, whatever else there is"
) -> Dataset:
    """The embedded generator's grind data, shaped as `load` has it.

    Drawn in about 10 s on one core, once, and kept in `cache_dir` where that can be written.

    reason: why these and not photographs, for the data set's note.
    """
    height, width = size
    path = cache_dir / "grind" / f"drawn-particles-v{particles.VERSION}-{height}x{width}.npz"
    drawing, unkept = kept_or_drawn(path, partial(particles.draw, size), "best_possible_mse")
    assert drawing.best_possible is not None
    return Dataset(
        name="grind",
        source="synthetic",
        note=f"synthetic coffee particles: {reason}{unkept}",
        train=drawing.train,
        test=drawing.test,
        baselines=baselines(drawing.train, drawing.test, drawing.best_possible),
        shots=particles.shots_of(len(drawing.train), len(drawing.test)),
    )


def baselines(train: Split, test: Split, best: float | None = None) -> dict[str, float]:
    """What `load` says of them.  best: of drawn ones, whose true pull times are known."""
    taught, asked = train.y.astype(np.float64), test.y.astype(np.float64)
    scatter = float(np.mean(np.square(particles.label_spread(asked))))
    return {
        "mean_predictor_mse": float(np.mean(np.square(asked - taught.mean()))),
        "best_possible_mse": scatter if best is None else best,
    }


# ---- a folder that a person brings


def _from_folder(shots: Shots, size: tuple[int, int]) -> Dataset:
    found, pixels, prints = _read(shots, size)
    folder, together = shown(shots.folder), photographs.group(found)
    try:
        taught, asked = photographs.split(together, prints)
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error

    def take(side: Sequence[Photograph]) -> Split:
        x = np.stack([pixels[photograph.path] for photograph in side])
        return Split(x, np.array([photograph.seconds for photograph in side], np.float32))

    train, test = take(taught), take(asked)
    note = f"{len(found)} photographs of {len(together)} shots from {folder}"
    copies = len(found) - len(set(prints.values()))
    if copies:
        note += f"; {copies} are copies, also turned or mirrored, kept on one side of the split"
    note += _squashed([each.path for each in found], size)
    if shots.note:
        note += f"; {shots.note}"
    known = baselines(train, test)
    _must_differ(train, test, known, folder)
    numbers = photographs.numbered(together, prints)
    ids = [np.array([numbers[each.path] for each in side], np.int64) for side in (taught, asked)]
    return Dataset(
        "grind",
        "files",
        note,
        train,
        test,
        known,
        tuple(each.path for each in taught),
        shots=(ids[0], ids[1]),
    )


def read_shots(
    shots: Shots, size: tuple[int, int]
) -> tuple[Sequence[Photograph], dict[Path, NDArray[np.uint8]], dict[Path, int]]:
    """All photographs, the pixels of each and the number of its shot, without a split.

    Raises:
        DataError: a folder or file is misnamed, or a picture is damaged or too large.
    """
    found, pixels, prints = _read(shots, size)
    return found, pixels, photographs.numbered(photographs.group(found), prints)


def _read(
    shots: Shots, size: tuple[int, int]
) -> tuple[Sequence[Photograph], dict[Path, NDArray[np.uint8]], dict[Path, bytes]]:
    """All photographs, with the pixels of each and a fingerprint of these."""
    found, folder = shots.found(), shown(shots.folder)
    paths = [photograph.path for photograph in found]
    read, problems = pictures.read_all(paths, partial(photographs.read, size=size))
    if problems:
        counted = f"{len(problems)} of {len(paths)} pictures cannot be used"
        raise DataError(
            problems[0] if len(problems) == 1 else f"{folder}: {counted}: {listed(problems)}"
        )
    pixels = {path: each for path, each in zip(paths, read, strict=True) if each is not None}
    # Of the resized pixels, since two pictures that are the same to the network are a leak too.
    prints = {path: _print(each) for path, each in pixels.items()}
    return found, pixels, prints


def _print(pixels: NDArray[np.uint8]) -> bytes:
    """The same of a picture and of it mirrored or turned by a half: a flip leaks as a copy does."""
    turns = (pixels, pixels[::-1], pixels[:, ::-1], pixels[::-1, ::-1])
    return min(hashlib.sha256(each.tobytes()).digest() for each in turns)


def _squashed(paths: Sequence[Path], size: tuple[int, int]) -> str:
    """What becomes of the aspect of most pictures, where that is more than a little."""
    some = paths[:: max(1, len(paths) // _SIZES_LOOKED_AT)][:_SIZES_LOOKED_AT]
    usual = Counter(pictures.read(path).size for path in some).most_common(1)[0][0]
    (width, height), (new_height, new_width) = usual, size
    wide = (new_width / new_height) / (width / height)
    if abs(wide - 1) <= _SQUASHED:
        return ""
    return (
        f"; {width}x{height} are squashed to {new_width}x{new_height}, where a circle is "
        f"{wide:.2f} times as wide as high"
    )


def _must_differ(train: Split, test: Split, baselines: Mapping[str, float], folder: str) -> None:
    """Refuses pull times that are so alike that no training could be told from a guess."""
    guess, best = baselines["mean_predictor_mse"], baselines["best_possible_mse"]
    if guess > best:
        return
    seconds = np.concatenate([train.y, test.y])
    shortest, longest = seconds.min(), seconds.max()
    range_ = f"{shortest:g} to {longest:g} s" if longest > shortest else f"{shortest:g} s alone"
    raise DataError(
        f"{folder} has pull times of {range_}: always saying their mean is off by {guess:.1f} s², "
        f"and repeated shots of one grind differ by {best:.1f} s², so that no floor could be met; "
        f"add shots of shorter and longer pull times, or leave --data-dir out for generated ones"
    )


# ---- folds: every shot is tested on once, by a network that has not seen it


_FOLDS_SEED = 20201123


def folded(dataset: Dataset, fold: int) -> Dataset:
    """The data set split anew, so that the shots of one fold of FOLDS, 1 to FOLDS, are tested on.

    One split of few shots is luck: between the folds of one network the MSE differed by 13 s².  A
    fold's photographs are those of whole shots, so that no shot is on both of its sides.

    Both halves are put together first.  Of every FOLDS neighbours in pull time each is in another
    fold, so every fold has the whole range.

    Raises:
        UnableError: the data set has no shots.
        DataError: there are too few of them.
    """
    if dataset.shots is None:
        raise UnableError(f"{dataset.name} has no shots, by which folds are made")
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
        baselines=baselines(train, test),
        paths=(),
        shots=(shots[~tested], shots[tested]),
    )


def folds(shots: NDArray[np.int64], y: NDArray[np.generic]) -> NDArray[np.int64]:
    """The fold of each shot, 0 to FOLDS - 1, by its number: the same for the same shots always."""
    numbers, first = np.unique(shots, return_index=True)
    in_order = numbers[np.argsort(y[first], kind="stable")]
    rng = np.random.default_rng(_FOLDS_SEED)
    made = np.full(int(numbers.max()) + 1, -1, np.int64)
    for start in range(0, len(in_order), FOLDS):
        some = in_order[start : start + FOLDS]
        made[some] = rng.permutation(FOLDS)[: len(some)]
    return made
