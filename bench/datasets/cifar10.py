"""CIFAR-10: 50,000 + 10,000 photographs of 32x32 pixels in ten classes, or drawn shapes instead.

A. Krizhevsky, «Learning Multiple Layers of Features from Tiny Images», 2009.  The files are not
part of this project: a person brings them, or they are downloaded once.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import cache, mnist_like, shapes
from bench.datasets.dataset import Dataset, Source, Split, kept_or_drawn
from bench.datasets.layouts import cifar_files
from bench.datasets.layouts.cifar_files import CHANNELS, SIDE, Records
from bench.datasets.mirrors import UnreachableError, Wanted, base_urls, download
from bench.errors import DataError, shown

if TYPE_CHECKING:
    from bench.datasets.data_folder import DataFolder

TRAIN, TEST = 50_000, 10_000

MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
)
MIRROR_VARIABLE = "GRINDSTONE_CIFAR10_URL"
"""Another base URL in place of the mirrors, or nothing at all to switch the download off."""

# Of the archive as published (tensorflow/datasets, checksums of cifar10).
_ARCHIVE = Wanted("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170_052_171)
# Of each binary batch as published (ankane/torchvision-ruby, datasets/cifar10.rb).  A Python batch
# holds the same records.
PUBLISHED: Mapping[str, str] = {
    "data_batch_1": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}


def load(
    data_folder: DataFolder | None, cache_dir: Path, *, mirrors: Sequence[str] | None = None
) -> Dataset:
    """CIFAR-10 from the first place that has it, or else drawn shapes of its shape.

    The places: `data_folder`, the cache, a mirror, the generator.  x is `(n, 32, 32, 3) uint8`, y
    `(n,) int64`, 0..9.

    data_folder: what is in a folder that a person named.
    cache_dir: where downloads and drawn shapes are kept, under `cifar10/`.
    mirrors: base URLs; None means `$GRINDSTONE_CIFAR10_URL` or else `MIRRORS`, and an empty
        sequence that nothing is downloaded.

    Raises:
        DataError: what a person brought is damaged or not CIFAR-10, or a download does not have
            the published checksum.
    """
    besides = "no --data-dir"
    if data_folder is not None and data_folder.cifar10 is not None:
        found = data_folder.cifar10
        if found.problem is not None:
            raise DataError(f"{found.problem}: bring a whole set, or leave --data-dir out")
        told = f"CIFAR-10 from {shown(found.where)} ({found.layout})"
        return _real(found.read(), "files", told, shown(found.where))
    if data_folder is not None:
        besides = f"no CIFAR-10 in {shown(data_folder.folder)}"
    kept = cache_dir / "cifar10"
    archive = kept / cifar_files.ARCHIVE
    try:
        if archive.is_file():
            told = f"CIFAR-10 from {shown(kept)}, downloaded before; {besides}"
            return _real(cifar_files.read_archive(archive), "cache", told, shown(archive))
    except DataError as error:  # damaged since: downloaded again
        besides += f"; {error}"
    return _downloaded(kept, base_urls(mirrors, MIRROR_VARIABLE, MIRRORS), besides)


def drawn(cache_dir: Path, reason: str = "as asked for, whatever else there is") -> Dataset:
    """Drawn shapes, with `load`'s shapes and cache.

    reason: why these and not photographs, for the data set's note.
    """
    path = cache_dir / "cifar10" / f"drawn-shapes-v{shapes.VERSION}.npz"
    drawing, unkept = kept_or_drawn(path, shapes.draw, "best_possible")
    best = {"best_possible_accuracy": drawing.best_possible} if drawing.best_possible else {}
    return Dataset(
        "cifar10",
        "synthetic",
        f"synthetic shapes, of which one label in {shapes.WRONG_OF} is wrong: {reason}{unkept}",
        drawing.train,
        drawing.test,
        {**best, **drawing.test.commonest},
    )


def _downloaded(kept: Path, mirrors: Sequence[str], besides: str) -> Dataset:
    try:
        with tempfile.TemporaryDirectory(prefix="grindstone-download-") as made:
            archive = Path(made) / cifar_files.ARCHIVE
            mirror = download({archive: _ARCHIVE}, mirrors)
            found = cifar_files.read_archive(archive)
            unkept = cache.keep_files(archive.parent, [archive.name], kept)
        told = f"CIFAR-10 downloaded from {mirror}; {besides}{unkept}"
        return _real(found, "download", told, mirror)
    except UnreachableError as reason:
        return drawn(kept.parent, f"no download ({reason}), and {besides}")
    except DataError as error:
        raise DataError(
            f"{error}; try again, name another mirror with {MIRROR_VARIABLE} "
            "or bring the files with --data-dir"
        ) from error


def _real(found: Mapping[str, Records], source: Source, note: str, where: str) -> Dataset:
    """The data set that records are, which have to be CIFAR-10's."""
    tests = [records for name, records in found.items() if name.startswith("test")]
    taught = np.concatenate([r for name, r in found.items() if not name.startswith("test")])
    asked = np.concatenate(tests)
    if (len(taught), len(asked)) != (TRAIN, TEST):
        raise DataError(
            f"{where} holds {len(taught):,} + {len(asked):,} images in place of CIFAR-10's "
            f"{TRAIN:,} + {TEST:,}: bring the whole set, or leave --data-dir out"
        )
    others_than = [
        name
        for name, records in found.items()
        if name in PUBLISHED and hashlib.sha256(records.tobytes()).hexdigest() != PUBLISHED[name]
    ]
    if others_than:
        raise DataError(
            f"{where} is not CIFAR-10 as published: {', '.join(others_than)} has another checksum; "
            "results are held to floors that were published for it alone"
        )
    if not found.keys() <= PUBLISHED.keys():
        note += ", not compared with the published files, whose order they do not keep"
    train, test = (mnist_like.mixed(split_of(records)) for records in (taught, asked))
    return Dataset("cifar10", source, note, train, test, test.commonest)


def split_of(records: Records) -> Split:
    """Images and classes of records, as `load` has them."""
    x = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    return Split(np.ascontiguousarray(x), records[:, 0].astype(np.int64))
