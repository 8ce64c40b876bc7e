"""The data that a person chose for a run, checked before anything is trained."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets import known_sets
from bench.errors import DataError, shown
from bench.workloads.workload import DATA_NAMES

if TYPE_CHECKING:
    from bench.datasets.data_folder import DataFolder


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    folder: that was named, absolute, or None.
    name: of what MNIST's networks are trained on.
    """

    folder: Path | None
    data_folder: DataFolder | None
    name: str


def read_choice(chosen: argparse.Namespace) -> Choice:
    """The folder and the data set that were named.

    Raises:
        DataError: there is nothing in the folder that can be trained on, or the options exclude
            each other.
    """
    folder: str | None = chosen.data_dir
    if folder is not None and chosen.synthetic:
        raise DataError("--data-dir names real data, and --synthetic wants none: leave one out")
    name = known_sets.chosen(chosen.dataset)
    if name != "mnist" and name in DATA_NAMES:
        raise DataError(f"--dataset is for MNIST's networks; {name}'s has its data alone")
    if name != "mnist" and folder is None:
        raise DataError(f"--dataset {name} needs its folder: name it with --data-dir")
    if name != "mnist" and chosen.time_to_target:
        raise DataError(
            f"--time-to-target has MNIST's targets, and none are known for {name}: leave one out"
        )
    if folder is None:
        return Choice(None, None, name)
    try:
        path = Path(folder).expanduser().absolute()
    except RuntimeError:  # `~nobody`
        raise DataError(f"--data-dir {shown(folder)}: there is no such home folder") from None
    return Choice(path, usable(path), name)


def usable(folder: Path) -> DataFolder:
    """What is in a folder that was named.

    Raises:
        DataError: nothing that can be trained on.
    """
    from bench.datasets import data_folder  # reads pictures: not where nothing was named

    found = data_folder.look(folder)
    if found.refusal is not None:
        raise DataError(found.refusal)
    return found
