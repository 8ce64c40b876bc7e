"""MNIST: 60,000 + 10,000 handwritten digits of 28x28 pixels, or drawn ones in their place.

Y. LeCun, C. Cortes, C. Burges, «The MNIST database of handwritten digits».  CC BY-SA 3.0.  The
files are not part of this project: a person brings them, or they are downloaded once.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import cache, digits, known_sets, mnist_like
from bench.datasets.dataset import Dataset, Drawing, Source, Split, kept_or_drawn
from bench.datasets.layouts import idx_files
from bench.datasets.mirrors import UnreachableError, Wanted, base_urls, download
from bench.errors import DataError, shown

if TYPE_CHECKING:
    from bench.datasets.data_folder import DataFolder
    from bench.datasets.layouts.classified import Classified, Half

CLASSES = 10

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
MIRROR_VARIABLE = "GRINDSTONE_MNIST_URL"
"""Another base URL in place of the mirrors, or nothing at all to switch the download off."""


COUNTS = (60_000, 10_000)
# A fingerprint of each split's images with their labels, in any order.
_PRINTS = (
    "54e1ab866c9484947dd4821c52bb7a43938f555d6b046be6af55247f8e6ffc64",
    "97b756d55950f1841ebd48df7379b9b2fc87a10d63e08d6213dad41d564e8508",
)
PUBLISHED: Mapping[str, Wanted] = {
    "train-images-idx3-ubyte.gz": Wanted(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422
    ),
    "train-labels-idx1-ubyte.gz": Wanted(
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881
    ),
    "t10k-images-idx3-ubyte.gz": Wanted(
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877
    ),
    "t10k-labels-idx1-ubyte.gz": Wanted(
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542
    ),
}
"""The files, as they are called on the mirrors and in the cache."""


def load(
    data_folder: DataFolder | None, cache_dir: Path, *, mirrors: Sequence[str] | None = None
) -> Dataset:
    """MNIST from the first place that has it, or else drawn digits of the same shape.

    The places: `data_folder`, the cache, a mirror, the generator.  Real files are checked down to
    the last byte, wherever they come from; x is `(n, 28, 28, 1) uint8`, y `(n,) int64`, 0..9.
    A cache that cannot be used is done without, and the note says so.

    data_folder: what is in a folder that a person named.  With photographs alone it is passed over.
    cache_dir: where downloads and drawn digits are kept, under `mnist/`.
    mirrors: base URLs; None means `$GRINDSTONE_MNIST_URL` or else `MIRRORS`, and an empty sequence
        that nothing is downloaded.

    Raises:
        DataError: what a person brought is damaged or not MNIST, or a download does not have the
            published checksum.
    """
    besides = "no --data-dir"
    if data_folder is not None:
        if data_folder.classified:
            return _from_folder(data_folder)
        besides = f"no MNIST files in {shown(data_folder.folder)}"
    return _kept_or_downloaded(
        cache_dir / "mnist", base_urls(mirrors, MIRROR_VARIABLE, MIRRORS), besides
    )


def _kept_or_downloaded(kept: Path, mirrors: Sequence[str], besides: str) -> Dataset:
    cached, fault = _cached(kept)
    if cached is not None:
        return _dataset(cached, "cache", f"MNIST from {shown(kept)}, downloaded before; {besides}")
    try:
        with tempfile.TemporaryDirectory(prefix="grindstone-download-") as made:
            folder = Path(made)
            wanted = {folder / name: each for name, each in PUBLISHED.items()}
            mirror = download(wanted, mirrors)
            splits = _read(folder)
            unkept = cache.keep_files(folder, PUBLISHED, kept)
        note = f"MNIST downloaded from {mirror}; {besides}{unkept}"
        return _dataset(splits, "download", note)
    except UnreachableError as reason:
        note = f"synthetic digits: no download ({reason}), and {besides}"
        return _drawn(kept, f"{note}; {fault}" if fault else note)
    except DataError as error:
        raise DataError(
            f"{error}; try again, name another mirror with {MIRROR_VARIABLE} "
            "or bring the files with --data-dir"
        ) from error


def drawn(cache_dir: Path) -> Dataset:
    """Drawn digits, for a person who wants no real ones, with `load`'s shapes and cache."""
    return _drawn(cache_dir / "mnist", "synthetic digits: real ones were not asked for")


def is_mnist(train: Half, test: Half) -> bool:
    """Whether these are MNIST's own images with their labels, in whatever order."""
    halves = train, test
    counted = tuple(len(half.x) for half in halves) == COUNTS
    return counted and tuple(map(_print, halves)) == _PRINTS


# ---- a folder that a person brings


def _from_folder(data_folder: DataFolder) -> Dataset:
    fix = "put the published files there, or leave --data-dir out to have them downloaded"
    faults: list[str] = []
    try:
        for found, train, test in mnist_like.readable(data_folder, "mnist", faults):
            if is_mnist(train, test):
                note = f"MNIST from {shown(found.where)} ({found.layout})"
                return _dataset((_split(train), _split(test)), "files", note)
            faults.append(_what_it_is(found, train, test))
    except DataError as error:
        faults.append(str(error))
    raise DataError(f"{faults[0]}; {fix}")


def _what_it_is(found: Classified, train: Half, test: Half) -> str:
    """What is in MNIST's place, and how it is trained on all the same."""
    where, name = shown(found.where), mnist_like.by_content(found, train, test)
    if name is not None:
        return (
            f"not MNIST: {where} holds {known_sets.title(name)}; --dataset {name} trains on it, "
            "without the floors that were published for MNIST alone"
        )
    counts, labels = (len(train.x), len(test.x)), np.concatenate([train.y, test.y])
    if counts != COUNTS:
        what = f"{counts[0]} + {counts[1]} images in place of {COUNTS[0]} + {COUNTS[1]}"
    elif labels.min() < 0 or labels.max() >= CLASSES:
        what = f"labels from {labels.min()} to {labels.max()}, where digits run from 0 to 9"
    else:
        what = "other images or labels than the published ones"
        if len({*np.bincount(train.y).tolist()}) == 1:
            what += ", as many of each class, as in Fashion-MNIST and Kuzushiji-MNIST"
    return (
        f"not MNIST: {where} ({found.layout}) holds {what}; results are held to floors that were "
        "published for MNIST alone: --dataset NAME trains on other pictures under a name of "
        "their own"
    )


# ---- files to arrays


def _read(folder: Path) -> tuple[Split, Split]:
    """The files of a folder of ours, checked.

    Raises:
        DataError: they are not what was downloaded.
    """
    files = {role: folder / name for role, name in idx_files.ROLES.items()}
    train, test = idx_files.read(files)
    if not is_mnist(train, test):
        raise DataError(f"{shown(folder)} does not hold MNIST")
    return _split(train), _split(test)


def _split(half: Half) -> Split:
    return mnist_like.mixed(Split(half.x[..., None], half.y))


def _print(half: Half) -> str:
    """A fingerprint of images with their labels, whatever their order."""
    if half.y.min() < 0 or half.y.max() >= CLASSES:
        return ""
    rows = np.column_stack([half.x.reshape(len(half.x), -1), half.y.astype(np.uint8)])
    each = sorted(hashlib.sha256(row).digest() for row in rows)
    return hashlib.sha256(b"".join(each)).hexdigest()


def _dataset(splits: tuple[Split, Split], source: Source, note: str) -> Dataset:
    return Dataset("mnist", source, note, *splits, splits[1].commonest)


# ---- the cache


def _cached(kept: Path) -> tuple[tuple[Split, Split] | None, str | None]:
    """What was downloaded before, or why it cannot be used where there is something."""
    try:
        there = [(kept / name).is_file() for name in PUBLISHED]
        if not any(there):
            return None, None
        return _read(kept), None
    except PermissionError:
        return None, f"the cache {shown(kept)} may not be read"
    except DataError as error:  # damaged since, or not whole: downloaded again
        return None, f"MNIST's files in {shown(kept)} cannot be used: {error}"


def _drawn(folder: Path, note: str) -> Dataset:
    path = folder / f"drawn-digits-v{digits.VERSION}.npz"
    drawing, unkept = kept_or_drawn(path, lambda: Drawing(*digits.draw()))
    return _dataset((drawing.train, drawing.test), "synthetic", note + unkept)
