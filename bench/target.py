"""Time to target: the seconds of training, evaluation apart, until a quality is reached.

The figure that speed and quality share: a change that makes epochs shorter and learning slower
gains nothing in it.  It is counted in whole epochs, after each of which the quality is measured
off the clock.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.floors import Bounds
from bench.timing import EpochTiming
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import ProfileName, Schedule, Workload

# MNIST's by the network that reaches both, with room, before its published epochs are over.
TARGETED = (WORKLOADS["convnet"], WORKLOADS["post"])
MNIST_TARGETS = (0.98, 0.99)

# As many as a floor stands on (bench.floors).
SEEDS = 5

# What `joules` gives: {"value": …, "why": …}, as a record keeps what may not be known.
Known = Mapping[str, Any]
Joules = Callable[[Sequence[EpochTiming]], Known]


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

    def until(self, target: float, workload: Workload) -> list[EpochTiming] | None:
        """The epochs that it took to reach a target, or None where it was not reached."""
        for number, quality in enumerate(self.qualities, start=1):
            if workload.reaches(quality, target):
                return self.epochs[:number]
        return None


def unwatched(_epochs: Sequence[EpochTiming]) -> Known:
    """The joules where no GPU was watched."""
    return {"value": None, "why": "no GPU was watched"}


def summary(
    trials: Sequence[Trial], target: float, workload: Workload, joules: Joules = unwatched
) -> dict[str, Any]:
    """What the record keeps of a target.

    epochs, seconds, joules: by seed, in the order of the trials; null where it was not reached.
    median_seconds: over all seeds, or null where not every one reached it: those that do not are
        the slow ones, and a median without them would flatter.
    """
    took = [trial.until(target, workload) for trial in trials]
    seconds = [None if epochs is None else sum(e.seconds for e in epochs) for epochs in took]
    reached = [s for s in seconds if s is not None]
    return {
        "target": target,
        "epochs": [epochs and len(epochs) for epochs in took],
        "seconds": seconds,
        "median_seconds": statistics.median(reached) if len(reached) == len(trials) else None,
        "joules": [None if epochs is None else dict(joules(epochs)) for epochs in took],
    }


def missed(summaries: Sequence[Mapping[str, Any]], bounds: Bounds, most: int) -> list[str]:
    """What was not reached, a line for each target."""
    lines = []
    for each in summaries:
        failed = sum(seconds is None for seconds in each["seconds"])
        if failed:
            lines.append(
                f"{failed} of {len(each['seconds'])} seeds did not reach "
                f"{bounds.show(each['target'])} within {most} epochs"
            )
    return lines
