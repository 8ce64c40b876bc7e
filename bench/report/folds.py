"""Several folds of one network as one figure: mean and standard deviation between them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from bench.record.model import Finished, Result
from bench.record.variant import Design, Way
from bench.report import format as shown
from bench.report import rows
from bench.workloads.design import FOLDS


def lines(results: Sequence[Result]) -> Iterator[str]:
    """`post on cpu: MSE 142.1 ± 18.2 s² over 5 of 10 folds …; the mean predictor 230.4 ± …`."""
    every: dict[tuple[str, str, Way], dict[int, Finished]] = {}
    for each in rows.finished(results):
        design = each.variant.design if each.variant else None
        if design is None or design.fold is None:
            continue
        trained = f"{each.workload} on {each.device.id}"
        every.setdefault((trained, each.side or "", _apart_from_fold(each)), {})[design.fold] = each
    for (trained, _, way), by_fold in every.items():
        if len(by_fold) > 1:
            yield f"{trained}{way.suffix}: {_told([by_fold[fold] for fold in sorted(by_fold)])}"


def _apart_from_fold(result: Finished) -> Way:
    """The way it was trained, whichever fold was tested on."""
    way = result.way
    assert way.variant.design is not None
    design = replace(way.variant.design, fold=None)
    return Way(way.mode, replace(way.variant, design=None if design == Design() else design))


def _told(folds: Sequence[Finished]) -> str:
    metric = folds[0].quality.metric
    known = [each.quality.value for each in folds if each.quality.value is not None]
    diverged = len(folds) - len(known)
    guesses = [each.dataset.baselines.get("mean_predictor_mse") for each in folds]
    told = f"MSE {_mean(metric, known)} over {len(known)} of {FOLDS} folds, by shot"
    told += f"; {diverged} more diverged" if diverged else ""
    of_guess = [each for each in guesses if each is not None]
    if of_guess:
        told += f"; predicting the mean {_mean(metric, of_guess)}"
    return f"{told} (mean ± standard deviation between folds)"


def _mean(metric: str, values: Sequence[float]) -> str:
    """`142.1 ± 18.2 s²`."""
    if not values:
        return "n/a"
    middle = statistics.mean(values)
    if len(values) < 2:
        return shown.quality(metric, middle)
    return f"{shown.squares(middle)} ± {shown.quality(metric, statistics.stdev(values))}"
