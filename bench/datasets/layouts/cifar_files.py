"""CIFAR-10 as people keep it: binary and Python batches, archives of either, folders of pictures.

A binary batch has 10,000 records of a label and 3,072 pixels, red, green, then blue.  A Python
batch holds the same as a pickle, which `plain_pickle` reads without running any of it.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets import idx, pictures, plain_pickle
from bench.datasets.layouts import class_folders
from bench.datasets.listing import Folder
from bench.errors import DataError, shown

SIDE, CHANNELS = 32, 3
RECORD = 1 + CHANNELS * SIDE * SIDE
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
ARCHIVE = "cifar-10-binary.tar.gz"

_BATCH = re.compile(rf"(?P<batch>{'|'.join(BATCHES)})(?P<binary>\.bin)?")
_ARCHIVE = re.compile(r"cifar[-_]?10\b(?!0).*\.(tar|tgz|tar\.\w+)")
_MOST = 1 << 26  # bytes of a batch: those of Python have 31 million

Records = NDArray[np.uint8]
"""`(n, RECORD)`, as the binary batches have them."""


@dataclass(frozen=True, slots=True)
class CifarFiles:
    """What was found.

    where: the folder or file that a message names.
    layout: what it is, in words.
    read: reads the records to train on and to test on, batch by batch, or raises a DataError.
    problem: why they cannot be read, known without reading them, or None.
    folders: those that belong to it.
    """

    where: Path
    layout: str
    read: Callable[[], Mapping[str, Records]]
    problem: str | None = None
    folders: frozenset[Path] = frozenset()


def find(root: Folder) -> CifarFiles | None:
    """The first set below a folder, a whole one where there is one."""
    found = [*_batches(root), *_archives(root), *_folders(root)]
    return min(found, key=lambda each: each.problem is not None, default=None)


def _batches(root: Folder) -> Iterator[CifarFiles]:
    for folder in root.walk():
        for binary in (True, False):
            there = {
                match["batch"]: folder.path / name
                for name in folder.files
                if (match := _BATCH.fullmatch(name)) and bool(match["binary"]) is binary
            }
            if not there:
                continue
            lacking = [name + ".bin" * binary for name in BATCHES if name not in there]
            told = f"{shown(folder.path)} lacks {', '.join(lacking)} of CIFAR-10's six batches"
            layout = "binary batches" if binary else "Python batches, not run"
            read = partial(_read_batches, there)
            yield CifarFiles(folder.path, layout, read, told if lacking else None)


def _read_batches(paths: Mapping[str, Path]) -> dict[str, Records]:
    made = {}
    for name in BATCHES:
        with idx.reading(paths[name]) as file:
            made[name] = records(file.read(_MOST + 1), shown(paths[name]))
    return made


def _archives(root: Folder) -> Iterator[CifarFiles]:
    for folder in root.walk():
        for name in folder.files:
            if _ARCHIVE.fullmatch(name.lower()):
                path = folder.path / name
                yield CifarFiles(path, "an archive", partial(read_archive, path))


def read_archive(path: Path) -> dict[str, Records]:
    """The batches in a tar archive, of which nothing is unpacked to the disk.

    Raises:
        DataError: it is damaged, or lacks a batch.
    """
    made: dict[str, Records] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                match = _BATCH.fullmatch(Path(member.name).name)
                file = archive.extractfile(member) if match and member.isreg() else None
                if match and file is not None:
                    told = f"{shown(path)}: {shown(member.name)}"
                    made[match["batch"]] = records(file.read(_MOST + 1), told)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is damaged"
        raise DataError(f"{shown(path)} cannot be read: {why}") from error
    lacking = [name for name in BATCHES if name not in made]
    if lacking:
        raise DataError(f"{shown(path)} lacks {', '.join(lacking)} of CIFAR-10's six batches")
    return {name: made[name] for name in BATCHES}


def records(data: bytes, name: str) -> Records:
    """The records of a batch, binary or Python.

    name: how a message calls the file.

    Raises:
        DataError: it is neither.
    """
    if len(data) > _MOST:
        raise DataError(f"{name} holds more than the {_MOST:,} bytes that a batch may have")
    if data[:1] == b"\x80":
        return _of_pickle(data, name)
    if not data or len(data) % RECORD:
        raise DataError(f"{name} has {len(data):,} bytes, which are no records of {RECORD:,}")
    made = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    if made[:, 0].max() >= len(CLASSES):
        raise DataError(
            f"{name} holds a label {made[:, 0].max()}, where classes run from 0 to "
            f"{len(CLASSES) - 1}"
        )
    return made


def _of_pickle(data: bytes, name: str) -> Records:
    try:
        held = plain_pickle.loads(data)
    except plain_pickle.PickleError as error:
        raise DataError(f"{name} is a Python pickle that is not read: {error}") from error
    members = held if isinstance(held, dict) else {}
    pixels, labels = members.get(b"data"), members.get(b"labels")
    if not isinstance(pixels, np.ndarray) or not isinstance(labels, list):
        raise DataError(f"{name} is a pickle without CIFAR-10's data and labels")
    if pixels.shape != (len(labels), RECORD - 1) or not labels:
        raise DataError(f"{name} holds pixels of shape {pixels.shape} for {len(labels)} labels")
    if not all(type(label) is int and 0 <= label < len(CLASSES) for label in labels):
        raise DataError(f"{name} holds labels that are no classes from 0 to {len(CLASSES) - 1}")
    return np.column_stack([np.array(labels, np.uint8), pixels])


# ---- folders of pictures by class


def _folders(root: Folder) -> Iterator[CifarFiles]:
    numbers = {name: number for number, name in enumerate(CLASSES)}
    numbers |= {str(number): number for number in range(len(CLASSES))}
    for folder in root.walk():
        halves = class_folders.halves(folder, SIDE)
        names = {name for half in halves.values() for name in half}
        if not names or not all(name.lower() in numbers for name in names):
            continue
        belong = frozenset(each.path for half in halves.values() for each in half.values())
        lacking = [split for split in ("train", "test") if split not in halves]
        problem = (
            f"{shown(folder.path)} holds pictures by class and no {lacking[0]}/ half"
            if lacking
            else None
        )
        yield CifarFiles(
            folder.path,
            "pictures in folders of their class",
            partial(_read_folders, halves, numbers),
            problem,
            belong | {each.parent for each in belong},
        )


def _read_folders(
    halves: Mapping[str, Mapping[str, Folder]], numbers: Mapping[str, int]
) -> dict[str, Records]:
    return {split: _read_half(halves[split], numbers) for split in ("train", "test")}


def _read_half(classes: Mapping[str, Folder], numbers: Mapping[str, int]) -> Records:
    labelled = [
        (folder.path / name, numbers[label.lower()])
        for label, folder in classes.items()
        for name in pictures.names_in(folder)
    ]
    rows, labels = pictures.stacked(labelled, _pixels)
    return np.column_stack([labels.astype(np.uint8), rows])


def _pixels(path: Path) -> NDArray[np.uint8]:
    """A picture as a record has it: all red, then all green, then all blue."""
    picture = pictures.must_be(np.asarray(pictures.read(path), dtype=np.uint8), path, SIDE)
    row: NDArray[np.uint8] = picture.transpose(2, 0, 1).reshape(-1)
    return row
