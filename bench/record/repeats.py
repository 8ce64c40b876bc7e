"""Several trainings of a row, each in a process of its own, and the two sides of a comparison.

The process is the unit of evidence.  Epochs of one process share its memory layout, its caches and
the quarter of an hour that it ran in, and however many there are, they tell of that one process.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Side = Literal["A", "B"]

SIDES: tuple[Side, Side] = ("A", "B")

# As many on each side as find a true difference of 5 % at least nine times in ten where processes
# differ by 2 % from each other (docs/compare.md has a table for other noise;
# tests/unit/test_compare_simulated.py proves it).
ENOUGH = 12

# After how many processes a side a comparison is looked at, where nobody says how many to train:
# what is clear by then is trained no further.  12 do on a machine whose processes differ by 2 %;
# where they differ by 6.6 %, as in tests/unit/noise.json, it takes up to all 96 to find 5 %.
LOOKS = (ENOUGH, 24, 48, 96)


@dataclass(frozen=True, slots=True)
class Process:
    """Which of its row's trainings one is.

    number: 1 for the first.
    side: which environment trains, or None where there is only one.
    """

    number: int = 1
    side: Side | None = None

    @property
    def id(self) -> str:
        """As a test's name ends: `p3`, `A3`."""
        return f"{self.side or 'p'}{self.number}"


ALONE = Process()


def in_turn(count: int, *, sides: bool, coin: int = 0) -> list[Process]:
    """A row's processes in the order that they are trained.

    Two sides come in pairs, and a coin says which of each pair is first.  Turn and turn about would
    do against a slow drift, but not against a machine that changes its pace every few minutes: in
    step with it one side would get the better half of every pair.  With a coin it cannot, whatever
    the machine does (randomization; it is what the rank test in bench/compare rests on).

    coin: the seed of the tosses.
    """
    if not sides:
        return [Process(number) for number in range(1, count + 1)]
    tosses = random.Random(coin)
    return [
        Process(number, side)
        for number in range(1, count + 1)
        for side in tosses.sample(SIDES, len(SIDES))
    ]
