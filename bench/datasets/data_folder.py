"""A folder that a person names: looked at once, and either used or refused with what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.datasets import layouts, listing, pictures
from bench.datasets.layouts import cifar_files, shots
from bench.datasets.layouts.cifar_files import CifarFiles
from bench.datasets.layouts.classified import Classified
from bench.datasets.layouts.shots import LAYOUT, Shots
from bench.datasets.listing import Folder
from bench.errors import DataError, shown, some

EXPECTED = (
    "expected pictures by class like MNIST's (IDX, NPZ or CSV files, or folders of pictures), "
    f"CIFAR-10's batches, or grind photographs ({LAYOUT})"
)
WHAT_TO_DO = (
    "name the folder that holds them, or leave --data-dir out (docs/data.md shows every layout)"
)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What a folder holds that can be trained on.

    classified: pictures by class, whole sets first.
    shots: grind photographs, or None.
    cifar10: its batches, or folders of its pictures, or None.
    refusal: why there is neither, in one line, or None.
    """

    folder: Path
    classified: tuple[Classified, ...] = ()
    shots: Shots | None = None
    cifar10: CifarFiles | None = None
    refusal: str | None = None

    @property
    def summary(self) -> str:
        """What it holds, in a few words."""
        there = {
            "pictures by class": self.classified,
            "CIFAR-10": self.cifar10,
            "grind photographs": self.shots,
        }
        return " and ".join(name for name, found in there.items() if found)

    def holds(self, dataset: str) -> bool:
        """Whether anything in it is meant as this data set."""
        there = {"mnist": self.classified, "grind": self.shots, "cifar10": self.cifar10}
        return bool(there.get(dataset))


def look(folder: Path) -> DataFolder:
    """What a folder holds: its names are read, and of a few files their first bytes."""
    try:
        root = listing.read(folder)
        classified = tuple(layouts.find(root))
        cifar10 = cifar_files.find(root)
        taken = frozenset(path for each in classified for path in each.folders)
        taken |= cifar10.folders if cifar10 else frozenset()
        photographs = shots.find(root, taken)
    except DataError as error:
        return DataFolder(folder, refusal=f"{error}; {EXPECTED}: {WHAT_TO_DO}")
    if classified or cifar10 or photographs:
        return DataFolder(folder, classified, photographs, cifar10)
    return DataFolder(folder, refusal=_neither(root))


# Pixels; data sets of classes are that small, and a camera's pictures are not.
_SMALL = 96

# What other things are told by, and what is to be done about them.
_OTHERS: tuple[tuple[str, str, str], ...] = (
    (r"batches\.meta.*", "CIFAR-10's names of classes", ""),
    (r"(train|test|meta)(\.bin)?|cifar-100.*", "CIFAR-100's files", ""),
    (r".*\.parquet", "Parquet tables", "convert them to IDX, NPZ or CSV files"),
    (
        r".*\.(part|partial|crdownload|download|aria2)",
        "downloads that were broken off",
        "fetch them again",
    ),
    (r"data\.mdb", "LMDB databases, as Caffe's", "convert them to IDX, NPZ or CSV files"),
    (r".*\.arrow", "Arrow tables", "convert them to IDX, NPZ or CSV files"),
    (r".*\.tfrecords?(-.*|\..*)?", "TFRecord files", "convert them to IDX, NPZ or CSV files"),
    (r".*\.(zip|tar|tgz|tar\.\w+|7z|rar)", "archives", "unpack them"),
    (
        r".*\.(pkl|pickle|pt|pth|joblib)(\.gz)?",
        "Python pickles, which could run any program and are never opened",
        "bring the data as IDX, NPZ or CSV files",
    ),
    (r".*\.(xz|bz2|zst|lz4|lzma|z)", "files that are packed otherwise than by gzip", "unpack them"),
    (r".*\.(h5|hdf5|mat|arff|feather)(\.gz)?", "tables of other programs", "convert them to CSV"),
    (
        r".*\.np[yz]",
        "NumPy arrays",
        "bring x_train, y_train, x_test and y_test, in one NPZ file or an NPY file each",
    ),
    (r".*\.[ct]sv(\.gz)?", "tables", "each row has to be a label and 784 pixels"),
)


def _neither(root: Folder) -> str:
    files = [name for folder in root.walk() for name in folder.files]
    if not files:
        return f"{shown(root.path)} is empty; {EXPECTED}: {WHAT_TO_DO}"
    told = [*_known(files), *_pictures(root)] or [_listed(root)]
    found, fixes = zip(*told, strict=True)
    fix = "; ".join(dict.fromkeys(filter(None, fixes))) or WHAT_TO_DO
    return (
        f"{shown(root.path)} holds {', '.join(found)}: neither pictures by class nor grind "
        f"photographs; {EXPECTED}: {fix}"
    )


def _known(files: list[str]) -> Iterator[tuple[str, str]]:
    for pattern, what, fix in _OTHERS:
        names = [name for name in files if re.fullmatch(pattern, name, re.IGNORECASE | re.DOTALL)]
        if names:
            yield f"{what} ({_some(names)})", fix


def _pictures(root: Folder) -> Iterator[tuple[str, str]]:
    holding = [each for each in root.walk() if pictures.names_in(each)]
    folders = _some([str(each.path.relative_to(root.path.parent)) for each in holding])
    size = pictures.first_size(holding[0]) if holding else None
    if size and max(size) <= _SMALL:
        fix = "those of 28x28, and CIFAR-10's of 32x32, lie in folders of their classes below "
        yield f"pictures of {size[0]}x{size[1]} pixels ({folders})", f"{fix}train/ and test/"
    elif holding:
        yield (
            f"folders of pictures that are named by words ({folders})",
            "a photograph's folder is named by its pull time in seconds",
        )


def _listed(root: Folder) -> tuple[str, str]:
    names = [*(f"{each.name}/" for each in root.folders), *root.files]
    return _some(names), ""


def _some(names: list[str]) -> str:
    return some([shown(name) for name in names], 3)
