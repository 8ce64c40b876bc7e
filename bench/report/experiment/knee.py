"""The batch beyond which there is little to gain, where an experiment's arms differ in it alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.report.experiment.arms import Arm, Experiment

# A doubling of the batch that gains less than this is not worth what a larger one costs.
LEAST_GAIN = 0.10


@dataclass(frozen=True, slots=True)
class Knee:
    """Where it is.

    batch: of the arm; speed: how many times as fast as the smallest one it trains.
    worse: the batches that learn worse than the measure.
    """

    arm: Arm
    batch: int
    speed: float
    worse: tuple[int, ...]


def found(made: Experiment, own: int | None) -> Knee | None:
    """The knee; None where the arms differ in something else, or nothing can be said.

    own: the batch of the measure.
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
    return Knee(arm, batch, _speed(arm) / _speed(timed[0][1]), worse)


def _batch(arm: Arm) -> int | None:
    """That of an arm that differs in its batch alone."""
    variant = arm.first.variant if arm.first else None
    if variant is None or len(list(variant.words())) != 1 + (variant.backend is not None):
        return None
    return variant.batch


def _speed(arm: Arm) -> float:
    return arm.images_per_second or 0.0
