"""Photographs of ground coffee: their pixels as a network takes them, and the shots that they show.

How they lie in folders is told by `bench.datasets.layouts.shots`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.datasets import pictures
from bench.errors import DataError


def read(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The photograph at `path`, upright and resized to `size`: `(height, width, 3) uint8` RGB.

    Raises:
        DataError: it cannot be read (see `pictures.read`).
    """
    return squash(pictures.read(path), size)


def squash(picture: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes an RGB picture to `size` = (height, width): `(height, width, 3) uint8`.

    The aspect ratio is not kept: 640x480 is squashed to 255x255, as in the 2020 post that this
    network comes from; nothing is cut off, and a round particle becomes an upright ellipse.
    The filter is Pillow's bilinear one, whose support grows with the reduction, so that every
    source pixel counts and fine particles do not turn into moiré.
    """
    height, width = size
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)


SAME_SHOT_WITHIN = 600.0
"""Seconds between two photographs of the same machine and pull time that make them one shot.

Photographing one shot takes a few minutes, and pulling the next one with the grinder set anew takes
longer.  To err on the long side costs a shot; to err on the short side leaks a shot into the test.
"""

FEWEST_SHOTS = 10
"""Below this the test split would rest on a single shot."""

TESTED_OF = 5
"""Of so many shots with neighbouring pull times, one is tested on."""

SEED = 20201123


@dataclass(frozen=True, slots=True, order=True)
class Photograph:
    """One picture file and what its place says.

    seconds: the shot's pull time, in s.
    machine: that made it; nothing where the picture was named by hand.
    taken: when, in s since 1970; 0 where it is not known.
    """

    seconds: float
    machine: str
    taken: float
    path: Path


Shot = tuple[Photograph, ...]
"""Photographs of the same ground coffee, oldest first."""


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


def numbered(shots: Sequence[Shot], fingerprints: dict[Path, bytes]) -> dict[Path, int]:
    """A number for each photograph, the same for all that have to stay together."""
    bonds = _bonded(shots, fingerprints)
    return {each.path: number for number, bond in enumerate(bonds) for each in bond}


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
