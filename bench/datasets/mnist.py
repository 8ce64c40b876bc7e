"""MNIST: 60,000 + 10,000 handwritten digits of 28x28 pixels, or drawn ones in their place.

Y. LeCun, C. Cortes, C. Burges, «The MNIST database of handwritten digits».  CC BY-SA 3.0.  The
files are not part of this project: a person brings them, or they are downloaded once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import cache, digits, idx
from bench.datasets.dataset import Dataset, Source, Split
from bench.datasets.mirrors import UnreachableError, download
from bench.errors import CacheError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE, CLASSES = 28, 10

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
MIRROR_VARIABLE = "GRINDSTONE_MNIST_URL"
"""Another base URL in place of the mirrors, or nothing at all to switch the download off."""

ANSWER_WITHIN = 5.0
"""Seconds after which a box counts as one without a network."""


@dataclass(frozen=True, slots=True)
class Published:
    """One of the four files, with the SHA-256 of its gzip and of its unpacked bytes."""

    name: str
    entries: int
    gzip_sha256: str
    sha256: str

    @property
    def gzip_name(self) -> str:
        """What the file is called on the mirrors and in the cache."""
        return f"{self.name}.gz"

    @property
    def names(self) -> tuple[str, ...]:
        """What the file is called on people's disks."""
        dotted = self.name.replace("-idx", ".idx")
        return self.name, self.gzip_name, dotted, f"{dotted}.gz"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two files of one split."""

    images: Published
    labels: Published


TRAIN = Pair(
    Published(
        "train-images-idx3-ubyte",
        60_000,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    Published(
        "train-labels-idx1-ubyte",
        60_000,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
)
TEST = Pair(
    Published(
        "t10k-images-idx3-ubyte",
        10_000,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    Published(
        "t10k-labels-idx1-ubyte",
        10_000,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
PUBLISHED = (TRAIN.images, TRAIN.labels, TEST.images, TEST.labels)

FOLDERS = ("", "mnist", "MNIST/raw")
"""Where the files lie inside a data directory; the last is torchvision's."""


def load(
    data_dir: Path | None,
    cache_dir: Path,
    *,
    mirrors: Sequence[str] | None = None,
    answer_within: float = ANSWER_WITHIN,
) -> Dataset:
    """MNIST from the first place that has it, or else drawn digits of the same shape.

    The places: `data_dir`, the cache, a mirror, the generator.  Real files are checked down to the
    last byte, wherever they come from; x is `(n, 28, 28, 1) uint8`, y `(n,) int64`, 0..9.

    data_dir: a folder that a person brings.  It may hold something else, and is then passed over.
    cache_dir: where downloads and drawn digits are kept, under `mnist/`.
    mirrors: base URLs; None means `$GRINDSTONE_MNIST_URL` or else `MIRRORS`, and an empty sequence
        that nothing is downloaded.
    answer_within: seconds for the mirrors to answer, all together.

    Raises:
        DataError: `data_dir` is missing, empty or holds files that are not MNIST, or a download
            does not have the published checksum.
        CacheError: the cache cannot be read or written.
    """
    besides = "no --data-dir"
    if data_dir is not None:
        _must_hold_something(data_dir)
        if present(data_dir):
            return _brought(data_dir)
        besides = f"no MNIST files in {data_dir}"
    return _kept_or_downloaded(cache_dir / "mnist", _base_urls(mirrors), answer_within, besides)


def _kept_or_downloaded(
    kept: Path, mirrors: Sequence[str], answer_within: float, besides: str
) -> Dataset:
    files = {file: kept / file.gzip_name for file in PUBLISHED}
    cached = _cached(files)
    if cached is not None:
        return _dataset(cached, "cache", f"MNIST from {kept}, downloaded before; {besides}")
    wanted = {path: file.gzip_sha256 for file, path in files.items()}
    try:
        mirror = download(wanted, mirrors, answer_within)
    except UnreachableError as reason:
        note = f"synthetic digits: no download ({reason}), and {besides}"
        if any(path.exists() for path in files.values()):
            note += f"; MNIST's files in {kept} are damaged"
        return _dataset(_drawn(kept), "synthetic", note)
    except DataError as error:
        raise DataError(
            f"{error}; try again, name another mirror with {MIRROR_VARIABLE} "
            "or bring the files with --data-dir"
        ) from error
    return _dataset(_read(files), "download", f"MNIST downloaded from {mirror}; {besides}")


def drawn(cache_dir: Path) -> Dataset:
    """Drawn digits, for a person who wants no real ones, with `load`'s shapes and cache.

    Raises:
        CacheError: the cache cannot be read or written.
    """
    note = "synthetic digits: real ones were not asked for"
    return _dataset(_drawn(cache_dir / "mnist"), "synthetic", note)


def present(data_dir: Path) -> bool:
    """Whether any of MNIST's four files lies in `data_dir`, or in its `mnist` or `MNIST/raw`."""
    try:
        return bool(_find(data_dir)[1])
    except PermissionError:
        return False


# ---- a folder that a person brings


def _must_hold_something(data_dir: Path) -> None:
    expected = "--data-dir takes a folder with MNIST's files, grind photographs or both"
    try:
        something = next(data_dir.iterdir(), None)
        if something is not None:
            something.lstat()  # a folder may be listed by a user who may not enter it
    except OSError as error:
        raise DataError(f"{data_dir} cannot be read: {error.strerror}; {expected}") from error
    if something is None:
        raise DataError(f"{data_dir} is empty; {expected}")


def _find(data_dir: Path) -> tuple[Path, dict[Published, Path]]:
    """The folder that holds most of the files, and which path each has there."""
    best = data_dir, dict[Published, Path]()
    for folder in (data_dir / inner for inner in FOLDERS):
        found = {
            file: folder / name
            for file in PUBLISHED
            for name in reversed(file.names)  # the plain file before its gzip
            if (folder / name).is_file()
        }
        if len(found) > len(best[1]):
            best = folder, found
    return best


def _brought(data_dir: Path) -> Dataset:
    folder, found = _find(data_dir)
    missing = [file.gzip_name for file in PUBLISHED if file not in found]
    mend = "put the published files there, or leave --data-dir out to have them downloaded"
    if missing:
        raise DataError(f"{folder} lacks {', '.join(missing)} of MNIST's four files; {mend}")
    try:
        splits = _read(found)
    except DataError as error:
        raise DataError(f"{error}; {mend}") from error
    return _dataset(splits, "files", f"MNIST from {folder}")


# ---- files to arrays


def _read(files: Mapping[Published, Path]) -> tuple[Split, Split]:
    return _read_pair(TRAIN, files), _read_pair(TEST, files)


def _read_pair(pair: Pair, files: Mapping[Published, Path]) -> Split:
    contents = {file: idx.read(files[file]) for file in (pair.images, pair.labels)}
    images = idx.parse(contents[pair.images], 3, str(files[pair.images]))
    labels = idx.parse(contents[pair.labels], 1, str(files[pair.labels]))
    _check(images, labels, files[pair.images], files[pair.labels], pair.images.entries)
    for file, data in contents.items():
        digest = hashlib.sha256(data).hexdigest()
        if digest != file.sha256:
            raise DataError(
                f"not MNIST: {files[file]} is well formed, and its bytes have SHA-256 "
                f"{digest[:12]}… in place of {file.sha256[:12]}…; this workload holds results to "
                "floors that were published for MNIST alone"
            )
    return Split(images[..., None], labels.astype(np.int64))


def _check(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    image_path: Path,
    label_path: Path,
    entries: int,
) -> None:
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise DataError(f"{image_path} holds images of {height}x{width} pixels in place of 28x28")
    if len(images) != len(labels):
        raise DataError(f"{label_path} holds {len(labels)} labels for {len(images)} images")
    if len(images) != entries:
        raise DataError(f"{image_path} holds {len(images)} images in place of {entries}")
    wrong = np.flatnonzero(labels >= CLASSES)
    if len(wrong):
        raise DataError(
            f"{label_path} holds the label {labels[wrong[0]]} at position {wrong[0]}, "
            "where digits run from 0 to 9"
        )


def _dataset(splits: tuple[Split, Split], source: Source, note: str) -> Dataset:
    train, test = splits
    most_frequent = np.bincount(test.y.astype(np.int64)).max() / len(test)
    baselines = {"most_frequent_class_accuracy": float(most_frequent)}
    return Dataset("mnist", source, note, train, test, baselines)


# ---- the cache


def _cached(files: Mapping[Published, Path]) -> tuple[Split, Split] | None:
    try:
        if not all(path.is_file() for path in files.values()):
            return None
        for path in files.values():
            path.open("rb").close()
    except PermissionError as error:
        raise CacheError(
            f"the cache may not be read: {error.filename}; make it yours or {cache.MENDED_BY}"
        ) from error
    try:
        return _read(files)
    except DataError:  # damaged since: downloaded again
        return None


def _drawn(folder: Path) -> tuple[Split, Split]:
    path = folder / f"drawn-digits-v{digits.VERSION}.npz"
    kept = cache.load_arrays(path)
    if kept is None or set(kept) != {"train_x", "train_y", "test_x", "test_y"}:
        train, test = digits.draw()
        cache.store_arrays(path, train_x=train.x, train_y=train.y, test_x=test.x, test_y=test.y)
        return train, test
    return Split(kept["train_x"], kept["train_y"]), Split(kept["test_x"], kept["test_y"])


def _base_urls(wanted: Sequence[str] | None) -> list[str]:
    if wanted is None:
        other = os.environ.get(MIRROR_VARIABLE)
        wanted = MIRRORS if other is None else other.split()
    return [url if url.endswith("/") else f"{url}/" for url in wanted]
