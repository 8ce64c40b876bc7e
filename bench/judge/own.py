"""The quality of a model of one's own: its metrics, its floors, and a constant guess."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.record.measured import finite
from bench.record.quality import Quality
from bench.workloads.own import Floor, is_accuracy

# How Keras names the errors that a constant guess is known for, in short and in full.
_ERRORS = {
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
    return "most_frequent_class_accuracy" if is_accuracy(metric) else _ERRORS.get(metric, "")


def _shown(metric: str, value: float) -> str:
    return f"{100 * value:.2f} %" if is_accuracy(metric) else f"{value:.4g}"
