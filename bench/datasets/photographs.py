"""Photographs of ground coffee: their pixels as a network takes them, and the shots that they show.

`read` is the one way from a picture to pixels, for training, testing and predicting.  The layout of
a folder is the optpresso project's: `<pull seconds>/<unixtime>-<machine>.png`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


SUFFIXES = (".png", ".jpg", ".jpeg")

MOST_PIXELS = 50_000_000
"""A cheap microscope's frame has 0.3 million; a file of a few kB can claim a thousand million."""


def read(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The photograph at `path`, upright and resized to `size`: `(height, width, 3) uint8` RGB.

    Raises:
        DataError: the file cannot be read, is no whole PNG or JPEG picture, has more than
            MOST_PIXELS or more than 8 bits a channel in a mode that cannot be shown as RGB.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            _must_be_ordinary(picture, path)
            return squash(ImageOps.exif_transpose(picture).convert("RGB"), size)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(_too_large(path)) from error
    except Exception as error:  # a damaged picture fails anywhere in Pillow, with any exception
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(
                f"{path} cannot be read: {error.strerror}; make it readable, or take it away"
            ) from error
        raise DataError(
            f"{path} is no whole PNG or JPEG picture; copy it again, or take it away"
        ) from error


def squash(picture: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes an RGB picture to `size` = (height, width): `(height, width, 3) uint8`.

    The aspect ratio is not kept: 640x480 is squashed to 255x255, as in the 2020 post that this
    network comes from; nothing is cut off, and a round particle becomes an upright ellipse.
    The filter is Pillow's bilinear one, whose support grows with the reduction, so that every
    source pixel counts and fine particles do not turn into moiré.
    """
    height, width = size
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)


def _must_be_ordinary(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise DataError(_too_large(path, f" ({width}x{height})"))
    if picture.mode.startswith(("I", "F")):  # Pillow would clip these to white
        raise DataError(
            f"{path} is a grey picture of more than 8 bits (mode {picture.mode}); "
            "save it with 8 bits a channel, or take it away"
        )


def _too_large(path: Path, found: str = "") -> str:
    return (
        f"{path} claims more pixels than any microscope's frame{found}; at most "
        f"{MOST_PIXELS // 10**6} million are read: scale it down, or take it away"
    )


LAYOUT = "<pull seconds>/<unixtime>-<machine>.png"
PICTURES = ", ".join(SUFFIXES)

SAME_SHOT_WITHIN = 600.0
"""Seconds between two photographs of the same machine and pull time that make them one shot.

Photographing one shot takes a few minutes, and pulling the next one with the grinder set anew takes
longer.  To err on the long side costs a shot; to err on the short side leaks a shot into the test.
"""

LONGEST_PULL = 600.0
"""Seconds; a larger number in a folder's name is a time of day or milliseconds."""

FEWEST_SHOTS = 10
"""Below this the test split would rest on a single shot."""

TESTED_OF = 5
"""Of so many shots with neighbouring pull times, one is tested on."""

SEED = 20201123

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
# Ten digits are seconds until the year 2286; more are milliseconds, in which a shot's own
# photographs would seem hours apart and be split.
_PHOTOGRAPH = re.compile(r"(?P<taken>\d{1,10}(\.\d+)?)-(?P<machine>.+)", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Photograph:
    """One picture file and what its place says.

    seconds: the shot's pull time, in s.
    taken: when, in s since 1970.
    """

    seconds: float
    machine: str
    taken: float
    path: Path


Shot = tuple[Photograph, ...]
"""Photographs of the same ground coffee, oldest first."""


def look_like_shots(folder: Path) -> bool:
    """Whether anything in `folder` looks meant as grind data, correct or not.

    That is a folder named by a number or with pictures in it, or a picture named as in LAYOUT.

    Raises:
        OSError: the folder cannot be read.
    """
    return any(_seems_labelled(entry) or _is_astray(entry) for entry in folder.iterdir())


def find(folder: Path) -> list[Photograph]:
    """All photographs in `folder`, which is laid out as in LAYOUT; hidden files are passed over.

    Raises:
        DataError: a folder or a file in one is misnamed, or cannot be read, or there is none.
    """
    photographs: list[Photograph] = []
    try:
        for entry in sorted(folder.iterdir()):
            if _is_astray(entry):
                raise DataError(
                    f"{entry} lies outside a folder of its pull time; expected {LAYOUT}: move it"
                )
            if _seems_labelled(entry):
                seconds = _seconds(entry)
                photographs += [
                    _photograph(path, seconds)
                    for path in sorted(entry.iterdir())
                    if not path.name.startswith(".")
                ]
    except OSError as error:
        raise DataError(
            f"{error.filename or folder} cannot be read: {error.strerror}; make it readable"
        ) from error
    if not photographs:
        raise DataError(
            f"{folder} holds no grind photographs; expected {LAYOUT}: put some there, or take the "
            "folder away to have them drawn"
        )
    return photographs


def group(photographs: Iterable[Photograph]) -> list[Shot]:
    """The shots, in order of pull time.

    A shot is a run of photographs of the same pull time and machine, each taken at most
    SAME_SHOT_WITHIN after the one before.
    """
    shots: list[list[Photograph]] = []
    for photograph in sorted(photographs):
        before = shots[-1][-1] if shots else None
        if (
            before is not None
            and (before.seconds, before.machine) == (photograph.seconds, photograph.machine)
            and photograph.taken - before.taken <= SAME_SHOT_WITHIN
        ):
            shots[-1].append(photograph)
        else:
            shots.append([photograph])
    return [tuple(shot) for shot in shots]


def split(
    shots: Sequence[Shot], fingerprints: dict[Path, bytes]
) -> tuple[list[Photograph], list[Photograph]]:
    """Photographs to train on and to test on, shot by shot, about 80 to 20.

    Shots that share a picture go to the same side.  Of each TESTED_OF neighbours in pull time one
    is tested on, so both sides have the whole range; which one, and the order of the shots on each
    side, depend on the folder's content and SEED alone.

    fingerprints: of each photograph's pixels, by path.

    Raises:
        DataError: there are fewer than FEWEST_SHOTS with nothing in common.
    """
    bonds = _bonded(shots, fingerprints)
    if len(bonds) < FEWEST_SHOTS:
        raise DataError(
            f"{len(bonds)} different shots are too few to train and test on; expected at least "
            f"{FEWEST_SHOTS}, where photographs of the same pull time and machine within "
            f"{SAME_SHOT_WITHIN / 60:.0f} minutes, or with the same pixels, are one shot: add more"
        )
    rng = np.random.default_rng(SEED)
    starts = range(0, len(bonds), TESTED_OF)
    tested = {start + int(rng.integers(TESTED_OF)) for start in starts}
    sides: tuple[list[Photograph], list[Photograph]] = [], []
    for index in rng.permutation(len(bonds)).tolist():
        sides[index in tested].extend(bonds[index])
    return sides


def _bonded(shots: Sequence[Shot], fingerprints: dict[Path, bytes]) -> list[list[Photograph]]:
    """Shots joined where they share a picture, still in order of pull time."""
    by_picture: defaultdict[bytes, list[int]] = defaultdict(list)
    for number, shot in enumerate(shots):
        for photograph in shot:
            by_picture[fingerprints[photograph.path]].append(number)
    first = list(range(len(shots)))  # of each shot's bond
    for numbers in by_picture.values():
        joined = {first[number] for number in numbers}
        if len(joined) > 1:
            first = [min(joined) if number in joined else number for number in first]
    bonds: defaultdict[int, list[Photograph]] = defaultdict(list)
    for number, shot in zip(first, shots, strict=True):
        bonds[number].extend(shot)
    return list(bonds.values())


def _seconds(folder: Path) -> float:
    seconds = float(folder.name) if _SECONDS.fullmatch(folder.name) else math.nan
    if not 0 < seconds <= LONGEST_PULL:
        raise DataError(
            f"the folder {folder} is not named by a pull time; expected seconds above 0 and up to "
            f"{LONGEST_PULL:.0f}, as in 27 or 27.5: rename it, or take it away"
        )
    return seconds


def _photograph(path: Path, seconds: float) -> Photograph:
    name = _PHOTOGRAPH.fullmatch(path.stem)
    if name is None or path.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{path} is not named <unixtime>-<machine> with {PICTURES}, as in "
            "1606089600-silvia.png, the time in whole seconds: rename it, or take it away"
        )
    if not path.is_file():  # a pipe would never end
        raise DataError(f"{path} is no file, or a link to none; expected a picture: take it away")
    return Photograph(seconds, name["machine"], float(name["taken"]), path)


def _seems_labelled(entry: Path) -> bool:
    if entry.name.startswith(".") or not entry.is_dir():
        return False
    try:
        float(entry.name)
        return True
    except ValueError:
        pass
    try:
        return any(path.suffix.lower() in SUFFIXES for path in entry.iterdir())
    except PermissionError:  # somebody else's, such as lost+found
        return False


def _is_astray(entry: Path) -> bool:
    named = entry.suffix.lower() in SUFFIXES and _PHOTOGRAPH.fullmatch(entry.stem)
    return bool(named) and not entry.is_dir()
