"""Arrays that NumPy saved: Keras' `mnist.npz`, an archive for each split, a file for each array.

What an array is, its name tells, or its file's: `x_train`, `test_labels`,
`X_kannada_MNIST_train.npz`, `Y_test.npy`; of two or four arrays without such names their shapes do.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets import idx, signatures
from bench.datasets.layouts.classified import Classified, Half
from bench.datasets.layouts.saved_arrays import half
from bench.datasets.listing import Folder
from bench.errors import DataError, shown, some, why

_SPLIT = re.compile(
    r"(?P<train>train(?:ing)?|tr(?![a-z]))|(?P<test>test(?:ing)?|t10k|te(?![a-z]))"
    r"|(?P<validation>val(?:id(?:ation)?)?(?![a-z]))"
)
_PARTS = {
    "x": ("x", "image", "images", "img", "imgs", "data", "pixels", "features", "input", "inputs"),
    "y": ("y", "t", "label", "labels", "target", "targets", "class", "classes"),
}
_KERAS = "x_train, y_train, x_test and y_test"
_WORDS = {
    ("train", "x"): "the training images",
    ("train", "y"): "the training labels",
    ("test", "x"): "the test images",
    ("test", "y"): "the test labels",
}

_Role = tuple[str, str]  # a split, and `x` or `y`; "" where it is not told
_Set = tuple[Path, str]  # a folder, and what names in it have besides


def find(root: Folder) -> list[Classified]:
    """Archives of all four arrays, pairs of archives for the splits, and sets of four files."""
    found: list[Classified] = []
    halves: defaultdict[_Set, dict[str, Path]] = defaultdict(dict)
    quarters: defaultdict[_Set, dict[_Role, Path]] = defaultdict(dict)
    for folder in root.walk():
        for name in folder.files:
            path, (stem, _, kind) = folder.path / name, name.lower().rpartition(".")
            if kind not in ("npz", "npy"):
                continue
            split, part = role = _role(stem)
            arrays, problem = _listed(path) if kind == "npz" else (frozenset(), None)
            key = (folder.path, _besides(stem))
            if kind == "npz" and _four_of(arrays):
                found.append(_whole(root, path))
            elif split in ("train", "test") and part and len(arrays) < 2:
                quarters[key].setdefault(role, path)
            elif split in ("train", "test") and _two_of(arrays):
                halves[key].setdefault(split, path)
            elif "mnist" in stem and kind == "npz":
                found.append(_whole(root, path, problem or _what_it_holds(path, arrays)))
    found += [_of_halves(root, key, paths) for key, paths in sorted(halves.items())]
    return [*found, *_of_quarters(root, quarters)]


def _role(name: str) -> _Role:
    """What a name says of an array."""
    found, rest = _SPLIT.search(name.lower()), _besides(name, but_the_part=False)
    words = set(re.findall("[a-z]+", rest))
    parts = [part for part, names in _PARTS.items() if words & set(names)]
    return (found.lastgroup or "") if found else "", parts[0] if len(parts) == 1 else ""


def _besides(name: str, *, but_the_part: bool = True) -> str:
    """A name without its split, and without its part."""
    rest = _SPLIT.sub(" ", name.lower(), count=1)
    left_out = {each for names in _PARTS.values() for each in names} if but_the_part else set()
    return " ".join(word for word in re.findall(r"[a-z\d]+", rest) if word not in left_out)


def _four_of(arrays: Iterable[str]) -> list[str]:
    """The names that an archive has for Keras' four arrays, in their order; none without."""
    roles: defaultdict[_Role, list[str]] = defaultdict(list)
    for name in arrays:
        roles[_role(name)].append(name)
    named = [roles[role] for role in _WORDS]
    if all(len(each) == 1 for each in named):
        return [each[0] for each in named]
    return _unnamed(arrays, 4)


def _two_of(arrays: Iterable[str]) -> list[str]:
    """The names for images and labels in the archive of one split; none without."""
    by_part = {part: [name for name in arrays if _role(name)[1] == part] for part in _PARTS}
    if all(len(each) == 1 for each in by_part.values()):
        return [by_part["x"][0], by_part["y"][0]]
    return sorted(arrays) if len({*arrays}) == 2 else []


def _unnamed(arrays: Iterable[str], count: int) -> list[str]:
    """`arr_0`, `arr_1`, …, as `np.savez` calls what nobody named."""
    names = [f"arr_{number}" for number in range(count)]
    return names if {*arrays} == {*names} else []


# ---- what was found


def _whole(root: Folder, path: Path, problem: str | None = None) -> Classified:
    names = str(path.relative_to(root.path.parent)).lower()
    return Classified(path, "an NPZ file", names, partial(_read, path), problem)


def _what_it_holds(path: Path, arrays: Iterable[str]) -> str:
    there = some(sorted(map(shown, arrays)), 5)
    return f"{shown(path)} holds {there} in place of {_KERAS}: save it with those names"


def _of_halves(root: Folder, key: _Set, paths: Mapping[str, Path]) -> Classified:
    folder, _ = key
    names = "\n".join(str(path.relative_to(root.path.parent)) for path in paths.values()).lower()
    other = {"train": "test", "test": "train"}
    lacking = [split for split in other if split not in paths]
    problem = (
        f"{shown(folder)} holds {shown(paths[other[lacking[0]]].name)} and no {lacking[0]} half: "
        "bring both"
        if lacking
        else None
    )
    return Classified(folder, "NPZ files", names, partial(_read_halves, dict(paths)), problem)


def _of_quarters(root: Folder, sets: Mapping[_Set, dict[_Role, Path]]) -> Iterator[Classified]:
    for (folder, _), paths in sorted(sets.items()):
        missing = [words for role, words in _WORDS.items() if role not in paths]
        kinds = {path.suffix.lower() for path in paths.values()}
        if missing and kinds != {".npz"}:
            continue  # arrays of anything may be called so
        names = "\n".join(str(each.relative_to(root.path.parent)) for each in paths.values())
        there = ", ".join(shown(path.name) for path in sorted(paths.values()))
        problem = f"{shown(folder)} holds {there} and lacks {', '.join(missing)}"
        layout = "NPZ files" if kinds == {".npz"} else "NPY files"
        read = partial(_read_quarters, dict(paths))
        yield Classified(folder, layout, names.lower(), read, problem if missing else None)


# ---- reading


def _read(path: Path) -> tuple[Half, Half]:
    wanted = _four_of(_names(path))
    arrays = _arrays(path, wanted)
    if wanted == _unnamed(wanted, 4):
        arrays = _by_shape(path, arrays)
    return half(path, *arrays[:2]), half(path, *arrays[2:])


def _by_shape(path: Path, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Four arrays without names in Keras' order: images have more dimensions than labels."""
    deepest = max(each.ndim for each in arrays)
    images = [each for each in arrays if each.ndim == deepest]
    labels = [each for each in arrays if each.ndim < deepest]
    if len(images) != 2 or [*map(len, images)] != [*map(len, labels)]:
        shapes = ", ".join(str(each.shape) for each in arrays)
        raise DataError(
            f"{shown(path)} holds arrays without names and of shapes {shapes}, which do not tell "
            f"images and labels apart: save it with the names {_KERAS}"
        )
    pairs = sorted(zip(images, labels, strict=True), key=lambda pair: -len(pair[0]))
    return [each for pair in pairs for each in pair]


def _read_halves(paths: Mapping[str, Path]) -> tuple[Half, Half]:
    made = []
    for split in ("train", "test"):
        path = paths[split]
        names = _two_of(_names(path))
        x, y = _arrays(path, names)
        if not _role(names[0])[1] and y.ndim > x.ndim:  # two letters, or none: shapes tell
            x, y = y, x
        made.append(half(path, x, y))
    return made[0], made[1]


def _read_quarters(paths: Mapping[_Role, Path]) -> tuple[Half, Half]:
    x_train, y_train, x_test, y_test = (_alone(paths[role]) for role in _WORDS)
    train, test = paths["train", "x"], paths["test", "x"]
    return half(train, x_train, y_train), half(test, x_test, y_test)


def _alone(path: Path) -> NDArray[Any]:
    """The one array of a file."""
    if path.suffix.lower() == ".npz":
        return _arrays(path, sorted(_names(path))[:1])[0]
    with _telling(path):
        _must_be_file(path)
        if path.stat().st_size > idx.MOST:
            raise DataError(f"{shown(path)} holds more than {idx.MOST:,} bytes")
        array: NDArray[Any] = np.load(path, allow_pickle=False)
        return array


def _arrays(path: Path, wanted: Sequence[str]) -> list[NDArray[Any]]:
    _names(path)  # which refuses one that is too large
    with _telling(path), np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in wanted]


def _listed(path: Path) -> tuple[frozenset[str], str | None]:
    """The arrays in an archive, or why they cannot be told."""
    try:
        return _names(path), None
    except DataError as error:
        return frozenset(), str(error)


def _names(path: Path) -> frozenset[str]:
    """The arrays in an archive, without reading them."""
    with _telling(path):
        _must_be_file(path)
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > idx.MOST:
                raise DataError(
                    f"{shown(path)} holds {size:,} bytes; at most {idx.MOST:,} are read"
                )
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())


def _must_be_file(path: Path) -> None:
    if not path.is_file():  # a pipe would never end
        raise DataError(f"{shown(path)} is no file: remove it")


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Has what goes wrong with a file told as what it is."""
    try:
        yield
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise DataError(_damaged(path)) from error
        raise DataError(
            f"{shown(path)} holds Python objects, which could run any program and are never "
            "opened: save arrays of numbers"
        ) from error
    except (KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(_damaged(path)) from error
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read: {why(error)}") from error


def _damaged(path: Path) -> str:
    with idx.reading(path) as file:
        signature = signatures.read(file.read(signatures.ENOUGH), path.name)
    if signature is None or "ZIP" in signature.what or "NumPy" in signature.what:
        kind = path.suffix[1:].upper()
        return f"{shown(path)} is no whole {kind} file: it is cut short or damaged"
    return f"{shown(path)} is {signature.what}: {signature.fix}"
