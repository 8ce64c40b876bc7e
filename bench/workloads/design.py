"""Changes to a published network and to its training."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Pooling = Literal["max", "average"]
Loss = Literal["mean", "sum"]
Rates = Literal["constant", "one-cycle"]
Optimizer = Literal["Adam", "RMSprop", "SGD"]
Augment = Literal["shift", "flip", "shift-flip"]

# What a network's builder is asked for, by keyword: only one that has such a part takes it.
OF_THE_BUILDER = ("pooling", "filters", "dense")

# What a file of one's own is asked for, too: it takes no knowledge of its network.
OF_ANY = ("dropout", "learning_rate", "images", "epochs")


# How many folds there are: optpresso's own.
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Design:
    """Changes, as `bench.record.variant.Design` describes them; None is as published."""

    pooling: Pooling | None = None
    filters: tuple[int, ...] | None = None
    dense: tuple[int, ...] | None = None
    dropout: float | None = None
    last_dropout: float | None = None
    size: int | None = None
    loss: Loss | None = None
    augment: Augment | None = None
    optimizer: Optimizer | None = None
    learning_rate: float | None = None
    rates: Rates | None = None
    images: int | None = None
    held_out: int | None = None
    epochs: int | None = None
    fold: int | None = None

    @classmethod
    def read(cls, members: dict[str, object]) -> Design:
        """From JSON, which has lists for tuples."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in members.items()})  # type: ignore[arg-type]

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of what is not as published."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) is not None)


UNCHANGED = Design()
