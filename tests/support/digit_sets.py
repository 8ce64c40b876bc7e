"""Small sets of 28x28 pictures by class, laid out in every way that people have them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.datasets import idx
from tests.support.files import lay


@dataclass(frozen=True, eq=False)
class Digits:
    """Both splits: images `(n, 28, 28) uint8` and labels `(n,) uint8`."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]

    @classmethod
    def drawn(cls, classes: int = 10, train: int = 260, test: int = 40) -> Digits:
        """Noise, with labels in turn."""
        rng = np.random.default_rng(7)
        x = rng.integers(0, 256, (train + test, 28, 28), dtype=np.uint8)
        y = (np.arange(train + test) % classes).astype(np.uint8)
        return cls(x[:train], y[:train], x[train:], y[train:])

    def idx(self) -> list[bytes]:
        """The four files, in the order of NAMES."""
        parts = (self.x_train, self.y_train, self.x_test, self.y_test)
        return [idx.pack(part) for part in parts]


NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

Files = Mapping[str, bytes]


def put(folder: Path, files: Files) -> Path:
    """Writes files, by their paths in a folder."""
    for name, data in files.items():
        lay(folder / name, data)
    return folder


def idx_named(name: Callable[[str], str], pack: Callable[[bytes], bytes] = bytes) -> Layout:
    """IDX files under other names."""

    def lay(made: Digits) -> Files:
        each = zip(NAMES, made.idx(), strict=True)
        return {name(usual): pack(data) for usual, data in each}

    return lay


def npz_named(names: Sequence[str], *, rows: bool = False, scale: float = 1) -> Layout:
    """An archive whose arrays have other names.

    rows: of pixels, and labels that are floats.  scale: of pixels that are floats, too.
    """

    def lay(made: Digits) -> Files:
        parts: list[NDArray[Any]] = [made.x_train, made.y_train, made.x_test, made.y_test]
        if scale != 1:
            parts[::2] = [(each * scale).astype(np.float32) for each in parts[::2]]
        if rows:
            flat = [each.reshape(len(each), -1) for each in parts]
            parts = [each.astype(np.float64) if each.shape[1] == 1 else each for each in flat]
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **dict(zip(names, parts, strict=True)))
        return {"digits.npz": file.getvalue()}

    return lay


def saved(**arrays: NDArray[Any]) -> bytes:
    """An archive of arrays."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def npz_unnamed(made: Digits) -> Files:
    """What `np.savez` makes of arrays that nobody named, the images first."""
    file = io.BytesIO()
    np.savez(file, made.x_train, made.x_test, made.y_train, made.y_test)
    return {"mnist.npz": file.getvalue()}


def npz_of_each_split(x: str, y: str) -> Layout:
    """An archive for each split, its arrays called so."""

    def lay(made: Digits) -> Files:
        train, test = {x: made.x_train, y: made.y_train}, {x: made.x_test, y: made.y_test}
        return {"own_train.npz": saved(**train), "own_test.npz": saved(**test)}

    return lay


def npz_one_hot(made: Digits) -> Files:
    """Labels as networks are taught them, and pixels as wide as numbers are by default."""
    return {
        "own.npz": saved(
            x_train=made.x_train.astype(np.int64)[:, None],
            y_train=np.eye(10, dtype=np.float32)[made.y_train],
            x_test=made.x_test.astype(np.int64)[:, None],
            y_test=np.eye(10, dtype=np.float32)[made.y_test],
        )
    }


def files_of_each_array(named: Callable[[str], str], kind: str) -> Layout:
    """A file for each of Keras' arrays."""

    def lay(made: Digits) -> Files:
        written = {}
        for name in ("x_train", "x_test", "y_train", "y_test"):
            file = io.BytesIO()
            array: NDArray[Any] = getattr(made, name)
            np.save(file, array, allow_pickle=False)
            data = file.getvalue() if kind == "npy" else saved(arr_0=array)
            written[f"{named(name)}.{kind}"] = data
        return written

    return lay


def npz(made: Digits) -> Files:
    """Keras' archive."""
    file = io.BytesIO()
    np.savez(
        file,
        allow_pickle=False,
        x_train=made.x_train,
        y_train=made.y_train,
        x_test=made.x_test,
        y_test=made.y_test,
    )
    return {"mnist.npz": file.getvalue()}


def four_npz(made: Digits) -> Files:
    """Archives of one array each, as KMNIST's."""

    def one(array: NDArray[np.uint8]) -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, array)
        return file.getvalue()

    return {
        "own-train-imgs.npz": one(made.x_train),
        "own-train-labels.npz": one(made.y_train),
        "own-test-imgs.npz": one(made.x_test),
        "own-test-labels.npz": one(made.y_test),
    }


def table(
    x: NDArray[np.uint8],
    y: NDArray[np.uint8],
    *,
    headed: bool = True,
    last: bool = False,
    between: str = ",",
    numbered: str | None = None,
) -> bytes:
    """A CSV table, the label before the pixels or behind them.

    numbered: what stands over the rows' numbers, which come first.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=between)
    pixels = [f"pixel{number}" for number in range(784)]
    if headed:
        head = [*pixels, "class"] if last else ["label", *pixels]
        writer.writerow(head if numbered is None else [numbered, *head])
    for number, (image, label) in enumerate(zip(x, y, strict=True)):
        row = image.ravel().tolist()
        told = [*row, int(label)] if last else [int(label), *row]
        writer.writerow(told if numbered is None else [number, *told])
    return text.getvalue().encode()


def tables(train: str, test: str, **how: Any) -> Layout:
    """Two tables under these names.  how: as `table` takes it."""

    def lay(made: Digits) -> Files:
        halves = {train: (made.x_train, made.y_train), test: (made.x_test, made.y_test)}
        written = {name: table(*half, **how) for name, half in halves.items()}
        return {
            name: gzip.compress(data) if name.endswith(".gz") else data
            for name, data in written.items()
        }

    return lay


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture's file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pictures(train: str, test: str, name: str) -> Layout:
    """Pictures in a folder for each split.  name: of each, from its place there and its label."""

    def lay(made: Digits) -> Files:
        halves = {train: (made.x_train, made.y_train), test: (made.x_test, made.y_test)}
        return {
            f"{folder}/{name.format(place, label)}.png": png(image)
            for folder, (x, y) in halves.items()
            for place, (image, label) in enumerate(zip(x, y, strict=True))
        }

    return lay


def class_folders(train: str, test: str) -> Layout:
    """Pictures by class, each named by its place in the split."""
    return pictures(train, test, "{1}/{0}")


def called(name: Callable[[str], str], lay: Layout) -> Layout:
    """A layout whose files have other paths."""
    return lambda made: {name(path): data for path, data in lay(made).items()}


_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _in_words(path: str) -> str:
    split, label, name = path.split("/")
    return f"{split}/{_WORDS[int(label)]}/{name}"


Layout = Callable[[Digits], Files]

LAYOUTS: Mapping[str, Layout] = {
    "published": idx_named("{}.gz".format, gzip.compress),
    "unpacked": idx_named(str),
    "dotted": idx_named(lambda name: name.replace("-idx", ".idx")),
    "underscored": idx_named(lambda name: name.replace("-", "_")),
    "torchvision": idx_named("MNIST/raw/{}".format),
    "MNIST_data": idx_named("MNIST_data/{}.gz".format, gzip.compress),
    "capitals": idx_named(lambda name: f"MNIST/{name.upper()}"),
    "Kaggle's folders": idx_named(lambda name: f"{name}/{name}"),
    "deep": idx_named("archive/data/digits/{}".format),
    "gzip without suffix": idx_named(str, gzip.compress),
    "suffix without gzip": idx_named("{}.gz".format),
    "downloaded twice": idx_named("{} (1).gz".format, gzip.compress),
    "fetched twice": idx_named("{}.gz.1".format, gzip.compress),
    "test for t10k": idx_named(lambda name: name.replace("t10k", "test")),
    "prefixed": idx_named("own-{}".format),
    "npz": npz,
    "npz in a folder": lambda made: {f"datasets/{name}": data for name, data in npz(made).items()},
    "npz in other words": npz_named(["train_images", "TRAIN_LABELS", "test_images", "test_labels"]),
    "npz in rows": npz_named(["X_train", "y_train", "X_test", "y_test"], rows=True),
    "npz of floats": npz_named(["x_train", "y_train", "x_test", "y_test"], scale=1 / 255),
    "four npz": four_npz,
    "npz without names": npz_unnamed,
    "npz one-hot": npz_one_hot,
    "an npz for each split": npz_of_each_split("images", "labels"),
    "an npz for each split, capitals": npz_of_each_split("X", "Y"),
    "an npz for each split, letters": npz_of_each_split("a", "b"),
    "an npz for each array": files_of_each_array(lambda n: f"{n[0].upper()}_own{n[1:]}", "npz"),
    "an npy for each array": files_of_each_array(str.capitalize, "npy"),
    "TensorFlow Datasets' downloads": idx_named(
        lambda name: f"cvdf-datasets_own_{name}Ra_Kv3PMVG-iFHXoHqNwJlYF9WviEKQCTSyo8gNSNgk.gz",
        gzip.compress,
    ),
    "copied": idx_named("{} - Copy.gz".format, gzip.compress),
    "Kaggle's tables": tables("mnist_train.csv", "mnist_test.csv"),
    "tables without a head": tables("own-train.csv", "own-test.csv", headed=False),
    "packed tables": tables("train.csv.gz", "test.csv.gz"),
    "label last": tables("digits_train.csv", "digits_test.csv", last=True),
    "tables with semicolons": tables("own_train.csv", "own_test.csv", between=";"),
    "tables with tabs": tables("train.csv", "test.csv", headed=False, between="\t"),
    "label last without a head": tables("train.csv", "test.csv", last=True, headed=False),
    "tables in their folders": tables("own_train/own_train.csv", "own_test/own_test.csv"),
    "tables of pandas with their index": tables("train.csv", "test.csv", numbered=""),
    "the same, written twice": tables("train.csv", "test.csv", numbered="Unnamed: 0", last=True),
    "a table for validation": tables("digits_train.csv", "digits_val.csv"),
    "mnist_png": class_folders("mnist_png/training", "mnist_png/testing"),
    "train and test": class_folders("train", "test"),
    "fastai's": class_folders("train", "valid"),
    "classes in words": called(_in_words, class_folders("train", "test")),
    "classes with a word": called(
        lambda path: path.replace("/", "/digit_", 1), class_folders("train", "test")
    ),
    "class behind the place": pictures("train", "test", "{:05}-{}"),
    "class before the place": pictures("mnist_train", "mnist_test", "{1}_{0}"),
    "class by a word": pictures("training", "testing", "img{0}_28_num{1}"),
    "doubled": class_folders("trainingSet/trainingSet", "testSet/testSet"),
}
