"""The time that an experiment or a recipe may take: what would exceed it is not begun."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

from bench.errors import GrindstoneError
from bench.record.head import Device

# By itself, in minutes: an hour, or a coffee break on a GPU.
_MINUTES, _MINUTES_ON_A_GPU = 60.0, 15.0


@dataclass(frozen=True)
class Budget:
    """Seconds from when it is made."""

    seconds: float
    begun: float = field(default_factory=time.monotonic)

    def has_room_for(self, seconds: float) -> bool:
        """Whether what takes so long would end within it."""
        return time.monotonic() - self.begun + seconds <= self.seconds

    @property
    def minutes(self) -> str:
        """As it was asked for: `60`."""
        return f"{self.seconds / 60:g}"


def add(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the option.  what: is not begun any more when it would take too long."""
    parser.add_argument(
        "--budget",
        type=float,
        metavar="MINUTES",
        help=f"begin no {what} that would not end in time (default: "
        f"{_MINUTES:g}, and {_MINUTES_ON_A_GPU:g} on a GPU)",
    )


def of(options: argparse.Namespace, device: Device) -> Budget:
    """The one that was asked for, from now on.

    Raises:
        GrindstoneError: it is no time.
    """
    minutes: float = _MINUTES_ON_A_GPU if device.is_gpu else _MINUTES
    if options.budget is not None:
        minutes = options.budget
    if not minutes > 0:
        raise GrindstoneError(f"--budget {minutes:g} is no time; give minutes above 0")
    return Budget(60 * minutes)
