"""Time to target: the seconds of training, evaluation apart, until a quality is reached.

The figure that speed and quality share: a change that makes epochs shorter and learning slower
gains nothing in it.  It is counted in whole epochs, after each of which the quality is measured
off the clock.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.datasets.prepared import Prepared
from bench.judge import bridge
from bench.judge.floors import Bounds
from bench.record.measured import Measured, unknown
from bench.record.timing import EpochTiming, spread
from bench.runner.attempt import Attempt
from bench.runner.run import dataset, identity
from bench.runner.supervisor import Outcome
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import ProfileName, Schedule, Workload

# MNIST's by the network that reaches both, with room, before its published epochs are over.
TARGETED = (WORKLOADS["convnet"], WORKLOADS["post"])
MNIST_TARGETS = (0.98, 0.99)

# As many as a floor stands on (bench.judge.floors).
SEEDS = 5

Joules = Callable[[Sequence[EpochTiming]], Measured[float]]


def schedule(workload: Workload, profile: ProfileName) -> Schedule:
    """The profile's images, for as many epochs as were published at most."""
    own, full = workload.schedules[profile], workload.schedules["full"]
    return Schedule(full.epochs, own.train, own.test)


def targets(workload: Workload, profile: ProfileName, bounds: Bounds) -> tuple[float, ...]:
    """What is to be reached, easiest first: 98 % and 99 %, or a floor where these are none.

    At `smoke` MNIST's few images do not carry so far, and a regression has its floor alone.
    """
    if workload.metric == "accuracy" and profile != "smoke":
        return MNIST_TARGETS
    return (bounds.floor,)


@dataclass(slots=True)
class Trial:
    """The epochs of one seed, and the quality after each."""

    seed: int
    epochs: list[EpochTiming] = field(default_factory=list)
    qualities: list[float] = field(default_factory=list)

    def add(self, epoch: EpochTiming, quality: float) -> None:
        """Another epoch has ended."""
        self.epochs.append(epoch)
        self.qualities.append(quality)

    def until(self, target: float, workload: Workload) -> list[EpochTiming] | None:
        """The epochs that it took to reach a target, or None where it was not reached."""
        for number, quality in enumerate(self.qualities, start=1):
            if workload.reaches(quality, target):
                return self.epochs[:number]
        return None

    def kept(self) -> dict[str, Any]:
        """As the record keeps it."""
        return {
            "seed": self.seed,
            "seconds": [epoch.seconds for epoch in self.epochs],
            "loss": [epoch.loss for epoch in self.epochs],
            "quality": self.qualities,
        }


def unwatched(_epochs: Sequence[EpochTiming]) -> Measured[float]:
    """The joules where no GPU was watched."""
    return unknown("no GPU was watched")


@dataclass(frozen=True, slots=True)
class ToTarget:
    """A finished training to targets.

    targets: what was to be reached, easiest first.
    most: how many epochs each seed had at most.
    bound: nobody is better than this without a leak.
    conditions, telemetry: what the machine and its GPU did meanwhile, as the record keeps it.
    joules: the GPU's energy over epochs alone.
    """

    attempt: Attempt
    prepared: Prepared
    trials: tuple[Trial, ...]
    targets: tuple[float, ...]
    most: int
    bound: float
    outcome: Outcome
    conditions: dict[str, Any]
    telemetry: dict[str, Any] | None
    joules: Joules = unwatched

    @property
    def seconds(self) -> list[float]:
        """To the last target, of each seed that reached it."""
        took = [trial.until(self.targets[-1], self.attempt.workload) for trial in self.trials]
        return [sum(epoch.seconds for epoch in epochs) for epochs in took if epochs]

    @property
    def miss(self) -> str | None:
        """What was not reached, or what is too good to be true; None where all is well."""
        workload = self.attempt.workload
        hardest = Bounds(workload.metric, self.targets[-1], self.bound)
        missed = [line for each in self.targets if (line := self._missed(each, hardest))]
        if missed:
            return "; ".join(missed)
        best = max if workload.metric == "accuracy" else min
        quality = best(quality for trial in self.trials for quality in trial.qualities)
        return hardest.reason(quality, self.outcome.untrained)

    def must_reach_targets(self) -> None:
        """Fails the test when a seed did not reach what it should."""
        import pytest

        if self.miss is not None:
            pytest.fail(f"{self.attempt.title}: {self.miss}", pytrace=False)

    def entry(self) -> dict[str, Any]:
        """The training as the record keeps it.  Times are in s."""
        attempt, outcome = self.attempt, self.outcome
        seconds = [epoch.seconds for trial in self.trials for epoch in trial.epochs]
        entry = {
            **identity(attempt.workload, attempt.device, attempt.mode, attempt.process),
            "status": "finished",
            "reason": None,
            "dataset": dataset(self.prepared),
            "most_epochs": self.most,
            "targets": [self._summary(target) for target in self.targets],
            "trials": [trial.kept() for trial in self.trials],
            "epochs": {"median": statistics.median(seconds), "spread": spread(seconds)},
            "quality": {
                "metric": attempt.workload.metric,
                "untrained": outcome.untrained,
                "bound": self.bound,
                "ok": self.miss is None,
                "reason": self.miss,
            },
            "model": outcome.model,
            "worker": outcome.worker,
            "memory_peak": outcome.memory_peak,
            "conditions": self.conditions,
            "telemetry": self.telemetry,
        }
        return {**entry, "verdict": bridge.verdict(entry)}

    def _missed(self, target: float, bounds: Bounds) -> str | None:
        failed = sum(trial.until(target, self.attempt.workload) is None for trial in self.trials)
        if not failed:
            return None
        return (
            f"{failed} of {len(self.trials)} seeds did not reach {bounds.show(target)} "
            f"within {self.most} epochs"
        )

    def _summary(self, target: float) -> dict[str, Any]:
        """What the record keeps of a target.

        epochs, seconds, joules: by seed, in the order of the trials; null where it was not reached.
        median_seconds: over all seeds, or null where not every one reached it: those that do not
            are the slow ones, and a median without them would flatter.
        """
        took = [trial.until(target, self.attempt.workload) for trial in self.trials]
        reached = [epochs for epochs in took if epochs is not None]
        seconds = [sum(epoch.seconds for epoch in epochs) for epochs in reached]
        in_order = iter(seconds)
        return {
            "target": target,
            "epochs": [epochs and len(epochs) for epochs in took],
            "seconds": [epochs and next(in_order) for epochs in took],
            "median_seconds": statistics.median(seconds) if len(reached) == len(took) else None,
            "joules": [epochs and msgspec.to_builtins(self.joules(epochs)) for epochs in took],
        }
