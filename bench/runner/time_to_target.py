"""Time to target: the seconds of training, evaluation apart, until a quality is reached.

The figure that speed and quality share: a change that makes epochs shorter and learning slower
gains nothing in it.  It is counted in whole epochs, after each of which the quality is measured
off the clock.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench.datasets.prepared import Prepared
from bench.judge.floors import Bounds
from bench.judge.verdict import judge
from bench.record.measured import Measured, finite, unknown
from bench.record.model import EpochSpread, Target, TimeToTarget, Trial
from bench.record.quality import TargetQuality
from bench.record.repeats import Repeat
from bench.record.timing import EpochTiming, spread
from bench.runner.result import DeviceRun, data_set, identity, network_and_worker, reported
from bench.runner.row import Row
from bench.workloads import WORKLOADS
from bench.workloads.workload import ERRORS, ProfileName, Schedule, Workload

# MNIST's by the network that reaches both, with room, before its published epochs are over.
TARGETED = (WORKLOADS["convnet"], WORKLOADS["post"])
MNIST_TARGETS = (0.98, 0.99)

# As many as a floor stands on (bench.judge.floors).
SEEDS = 5

_Epochs = Sequence[EpochTiming]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached.

    targets: easiest first.
    bound: nobody is better than this without a leak.
    max_epochs: that each seed has.
    """

    targets: tuple[float, ...]
    bound: float
    max_epochs: int
    seeds: tuple[int, ...]


def schedule(workload: Workload, profile: ProfileName) -> Schedule:
    """The profile's images, for as many epochs as were published at most."""
    own, full = workload.schedules[profile], workload.schedules["full"]
    return Schedule(full.epochs, own.train, own.test)


def targets(workload: Workload, profile: ProfileName, bounds: Bounds) -> tuple[float, ...]:
    """What is to be reached, easiest first: 98 % and 99 %, or a floor where these are none.

    At `smoke` MNIST's few images do not carry so far, and a regression has its floor alone.
    """
    if workload.metric not in ERRORS and profile != "smoke":
        return MNIST_TARGETS
    return (bounds.floor,)


def seeds(first: int) -> tuple[int, ...]:
    """Those that are trained from; after the largest comes 0."""
    return tuple((first + more) % 2**32 for more in range(SEEDS))


def finished(
    row: Row, repeat: Repeat, prepared: Prepared, goal: Goal, run: DeviceRun
) -> TimeToTarget:
    """A training to targets that came to its end, judged."""
    workload, outcome = row.published, reported(run)
    trials = [[epoch for epoch in run.epochs if epoch.seed == seed] for seed in goal.seeds]
    seconds = [epoch.seconds for epoch in run.epochs]
    reason = _miss(workload, goal, trials, outcome.quality.untrained)
    result = TimeToTarget(
        **identity(row, run.device, repeat),
        conditions=run.conditions,
        telemetry=run.telemetry,
        dataset=data_set(prepared),
        max_epochs=goal.max_epochs,
        targets=tuple(_target(target, trials, workload, run) for target in goal.targets),
        trials=tuple(_trial(seed, epochs) for seed, epochs in zip(goal.seeds, trials, strict=True)),
        epochs=EpochSpread(median=statistics.median(seconds), spread=spread(seconds)),
        quality=TargetQuality(
            metric=workload.metric,
            untrained=finite(outcome.quality.untrained),
            bound=finite(goal.bound),
            ok=reason is None,
            reason=reason,
        ),
        **network_and_worker(outcome),
    )
    return msgspec.structs.replace(result, verdict=judge(result, run.rerun_options))


def _until(target: float, epochs: _Epochs, workload: Workload) -> _Epochs | None:
    """The epochs that it took a seed to reach a target, or None where it was not reached."""
    for number, quality in enumerate(_qualities(epochs), start=1):
        if workload.reaches(quality, target):
            return epochs[:number]
    return None


def _qualities(epochs: _Epochs) -> list[float]:
    return [epoch.quality for epoch in epochs if epoch.quality is not None]


def _miss(
    workload: Workload, goal: Goal, trials: Sequence[_Epochs], untrained: float
) -> str | None:
    """What was not reached, or what is too good to be true; None where all is well."""
    hardest = Bounds(workload.metric, goal.targets[-1], goal.bound)
    missed = []
    for target in goal.targets:
        failed = sum(_until(target, epochs, workload) is None for epochs in trials)
        if failed:
            missed.append(
                f"{failed} of {len(trials)} seeds did not reach {hardest.show(target)} "
                f"within {goal.max_epochs} epochs"
            )
    if missed:
        return "; ".join(missed)
    best = min if workload.metric in ERRORS else max
    return hardest.reason(best(q for epochs in trials for q in _qualities(epochs)), untrained)


def _trial(seed: int, epochs: _Epochs) -> Trial:
    return Trial(
        seed=seed,
        seconds=tuple(epoch.seconds for epoch in epochs),
        loss=tuple(finite(epoch.loss) for epoch in epochs),
        quality=tuple(finite(quality) for quality in _qualities(epochs)),
    )


def _target(target: float, trials: Sequence[_Epochs], workload: Workload, run: DeviceRun) -> Target:
    """What it took to reach a target.

    The median is over all seeds, and there is none where not every one reached it: those that do
    not are the slow ones, and a median without them would flatter.
    """
    took = [_until(target, epochs, workload) for epochs in trials]
    seconds = [None if each is None else sum(e.seconds for e in each) for each in took]
    reached = [each for each in seconds if each is not None]
    return Target(
        target=target,
        epochs=tuple(None if each is None else len(each) for each in took),
        seconds=tuple(seconds),
        median_seconds=statistics.median(reached) if len(reached) == len(took) else None,
        joules=tuple(None if each is None else _joules(run, each) for each in took),
    )


def _joules(run: DeviceRun, epochs: _Epochs) -> Measured[float]:
    """The GPU's energy over epochs alone."""
    if run.gpu is None or not run.device.is_gpu:
        return unknown("no GPU was watched")
    return run.gpu.energy_on_the_clock(epochs)
