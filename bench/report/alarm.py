"""Says that a training overfits while it still trains, once, by the rule of bench.judge.curve."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bench.judge import curve
from bench.runner.events import EpochEnded, Event, RowStarted


@dataclass(slots=True)
class Alarm:
    """Hears the events of a run."""

    _row: RowStarted | None = None
    _quality: list[float | None] = field(default_factory=list)
    _losses: list[float | None] = field(default_factory=list)

    def hear(self, event: Event) -> str | None:
        """The line that is due with an event, if any is."""
        if isinstance(event, RowStarted):
            self._row, self._quality, self._losses = event, [], []
        if self._row is None or self._row.is_error is None or not isinstance(event, EpochEnded):
            return None
        if event.quality is None or event.seed is not None:  # to a target, it ends by itself
            return None
        self._quality.append(event.quality if math.isfinite(event.quality) else None)
        self._losses.append(event.loss)
        before_the_first = None
        test = [before_the_first, *self._quality]
        seen = curve.read(test, self._losses, is_error=self._row.is_error).overfits
        if seen is None:
            return None
        title, self._row = self._row.title, None
        return (
            f"{title} overfits since epoch {seen.since}: worse than the {curve.EPOCHS} epochs "
            f"before, while the training loss fell; the best so far was epoch {seen.best}"
        )
