"""What a row of an export is made of: a training with its run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import shown
from bench.record import ending
from bench.record.inference import Inference
from bench.record.measured import Measured
from bench.record.model import Failed, Finished, Record, Result, Target, TargetResult, TimeToTarget


@dataclass(frozen=True, slots=True)
class Trained:
    """A training of a run.

    kind: `target` where it went on until a quality was reached.
    """

    path: Path
    record: Record
    result: Result | TargetResult
    kind: Literal["epochs", "target"]

    @property
    def run(self) -> str:
        """What the run is called by."""
        return shown(self.path.stem)

    @property
    def started(self) -> str:
        """When the run began."""
        return self.record.started.isoformat()

    @property
    def ended(self) -> Finished | TimeToTarget | None:
        """It, where it came to its end."""
        return None if isinstance(self.result, Failed) else self.result

    @property
    def timed(self) -> Finished | None:
        """It, where its epochs were timed."""
        return self.result if isinstance(self.result, Finished) else None

    @property
    def answers(self) -> Inference | None:
        """How fast its network answers, where that was measured."""
        return self.timed.inference.value if self.timed and self.timed.inference else None

    @property
    def inference_reason(self) -> str | None:
        """Why the times of its answers are in doubt, or are not there."""
        if self.answers is not None:
            return self.answers.verdict.evidence if self.answers.verdict.fix else None
        return self.timed.inference.why if self.timed and self.timed.inference else None

    @property
    def hardest(self) -> Target | None:
        """The last of its targets."""
        return self.result.targets[-1] if isinstance(self.result, TimeToTarget) else None

    @property
    def seed(self) -> int | None:
        """What it was trained from; of several it is none."""
        if self.kind == "target":
            return None
        return self.record.settings.seed if self.result.seed is None else self.result.seed

    @property
    def variant(self) -> str:
        """What differs from the published training."""
        return ", ".join(self.result.way.variant.words())

    @property
    def verdict(self) -> str:
        """Its word."""
        return ending.word(self.result)

    @property
    def reason(self) -> str | None:
        """Why its time does not count, or is in doubt."""
        if isinstance(self.result, Failed):
            return self.result.reason
        verdict = self.result.verdict
        if self.result.quality.reason or verdict is None or verdict.word == "OK":
            return self.result.quality.reason
        return verdict.evidence

    @property
    def epochs(self) -> int | None:
        """How many epochs were timed."""
        return None if self.timed is None else 1 + len(self.timed.epochs.steady)

    @property
    def energy(self) -> Measured[float] | None:
        """Of an epoch, in J: the GPU's, or the processor packages'."""
        if self.result.telemetry is not None:
            return self.result.telemetry.energy.gross_per_epoch
        return None if self.result.device.is_gpu else self.result.conditions.energy.per_epoch


def trainings(path: Path, record: Record) -> Iterator[Trained]:
    """The trainings of a record in the order they were trained; those to targets come last."""
    for result in record.results:
        yield Trained(path, record, result, "epochs")
    for reached in record.time_to_target:
        yield Trained(path, record, reached, "target")
