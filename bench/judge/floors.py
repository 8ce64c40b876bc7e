"""The floors: what a training must reach before its speed counts, and what it cannot honestly beat.

Grindstone's follow by rule from `evidence.csv`, which `python -m bench evidence` remakes: the
quality that each workload reached, by data, profile and seed.  Both bounds lie well outside the
seeds' scatter, so that a sound machine passes with any seed, and a broken one (unshuffled data, a
dead layer, a label file of another set, test images leaked into training) does not.  Those of a
model of one's own stand in its file.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.invocation import COMMAND
from bench.record.measured import finite
from bench.record.quality import Quality
from bench.workloads.own import Floor, is_accuracy
from bench.workloads.workload import ERRORS, Metric, ProfileName, Workload

EVIDENCE = Path(__file__).parents[1] / "workloads" / "evidence.csv"

SEEDS_NEEDED = 5

# How far outside the seeds' worst and best a bound lies, in standard deviations.  Five seeds
# estimate a deviation to within a factor of about 2.9 upwards (97.5 %), so 4 of theirs are at
# least 1.4 true ones beyond the worst of five.
_DEVIATIONS = 4.0
# Below .2 points, differences between single MNIST runs mean nothing (docs/floors.md).
_LEAST_MARGIN: Mapping[Metric, float] = {"accuracy": 0.003, "mse": 1.0, "pixel_mse": 1.0}
# An untrained network guesses: one class in ten.  Three times that is not a guess any more.
_GUESSING = 0.3
# The commonest of ten classes is at most 11.35 % of a test split (the ones of MNIST's).
_BEYOND_A_GUESS = 0.12
# Predicting the mean is the guess of a regression; a tenth of the variance is the least to explain.
_GUESSING_MSE = 0.9


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a quality is held to.

    floor: the least accuracy, or the most MSE, that passes; infinitely far off where the data
        have none.
    bound: the other side: nobody trains better than this without a leak or a cheat.
    """

    metric: Metric
    floor: float
    bound: float

    def quality(self, value: float, untrained: float) -> Quality:
        """A quality, held to these bounds."""
        reason = self.reason(value, untrained)
        return Quality(
            metric=self.metric,
            value=finite(value),
            untrained=finite(untrained),
            floor=finite(self.floor),
            bound=finite(self.bound),
            ok=reason is None,
            reason=reason,
        )

    def reason(self, quality: float, untrained: float) -> str | None:
        """What is wrong with a quality, or None.

        quality: on the test split after training; untrained: before the first step.
        """
        accuracy = self.metric not in ERRORS
        if not math.isfinite(quality):
            return f"the {self.metric} is {quality}: the training diverged"
        if quality < self.floor if accuracy else quality > self.floor:
            side = "below" if accuracy else "above"
            return f"{self.show(quality)} is {side} its floor of {self.show(self.floor)}"
        if quality > self.bound if accuracy else quality < self.bound:
            return (
                f"{self.show(quality)} is too good to be true (bound {self.show(self.bound)}): "
                "look for test images among the training images"
            )
        if accuracy and untrained > _GUESSING:
            return (
                f"the network scored {self.show(untrained)} before its first step: "
                "it was not built anew, or the labels give themselves away"
            )
        return None

    def show(self, value: float) -> str:
        """The value with its unit, as the table prints it."""
        unit = ERRORS.get(self.metric)
        return f"{value:,.1f} {unit}" if unit else f"{100 * value:.2f} %"


def none(metric: Metric) -> Bounds:
    """For data that nothing is known of: a quality is shown, and only has to be a number."""
    far_off = (math.inf, -math.inf) if metric in ERRORS else (-math.inf, math.inf)
    return Bounds(metric, *far_off)


@dataclass(frozen=True, slots=True)
class Reached:
    """One row of the evidence: what one seed reached.

    mean_predictor: the MSE of predicting the mean on the same test split; 0 for an accuracy.
    """

    workload: str
    data: str
    profile: ProfileName
    seed: int
    quality: float
    mean_predictor: float


def read_evidence(path: Path = EVIDENCE) -> list[Reached]:
    """Every row of the evidence."""
    with path.open(encoding="utf-8", newline="") as file:
        return msgspec.convert(list(csv.DictReader(file)), list[Reached], strict=False)


def bounds(
    workload: Workload,
    data: str,
    profile: ProfileName,
    baselines: Mapping[str, float],
    evidence: list[Reached],
) -> Bounds:
    """The bounds of a workload on a kind of data (`real`, `synthetic`) at a profile.

    baselines: the data set's own, for an MSE: `mean_predictor_mse` and `best_possible_mse`.

    Raises:
        LookupError: the evidence has fewer than five seeds for it.
    """
    if workload.metric in ERRORS:
        rows = _rows(evidence, workload, "synthetic", profile)
        return _mse_bounds(workload.metric, data, baselines, rows)
    values = [row.quality for row in _rows(evidence, workload, data, profile)]
    margin = _margin(values, workload.metric)
    floor = min(values) - margin
    if min(values) > _BEYOND_A_GUESS:
        floor = max(floor, _BEYOND_A_GUESS)  # every seed learned, so a guess must not pass
    if workload.published is not None and (data, profile) == ("real", "full"):
        floor = workload.published
    best = max(values)
    return Bounds("accuracy", floor, min(best + margin, (1 + best) / 2))


def bounds_or_none(
    workload: Workload,
    data: str,
    profile: ProfileName,
    baselines: Mapping[str, float],
    evidence: list[Reached],
) -> Bounds:
    """The same; where the evidence does not reach, what the sources published, or no floor."""
    try:
        return bounds(workload, data, profile, baselines, evidence)
    except LookupError:
        best = baselines.get("best_possible_accuracy", math.inf)
        unheld = none(workload.metric)
        if workload.metric not in ERRORS:
            unheld = replace(unheld, bound=best)
        if workload.published is None or (data, profile) != ("real", "full"):
            return unheld
        return replace(unheld, floor=workload.published)


def _mse_bounds(
    metric: Metric, data: str, baselines: Mapping[str, float], rows: list[Reached]
) -> Bounds:
    """For an MSE the evidence is read relative to predicting the mean, which any data set has.

    No public photographs exist to gather evidence on.  Real ones are held to the generator's
    relative floor where that is the weaker, and otherwise to beating the mean predictor.
    """
    values, mean_predictor = [row.quality for row in rows], rows[0].mean_predictor
    relative = (max(values) + _margin(values, metric)) / mean_predictor
    if max(values) < mean_predictor:
        relative = min(relative, _GUESSING_MSE)  # every seed learned, so a guess must not pass
    if data == "real":
        relative = max(relative, 1.0)
    floor = relative * baselines["mean_predictor_mse"]
    return Bounds(metric, floor, baselines["best_possible_mse"])


def _rows(
    evidence: list[Reached], workload: Workload, data: str, profile: ProfileName
) -> list[Reached]:
    wanted = (workload.learns_like or workload.name, data, profile)
    rows = [row for row in evidence if (row.workload, row.data, row.profile) == wanted]
    if len(rows) < SEEDS_NEEDED:
        raise LookupError(
            f"{EVIDENCE.name} has {len(rows)} seeds for {' '.join(wanted)}, and a floor takes "
            f"{SEEDS_NEEDED}; run `{COMMAND} evidence`"
        )
    return rows


def _margin(values: list[float], metric: Metric) -> float:
    return max(_DEVIATIONS * statistics.stdev(values), _LEAST_MARGIN[metric])


# ---- a model of one's own

# How Keras names the errors that a constant guess is known for, in short and in full.
_GUESSES = {
    "val_mse": "mean_predictor_mse",
    "val_mean_squared_error": "mean_predictor_mse",
    "val_mae": "mean_predictor_mae",
    "val_mean_absolute_error": "mean_predictor_mae",
}


@dataclass(frozen=True, slots=True)
class OwnFloors:
    """What a model of one's own is held to: the floors of its file, which may be none."""

    floors: tuple[Floor, ...]

    def quality(
        self,
        metric: str,
        value: float,
        untrained: float,
        others: Mapping[str, float],
        baselines: Mapping[str, float],
    ) -> Quality:
        """What was measured, held to the floors.

        others: the metrics besides the one that the table has.
        baselines: what a constant guess reaches (bench.worker.own.data).
        """
        reason = self._reason({metric: value, **others})
        floor = next((each for each in self.floors if each.metric == metric), None)
        return Quality(
            metric=metric,
            value=finite(value),
            untrained=finite(untrained),
            floor=floor.value if floor else None,
            bound=None,
            ok=reason is None,
            reason=reason,
            at_most=floor.at_most if floor else None,
            guess=baselines.get(_constant(metric)),
            others={name: finite(each) for name, each in others.items()},
        )

    def _reason(self, metrics: Mapping[str, float]) -> str | None:
        for name, value in metrics.items():
            if name.endswith("loss") and not math.isfinite(value):
                return f"the {name} is {value}: the training diverged"
        for floor in self.floors:
            value = metrics[floor.metric]
            if not floor.passes(value):
                side = "above" if floor.at_most else "below"
                reached, held = (_shown(floor.metric, each) for each in (value, floor.value))
                return f"{floor.metric} {reached} is {side} its floor of {held}"
        return None


def _constant(metric: str) -> str:
    """The constant guess that a metric is held beside."""
    return "most_frequent_class_accuracy" if is_accuracy(metric) else _GUESSES.get(metric, "")


def _shown(metric: str, value: float) -> str:
    return f"{100 * value:.2f} %" if is_accuracy(metric) else f"{value:.4g}"
