"""Photographs of ground coffee, as the optpresso project and people keep them.

`28.5/1606140000-lelit.png` as it captures them; below `train/`, `validation/` and `test/` as its
partition.py leaves them; `1606140000-lelit-28.5.png` in one folder as its first capture did; and
`28.5/IMG_2031.jpg`, put there by hand.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from bench.datasets import pictures
from bench.datasets.listing import Folder
from bench.datasets.photographs import Photograph
from bench.errors import DataError, listed, shown

LAYOUT = "<pull seconds>/<unixtime>-<machine>.png"

LONGEST_PULL = 600.0
"""Seconds; a larger number in a folder's name is a time of day or milliseconds."""

_PARTITIONS = ("train", "training", "validation", "valid", "val", "test", "testing")

# `27`, `27,5`, `27s`, `27 sec`.
_SECONDS = re.compile(r"(?P<number>\d+([.,]\d+)?)( ?(s|secs?|seconds?))?", re.ASCII | re.IGNORECASE)
# Nine or ten digits are seconds since 1970 from 1973 to 2286: fewer are a date or a count, and more
# are milliseconds, in which a shot's own photographs would seem hours apart and be split.
# A flipped copy, as optpresso augmented its data, is of the same shot.
_TIMED = re.compile(r"(?P<taken>\d{9,10}(\.\d+)?)-(?P<machine>.+?)(-flip-\d+)?", re.ASCII)
# It wrote a float, so that the 2 of `…-silvia-2.png` is no pull time.
_CAPTURED = re.compile(
    r"(?P<taken>\d{9,10}(\.\d+)?)-(?P<machine>.+)-(?P<seconds>\d+\.\d+)", re.ASCII
)
_MILLISECONDS = re.compile(r"\d{11,}\D.*", re.ASCII)

_EXIF, _TAKEN = 0x8769, 0x9003  # EXIF's own directory, and DateTimeOriginal in it


@dataclass(frozen=True, slots=True)
class Shots:
    """A folder of photographs.

    problems: what stands in the way of using it, a line each.
    note: how it was laid out, where that is worth telling.
    """

    folder: Path
    photographs: tuple[Photograph, ...]
    problems: tuple[str, ...]
    note: str

    def found(self) -> tuple[Photograph, ...]:
        """The photographs.

        Raises:
            DataError: something stands in the way.
        """
        if len(self.problems) == 1:
            raise DataError(self.problems[0])
        if self.problems:
            many = f"{len(self.problems)} files and folders"
            raise DataError(
                f"{shown(self.folder)}: {many} stand in the way: {listed(self.problems)}"
            )
        if not self.photographs:
            raise DataError(
                f"{shown(self.folder)} holds no grind photographs; expected {LAYOUT}: put some "
                "there, or remove the folder for generated ones"
            )
        return self.photographs


def find(root: Folder, taken: frozenset[Path]) -> Shots | None:
    """The photographs below a folder, or None where there is nothing that is meant as such.

    taken: folders that belong to something else.

    Raises:
        DataError: there are several folders of photographs.
    """
    meant = root.inner("grind")  # is meant for them, whatever is in it
    if meant is not None:
        return _look(meant, taken)
    places = [root, *root.folders, *(inner for folder in root.folders for inner in folder.folders)]
    evident = {each.path: each for each in places if _is_evident(each, taken)}
    outer = [each for path, each in evident.items() if not evident.keys() & {*path.parents}]
    homes = list(dict.fromkeys(_home(each, root) for each in outer))
    if len(homes) > 2 and not any(map(_is_ready, outer)):
        told = ", ".join(shown(home.name) for home in homes[:5])
        raise DataError(
            f"{len(homes)} folders in {shown(root.path)} hold grind photographs, and none is named "
            f"by its pull time ({told}): rename them, as in 27 or 27.5 (seconds)"
        )
    if len(homes) > 1:
        told = ", ".join(shown(home) for home in homes[:5])
        raise DataError(
            f"{len(homes)} folders in {shown(root.path)} hold grind photographs ({told}): name one "
            "with --data-dir"
        )
    return next((_look(each, taken) for each in places if each.path in homes), None)


def _home(folder: Folder, root: Folder) -> Path:
    partitioned = folder.name.lower() in _PARTITIONS and folder is not root
    return folder.path.parent if partitioned else folder.path


def _is_evident(folder: Folder, taken: frozenset[Path]) -> bool:
    if folder.path in taken:
        return False
    named = any(
        _SECONDS.fullmatch(each.name) and pictures.names_in(each) and each.path not in taken
        for each in folder.folders
    )
    return named or any(_is_astray(name) for name in folder.files)


def _is_ready(folder: Folder) -> bool:
    """Whether anything in it has its pull time in its own name, or in its folder's."""
    stems = (Path(name).stem for name in folder.files)
    return any(_SECONDS.fullmatch(each.name) for each in folder.folders) or any(
        map(_CAPTURED.fullmatch, stems)
    )


def _is_astray(name: str) -> bool:
    return pictures.is_picture(name) and _TIMED.fullmatch(Path(name).stem) is not None


@dataclass(slots=True)
class _Seen:
    """What was found so far."""

    photographs: list[Photograph] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    by_hand: int = 0
    undated: int = 0


def _look(home: Folder, taken: frozenset[Path]) -> Shots:
    seen = _Seen()
    parts = [each for each in home.folders if each.name.lower() in _PARTITIONS]
    for place in (home, *parts):
        _look_into(place, taken | {part.path for part in parts}, seen)
    return Shots(
        home.path, tuple(sorted(seen.photographs)), tuple(seen.problems), _note(seen, parts)
    )


def _note(seen: _Seen, parts: list[Folder]) -> str:
    told = []
    if parts:
        names = ", ".join(f"{shown(part.name)}/" for part in parts)
        told.append(f"{names} put together and split anew by shot")
    if seen.by_hand:
        told.append(f"{seen.by_hand} named by hand")
    if seen.undated:
        told.append(f"{seen.undated} without a date, those of a folder being one shot")
    return "; ".join(told)


def _look_into(place: Folder, taken: frozenset[Path], seen: _Seen) -> None:
    for name in filter(_is_astray, place.files):
        captured = _CAPTURED.fullmatch(Path(name).stem)
        seconds = _number(captured["seconds"]) if captured else math.nan
        if captured and _is_pull_time(seconds):
            photograph = Photograph(
                seconds, captured["machine"], float(captured["taken"]), place.path / name
            )
            seen.photographs.append(photograph)
        else:
            seen.problems.append(
                f"{shown(place.path / name)} lies outside a folder of its pull time; expected "
                f"{LAYOUT}: move it"
            )
    for folder in place.folders:
        if folder.path in taken or not (_is_number(folder.name) or pictures.names_in(folder)):
            continue
        if folder.unread is not None:
            seen.problems.append(
                f"{shown(folder.path)} cannot be read: {folder.unread}; make it readable"
            )
        elif folder.files or folder.folders:
            _look_into_shot(folder, seen)


def _look_into_shot(folder: Folder, seen: _Seen) -> None:
    seconds = _number(folder.name)
    if not _is_pull_time(seconds):
        seen.problems.append(
            f"the folder {shown(folder.path)} is not named by a pull time; expected seconds above "
            f"0 and up to {LONGEST_PULL:.0f}, as in 27 or 27.5: rename it, or remove it"
        )
        return
    for inner in folder.folders:
        seen.problems.append(f"{shown(inner.path)} is no file; expected a picture: remove it")
    for name in folder.files:
        path, stem = folder.path / name, Path(name).stem
        timed = _TIMED.fullmatch(stem)
        if not pictures.is_picture(name):
            seen.problems.append(
                f"{shown(path)} is not named as a picture ({', '.join(pictures.SUFFIXES)}): "
                "remove it"
            )
        elif _MILLISECONDS.fullmatch(stem):
            seen.problems.append(
                f"{shown(path)} is not named <unixtime>-<machine>, as in 1606089600-silvia.png, "
                "the time in whole seconds: rename it, or remove it"
            )
        elif timed:
            seen.photographs.append(
                Photograph(seconds, timed["machine"], float(timed["taken"]), path)
            )
        else:
            taken = _date(path)
            seen.by_hand += 1
            seen.undated += taken is None
            # Without a date all of a folder have the same one, and so are one shot: to take two
            # shots for one costs a shot, to take one for two would leak it into the test.
            seen.photographs.append(Photograph(seconds, "", taken or 0.0, path))


def _date(path: Path) -> float | None:
    """When the camera says that it took a picture, in s since 1970 by its own clock."""
    try:
        with pictures.opened(path) as picture:
            text = str(picture.getexif().get_ifd(_EXIF)[_TAKEN])
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except Exception:  # none, none that can be read, or no picture, which its reader tells of
        return None


def _number(text: str) -> float:
    match = _SECONDS.fullmatch(text)
    return float(match["number"].replace(",", ".")) if match else math.nan


def _is_pull_time(seconds: float) -> bool:
    return 0 < seconds <= LONGEST_PULL


def _is_number(name: str) -> bool:
    try:
        float(name.replace(",", "."))
    except ValueError:
        return False
    return True
