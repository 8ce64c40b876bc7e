"""What the posts that the workloads come from measured, beside what was measured here."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.record.model import Finished
from bench.report import format as shown

_FILE = Path(__file__).parents[1] / "workloads" / "posts.csv"


@dataclass(frozen=True, slots=True)
class Told:
    """A figure of a post.

    what: `CPU`, `GPU`, or `curve`.
    value: in the post's own words.
    images: that an epoch trains on there; the time of fewer is another figure.
    """

    workload: str
    what: str
    value: str
    source: str
    images: str


@cache
def read() -> tuple[Told, ...]:
    """Every figure of the posts."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(Told(**row) for row in csv.DictReader(file))


def lines(own: Sequence[Finished]) -> Iterator[str]:
    """As in `CPU: about 4 s an epoch (a learner's post of 2017 …); here 1.53 s on cpu.`."""
    for told in read():
        rows = [
            each
            for each in own
            if each.workload == told.workload and each.dataset.train_images == int(told.images)
        ]
        if told.what == "curve":
            if any(each.epochs.quality for each in rows):
                yield f"Beside this curve: {told.value} ({told.source})."
            continue
        of_it = [each for each in rows if each.device.is_gpu is (told.what == "GPU")]
        here = ", ".join(
            f"{shown.seconds(each.epochs.median)} on {each.device.id}{each.way.suffix}"
            for each in of_it
        )
        if here:
            yield f"{told.what}: {told.value} ({told.source}); here {here}."
