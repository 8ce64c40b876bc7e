"""CSV: a row a picture, its label and its 784 pixels, as Kaggle and OpenML have them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets import idx, signatures
from bench.datasets.layouts.classified import MOST_CLASSES, SIDE, Classified, Half
from bench.datasets.listing import Folder
from bench.errors import DataError, shown

# `mnist_train.csv`, `fashion-mnist_test.csv`, `train.csv`, `emnist-letters-train.csv`, `val.csv`.
_NAME = re.compile(
    r"(?P<set>.*?)[-_. ]?(?:(?P<split>train|test)(?:ing)?|(?<![a-z])val(?:id(?:ation)?)?)"
    r"(?:[-_. ](?P<rest>\w+))?\.[ct]sv(\.gz)?"
)
_TABLE = re.compile(r"(?P<stem>.+)\.[ct]sv(\.gz)?")

_PIXELS = SIDE * SIDE
_LABELS = ("label", "class", "y", "target")
_ROWS = ("", "unnamed: 0", "index", "id")  # how pandas and others head the rows' numbers
_LONGEST_ROW = 16_384  # bytes; a head's names are the longest
_MOST_ROWS = idx.MOST // _PIXELS
_OF_MNIST = (60_000, 10_000)  # in one table, as OpenML's `mnist_784.csv`, the test split comes last


def find(root: Folder) -> list[Classified]:
    """The pairs of tables whose first row has a label and pixels, or that are named as MNIST's."""
    sets: defaultdict[tuple[Path, str], dict[str, Path]] = defaultdict(dict)
    single: list[Path] = []
    for folder in root.walk():
        for name in folder.files:
            table, match = _TABLE.fullmatch(name.lower()), _NAME.fullmatch(name.lower())
            if match and table:
                key = f"{match['set']}{match['rest'] or ''}"
                # Kaggle's archives have each table in a folder of its own name.
                its_own = folder.name.lower() == table["stem"] and folder is not root
                home = folder.path.parent if its_own else folder.path
                sets[home, key].setdefault(match["split"] or "validation", folder.path / name)
            elif table:
                single.append(folder.path / name)
    for paths in sets.values():  # what is kept for validation is tested on where nothing else is
        validation = paths.pop("validation", None)
        if validation is not None:
            paths.setdefault("test", validation)
    found = [_found(root.path, folder, paths) for (folder, _), paths in sorted(sets.items())]
    found += [_single(root.path, path) for path in single]
    return [each for each in found if each is not None]


def _single(root: Path, path: Path) -> Classified | None:
    """One table of both splits, if its rows are pictures."""
    try:
        if len(_first_row(path)[0]) != _PIXELS + 1:
            return None
    except DataError:
        return None
    names = str(path.relative_to(root.parent)).lower()
    return Classified(path, "a CSV table", names, partial(_read_single, path))


def _read_single(path: Path) -> tuple[Half, Half]:
    whole, train = _half(path), _OF_MNIST[0]
    if len(whole.x) != sum(_OF_MNIST):
        raise DataError(
            f"{shown(path)} holds {len(whole.x)} rows in one table, and nothing tells which are to "
            "test on: bring two tables, as mnist_train.csv and mnist_test.csv"
        )
    return Half(whole.x[:train], whole.y[:train]), Half(whole.x[train:], whole.y[train:])


def _found(root: Path, folder: Path, paths: Mapping[str, Path]) -> Classified | None:
    names = "\n".join(str(path.relative_to(root.parent)) for path in paths.values()).lower()
    problem = None
    try:
        columns = {split: len(_first_row(path)[0]) for split, path in paths.items()}
    except DataError as error:
        columns, problem = {}, str(error)
    if "mnist" not in names and _PIXELS + 1 not in columns.values() and not problem:
        return None
    for split in ("train", "test"):
        if problem is None and split not in paths:
            problem = (
                f"{shown(folder)} lacks the {split} half of "
                f"{shown(next(iter(paths.values())).name)}"
            )
        elif problem is None and columns[split] != _PIXELS + 1:
            without = " (the pixels without a label)" if columns[split] == _PIXELS else ""
            problem = (
                f"{shown(paths[split])} has {columns[split]} columns{without} in place of a "
                f"label and {_PIXELS} pixels"
            )
    return Classified(folder, "CSV tables", names, partial(_read, dict(paths)), problem)


def _first_row(path: Path) -> tuple[list[str], str, int]:
    """Its cells, what stands between them, and how many of the row's number stand before.

    Spreadsheets write semicolons in half of Europe.
    """
    with idx.reading(path) as file:
        head = file.read(1 << 16)
    signature = signatures.read(head[: signatures.ENOUGH], path.name)
    if signature is not None:
        raise DataError(f"{shown(path)} is {signature.what}: {signature.fix}")
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").strip().lower()
    between = max(",;\t", key=line.count)
    cells = [cell.strip('" \ufeff') for cell in line.split(between)]
    numbers = int(len(cells) == _PIXELS + 2 and cells[0] in _ROWS)
    return cells[numbers:], between, numbers


def _read(paths: Mapping[str, Path]) -> tuple[Half, Half]:
    return _half(paths["train"]), _half(paths["test"])


def _half(path: Path) -> Half:
    first, between, numbers = _first_row(path)
    headed = not first[0].isdigit()
    try:
        with idx.reading(path) as file:
            # No row is longer: of one that seems so the rest is a row with too few columns.
            lines = iter(partial(file.readline, _LONGEST_ROW), b"")
            rows = islice((line.decode("latin-1") for line in lines), int(headed), _MOST_ROWS)
            columns = range(numbers, numbers + len(first)) if numbers else None
            cells = np.loadtxt(
                rows,
                np.uint8,
                delimiter=between,
                quotechar='"',
                ndmin=2,
                comments=None,
                usecols=columns,
            )
    except ValueError as error:
        told = f"{shown(path)} is no table of numbers from 0 to 255: {shown(error)}"
        raise DataError(told) from error
    if cells.shape[1] != _PIXELS + 1 or not len(cells):
        raise DataError(f"{shown(path)} has {cells.shape[1]} columns in place of {_PIXELS + 1}")
    last = headed and first[-1] in _LABELS and first[0] not in _LABELS
    if not headed:  # then the numbers tell
        last = not _are_labels(cells[:, 0]) and _are_labels(cells[:, -1])
    x, y = (cells[:, :-1], cells[:, -1]) if last else (cells[:, 1:], cells[:, 0])
    return Half(np.ascontiguousarray(x).reshape(-1, SIDE, SIDE), y.astype(np.int64))


def _are_labels(column: NDArray[np.uint8]) -> bool:
    """Whether these are classes: a corner's pixel is always empty, or anything."""
    return bool(column.max() < MOST_CLASSES and len(np.unique(column)) > 1)
