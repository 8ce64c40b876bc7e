"""What a run tells while it goes on, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bench.record.model import Failed, Finished, TimeToTarget


@dataclass(frozen=True, slots=True)
class Planned:
    """A training that is going to be: what a person calls it, and its epochs, at most."""

    title: str
    epochs: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """All trainings are known, in their order."""

    trainings: tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class RowStarted:
    """A training begins.

    is_error: whether less of its quality is better; None where that is not known before.
    """

    title: str
    epochs: int
    is_error: bool | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """What the training is doing now: `data loading`, `epoch 1`."""

    name: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something about what is trained that a person should know before it is."""

    text: str


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """An epoch has ended.

    seed: the one that is trained from, where there are several; else None.
    loss, quality: of the epoch; None where the quality was not measured after it.
    """

    number: int
    seconds: float
    seed: int | None = None
    loss: float | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class RowEnded:
    """A training has ended.

    results: what came of it; several where several GPUs trained at once.
    seconds: what all of it took, in s.
    """

    title: str
    results: tuple[Finished | TimeToTarget | Failed, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class RowLeftOut:
    """A training was left out, as its mode cannot train it; why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Nothing is trained any more."""


_OfARow = RowStarted | Phase | Noted | EpochEnded | RowEnded | RowLeftOut
Event: TypeAlias = RunStarted | _OfARow | RunEnded
Listener: TypeAlias = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener of whoever shows nothing."""
