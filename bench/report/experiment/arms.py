"""The arms of an experiment, from its record alone."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.record.comparable import difference as key_difference
from bench.record.comparable import key_for
from bench.record.model import Finished, Record, Result
from bench.report import rows
from bench.report.experiment.differences import Difference, difference
from bench.workloads.experiments import EXPERIMENTS
from bench.workloads.workload import ERRORS

# Where this Grindstone knows no such experiment: what two seeds of MNIST differ by, or 10 squares.
_NOTABLE = {"accuracy": 0.002}


@dataclass(frozen=True)
class Arm:
    """What was trained of one arm.

    name: what differs from the other arms.
    trained: those that came to their end, by seed.
    failed: how many did not.
    """

    name: str
    trained: dict[int, Finished]
    failed: int

    @cached_property
    def qualities(self) -> dict[int, float]:
        """On the test images, by seed, where they are numbers."""
        known = {seed: each.quality.value for seed, each in self.trained.items()}
        return {seed: value for seed, value in known.items() if value is not None}

    @property
    def first(self) -> Finished | None:
        """One of its trainings."""
        return next(iter(self.trained.values()), None)

    @property
    def diverged(self) -> int:
        """How many trainings came to no number."""
        return len(self.trained) - len(self.qualities)

    @property
    def has_diverged(self) -> bool:
        """Whether none of its trainings came to a number."""
        return bool(self.trained) and not self.qualities

    @property
    def training(self) -> float | None:
        """The mean quality on the training images, where it was measured."""
        told = [each.quality.training for each in self.trained.values()]
        known = [value for value in told if value is not None]
        return statistics.mean(known) if known else None

    @property
    def seconds(self) -> float | None:
        """The median epoch of its middle training, in s."""
        medians = [each.epochs.median for each in self.trained.values()]
        return statistics.median(medians) if medians else None

    @property
    def images_per_second(self) -> float | None:
        """Of its middle training."""
        speeds = [each.images_per_second for each in self.trained.values()]
        return statistics.median(speeds) if speeds else None


@dataclass(frozen=True)
class Experiment:
    """What an experiment came to.

    arms: in the order that they were trained; the first is the baseline.
    differences: of the others from the baseline; None where one of both has no quality.
    unlike: why trainings of one arm may not be put together, a line each.
    """

    name: str
    question: str
    metric: str
    notable: float
    arms: tuple[Arm, ...]
    differences: tuple[Difference | None, ...]
    unlike: tuple[str, ...] = ()

    @property
    def spread(self) -> float | None:
        """By how much seeds of the baseline differ, as a standard deviation."""
        values = list(self.arms[0].qualities.values()) if self.arms else []
        return statistics.stdev(values) if len(values) > 1 else None


def experiment(record: Record) -> Experiment | None:
    """What a record's experiment came to; None where it has none, or trained nothing yet."""
    asked = record.settings.experiment
    groups = rows.by_row(record.results)
    ended = [each for group in groups for each in group if isinstance(each, Finished)]
    if asked is None or not ended:
        return None
    known, metric = EXPERIMENTS.get(asked.name), ended[0].quality.metric
    arms = [_arm(group, groups) for group in groups]
    if known and known.baseline:
        arms[0] = dataclasses.replace(arms[0], name=known.baseline)
    notable = known.notable if known else _NOTABLE.get(metric, 10.0)
    baseline, *others = arms
    return Experiment(
        asked.name,
        known.question if known else "",
        metric,
        notable,
        tuple(arms),
        tuple(_difference(baseline, other, metric, notable, len(others)) for other in others),
        tuple(dict.fromkeys(_unlike(record, groups))),
    )


def _arm(group: Sequence[Result], groups: Sequence[Sequence[Result]]) -> Arm:
    first = group[0]
    alike = set.intersection(*(set(each[0].way.variant.words()) for each in groups))
    told = ", ".join(word for word in first.way.variant.words() if word not in alike)
    if len({each[0].workload for each in groups}) > 1:
        told = ", ".join(filter(None, (first.workload, told)))
    trained = {
        each.repeat if each.seed is None else each.seed: each
        for each in group
        if isinstance(each, Finished)
    }
    return Arm(told or "as published", trained, len(group) - len(rows.finished(group)))


def _difference(
    baseline: Arm, other: Arm, metric: str, notable: float, arms: int
) -> Difference | None:
    if not (baseline.qualities and other.qualities and baseline.first and other.first):
        return None
    sign = -1.0 if metric in ERRORS else 1.0
    a, b = (
        {seed: sign * value for seed, value in arm.qualities.items()} for arm in (baseline, other)
    )
    # Networks with as many weights begin with the same ones: then it is worth pairing.
    alike = baseline.first.model.parameters == other.first.model.parameters
    return difference(a, b, paired=alike, notable=notable, arms=arms)


def _unlike(record: Record, groups: Sequence[Sequence[Result]]) -> Iterator[str]:
    """What trainings of one arm differ in that have to be alike, a line each."""
    for group in groups:
        first, *others = [key_for(each, record) for each in rows.finished(group)] or [{}]
        yield from filter(None, (key_difference(first, other) for other in others))


# A doubling of the batch that gains less than this is not worth what a larger one costs.
LEAST_GAIN = 0.10


@dataclass(frozen=True, slots=True)
class Knee:
    """The batch beyond which there is little to gain.

    speed: how many times as fast as the smallest one it trains.
    worse: the batches that learn worse than the baseline.
    """

    batch: int
    speed: float
    worse: tuple[int, ...]


def knee(made: Experiment, own: int | None) -> Knee | None:
    """The knee; None where the arms differ in something else, or nothing can be said.

    own: the batch of the baseline.
    """
    if own is None or len(made.arms) < 2:
        return None
    batches = [own, *(_batch(arm) for arm in made.arms[1:])]
    differs = [None, *made.differences]
    timed = sorted(
        (batch, arm, each)
        for batch, arm, each in zip(batches, made.arms, differs, strict=True)
        if batch is not None and arm.images_per_second
    )
    if None in batches or not timed:
        return None
    worse = tuple(batch for batch, _, each in timed if each is not None and each.word == "WORSE")
    fit = [(batch, arm) for batch, arm, _ in timed if batch not in worse]
    chosen = 0
    for at in range(1, len(fit)):
        doublings = math.log2(fit[at][0] / fit[chosen][0])
        gain = _speed(fit[at][1]) / _speed(fit[chosen][1])
        if gain >= (1 + LEAST_GAIN) ** doublings:
            chosen = at
    batch, arm = fit[chosen]
    return Knee(batch, _speed(arm) / _speed(timed[0][1]), worse)


def _batch(arm: Arm) -> int | None:
    """That of an arm that differs in its batch alone."""
    variant = arm.first.variant if arm.first else None
    if variant is None or len(list(variant.words())) != 1 + (variant.backend is not None):
        return None
    return variant.batch


def _speed(arm: Arm) -> float:
    return arm.images_per_second or 0.0
