"""Repeats of a row, each in a process of its own, and the two sides of a comparison.

The repeat is the unit of evidence.  Epochs of one process share its memory layout, its caches and
the quarter of an hour that it ran in, and however many there are, they tell of that one process.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from bench.errors import GrindstoneError

Side = Literal["A", "B"]

SIDES: tuple[Side, Side] = ("A", "B")

# Fewer repeats than these on a side, and their spread is not known well enough to be used at all.
LEAST_REPEATS = 3

# As many on each side as find a true difference of 5 % at least nine times in ten where processes
# differ by 2 % from each other (docs/compare.md has a table for other noise;
# tests/unit/test_compare_simulated.py proves it).
ENOUGH = 12

# After how many repeats a side a comparison is checked, where nobody says how many to train: what
# is clear by then is trained no further.  12 do on a machine whose processes differ by 2 %;
# where they differ by 6.6 %, as in tests/unit/noise.json, it takes up to all 96 to find 5 %.
INTERIM_CHECKS = (ENOUGH, 24, 48, 96)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Which of its row's trainings one is.

    number: 1 for the first.
    side: which environment trains, or None where there is only one.
    seed: that it trains from, where each repeat has its own; else None.
    """

    number: int = 1
    side: Side | None = None
    seed: int | None = None

    @property
    def id(self) -> str:
        """As a test's name ends: `p3`, `A3`."""
        return f"{self.side or 'p'}{self.number}"

    def seed_of(self, run: int) -> int:
        """What it trains from.  run: the run's seed."""
        return run if self.seed is None else self.seed

    @property
    def suffix(self) -> str:
        """Behind a row's title, where it is not the only one: `, 3`, `, A 3`."""
        if self == ALONE:
            return ""
        if self.seed is not None:
            return f", seed {self.seed}"
        return f", {self.side} {self.number}" if self.side else f", {self.number}"


ALONE = Repeat()


def in_turn(count: int, *, sides: bool, order_seed: int = 0) -> list[Repeat]:
    """A row's repeats in the order that they are trained.

    Two sides come in pairs, and it is drawn which of each pair is first.  Turn and turn about would
    do against a slow drift, but not against a machine that changes its pace every few minutes: in
    step with it one side would get the better half of every pair.  With a random order it cannot,
    whatever the machine does (it is what the rank test in bench/compare rests on).

    order_seed: of what is drawn.
    """
    if not sides:
        return [Repeat(number) for number in range(1, count + 1)]
    draw = random.Random(order_seed)
    return [
        Repeat(number, side)
        for number in range(1, count + 1)
        for side in draw.sample(SIDES, len(SIDES))
    ]


_MOST_REPEATS = 1000


def checks_for(wanted: int | None, *, compared: bool) -> tuple[int, ...]:
    """After how many repeats a row is checked, from `--processes`.

    Raises:
        GrindstoneError: nobody trains so many.
    """
    if wanted is None:
        return INTERIM_CHECKS if compared else (1,)
    if not 1 <= wanted <= _MOST_REPEATS:
        raise GrindstoneError(
            f"--processes {wanted} is out of range; give a number from 1 to {_MOST_REPEATS}"
        )
    return (wanted,)
