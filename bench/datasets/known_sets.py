"""Sets like MNIST: other sets of 28x28 pictures by class, known by their names or by their content.

Sources: sizes and classes from each set's own paper or page; checksums of the published gzip files
as torchvision has them (torchvision/datasets/mnist.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError


@dataclass(frozen=True, slots=True)
class KnownSet:
    """One of the sets.

    name: as `--dataset` takes it.
    words: a regular expression of what names of its files and folders have in them.
    size: training images, test images, classes; None where another set has the same.
    """

    name: str
    title: str
    words: str
    size: tuple[int, int, int] | None = None


# No letter before it: `kaggle-mnist` and `the_mnist` are MNIST.
_EMNIST = r"(?<![a-z])e[-_]?mnist"


def _emnist(part: str, train: int, test: int, classes: int) -> KnownSet:
    size = None if part == "mnist" else (train, test, classes)  # that of MNIST itself
    return KnownSet(f"emnist-{part}", f"EMNIST {part}", rf"{_EMNIST}[-_ ./]*{part}", size)


KNOWN_SETS = (
    KnownSet("fashion-mnist", "Fashion-MNIST", r"fashion"),
    KnownSet("k49", "Kuzushiji-49", r"(?<![a-z])k[-_]?49|kuzushiji[-_ ]?49", (232_365, 38_547, 49)),
    KnownSet("kmnist", "Kuzushiji-MNIST", r"(?<![a-z])k[-_]?mnist|kuzushiji"),
    KnownSet("qmnist", "QMNIST", r"(?<![a-z])q[-_]?mnist", (60_000, 60_000, 10)),
    _emnist("balanced", 112_800, 18_800, 47),
    _emnist("byclass", 697_932, 116_323, 62),
    _emnist("bymerge", 697_932, 116_323, 47),
    _emnist("letters", 124_800, 20_800, 26),
    _emnist("digits", 240_000, 40_000, 10),
    _emnist("mnist", 60_000, 10_000, 10),
    KnownSet("emnist", "EMNIST", _EMNIST),  # where no name tells which part
    KnownSet("notmnist", "notMNIST", r"not[-_ ]?mnist"),
)

# Of files as published, packed by gzip.
PUBLISHED_MD5 = {
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d": "fashion-mnist",
    "25c81989df183df01b3e8a0aad5dffbe": "fashion-mnist",
    "bef4ecab320f06d8554ea6380940ec79": "fashion-mnist",
    "bb300cfdad3c16e7a12a480ee83cd310": "fashion-mnist",
    "bdb82020997e1d708af4cf47b453dcf7": "kmnist",
    "e144d726b3acfaa3e44228e80efcd344": "kmnist",
    "5c965bf0a639b31b8f53240b1b52f4d7": "kmnist",
    "7320c461ea6c1c855c0b718fb2a4b134": "kmnist",
    "ed72d4157d28c017586c42bc6afe6370": "qmnist",
    "0058f8dd561b90ffdd0f734c6a30e5e4": "qmnist",
    "1394631089c404de565df7b7aeaf9412": "qmnist",
    "5b5b05890a5e13444e108efe57b788aa": "qmnist",
}

_LARGEST = 1 << 26  # bytes; the largest of those files has 26 million

_BY_NAME = {known.name: known for known in KNOWN_SETS}
_OWN = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def chosen(word: str) -> str:
    """The name of a set that a person means: a known one in any spelling, or one of their own.

    Raises:
        DataError: it is no name for other data than the networks' own.
    """
    plain = _plain(word)
    if plain in ("mnist", "grind"):
        return plain
    for known in KNOWN_SETS:
        if plain in (
            _plain(known.name),
            _plain(known.title),
            _plain(known.title).removesuffix("mnist"),
        ):
            return known.name
    if not _OWN.fullmatch(word.lower()):
        raise DataError(
            f"--dataset {word!r} is no name; expected {', '.join(_BY_NAME)}, or a name of your own "
            "for other pictures by class, of letters, digits and dashes"
        )
    return word.lower()


def title(name: str) -> str:
    """What a set is called in a sentence."""
    return _BY_NAME[name].title if name in _BY_NAME else name


def by_words(names: str) -> str | None:
    """The set that names of files and folders speak of, or None where they name none."""
    small = names.lower()
    return next((known.name for known in KNOWN_SETS if re.search(known.words, small)), None)


def by_files(paths: Iterable[Path]) -> str | None:
    """The set that one of the files was published in, by its checksum."""
    for path in paths:
        if path.suffix == ".gz":
            with path.open("rb") as file:
                digest = hashlib.md5(file.read(_LARGEST), usedforsecurity=False).hexdigest()
            if digest in PUBLISHED_MD5:
                return PUBLISHED_MD5[digest]
    return None


def by_size(train: int, test: int, classes: int) -> str | None:
    """The set that alone has so many images and classes."""
    return next((known.name for known in KNOWN_SETS if known.size == (train, test, classes)), None)


def belong(name: str, known: str) -> bool:
    """Whether `known` is what a person calls `name`: EMNIST is any part of it."""
    return known == name or (name == "emnist" and known.startswith("emnist-"))


def _plain(words: str) -> str:
    return re.sub(r"[^a-z0-9]", "", words.lower())
