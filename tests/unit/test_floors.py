from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge import floors
from bench.judge.floors import Bounds, Reached, bounds, read_evidence
from bench.workloads import EVERY, ON_REQUEST, WORKLOADS
from bench.workloads.workload import PROFILES, Metric, ProfileName

MLP, POST = WORKLOADS["mlp"], WORKLOADS["post"]
ACCURACY = Bounds("accuracy", floor=0.975, bound=0.995)
MSE = Bounds("mse", floor=90.0, bound=10.9)
DRAWN = {"mean_predictor_mse": 137.0, "best_possible_mse": 10.9}

_TARGETS = [
    (name, data, profile)
    for name, workload in WORKLOADS.items()
    for data in (("real", "synthetic") if workload.dataset == "mnist" else ("synthetic",))
    for profile in PROFILES
]
# Of what is trained on request, as far as the evidence reaches: the rest has no floor.
_TARGETS += dict.fromkeys(
    (row.workload, row.data, row.profile) for row in read_evidence() if row.workload in ON_REQUEST
)


def reached(
    *qualities: float, workload: str = "mlp", data: str = "real", profile: ProfileName = "quick"
) -> list[Reached]:
    mean = 137.0 if workload == "post" else 0.0
    return [Reached(workload, data, profile, i, q, mean) for i, q in enumerate(qualities, start=1)]


# ---- a quality and its bounds


def test_between_floor_and_bound_nothing_is_wrong() -> None:
    for quality in (0.975, 0.98, 0.995):
        assert ACCURACY.reason(quality, untrained=0.1) is None
    for quality in (90.0, 50.0, 10.9):
        assert MSE.reason(quality, untrained=900.0) is None


def test_a_quality_has_its_bounds_and_no_number_that_json_has_not() -> None:
    passed = ACCURACY.quality(0.98, untrained=0.1)
    assert (passed.value, passed.floor, passed.bound, passed.ok) == (0.98, 0.975, 0.995, True)
    diverged = MSE.quality(math.nan, untrained=math.inf)
    assert (diverged.value, diverged.untrained, diverged.ok) == (None, None, False)
    assert "diverged" in str(diverged.reason)


def test_below_the_floor_is_told_with_both_figures() -> None:
    assert ACCURACY.reason(0.9749, 0.1) == "97.49 % is below its floor of 97.50 %"
    assert MSE.reason(90.1, 900.0) == "90.1 s² is above its floor of 90.0 s²"


def test_too_good_to_be_true_is_told_with_where_to_look() -> None:
    for verdict in (ACCURACY.reason(0.999, 0.1), MSE.reason(1.0, 900.0)):
        assert verdict is not None
        assert "too good to be true" in verdict
        assert "test images among the training images" in verdict


@pytest.mark.parametrize("quality", [math.nan, math.inf, -math.inf])
def test_a_diverged_training_passes_no_bounds(quality: float) -> None:
    for held in (ACCURACY, MSE):
        verdict = held.reason(quality, untrained=0.1)
        assert verdict is not None
        assert "diverged" in verdict


def test_a_network_that_is_good_before_its_first_step_was_not_built_anew() -> None:
    verdict = ACCURACY.reason(0.98, untrained=0.97)
    assert verdict is not None
    assert "97.00 % before its first step" in verdict
    assert ACCURACY.reason(0.98, untrained=0.2) is None


@given(st.floats(allow_nan=True), st.floats(0, 1))
def test_whatever_the_quality_there_is_a_verdict_and_it_is_one_line(
    quality: float, untrained: float
) -> None:
    for held in (ACCURACY, MSE):
        verdict = held.reason(quality, untrained)
        assert verdict is None or (verdict and "\n" not in verdict)


# ---- bounds from evidence


def test_an_accuracys_floor_lies_four_deviations_below_the_worst_seed() -> None:
    values = (0.95, 0.96, 0.97, 0.96, 0.955)
    held = bounds(MLP, "real", "quick", {}, reached(*values))
    assert held.floor == pytest.approx(0.95 - 4 * statistics.stdev(values))


def test_where_every_seed_learned_a_guess_does_not_pass() -> None:
    apart = (0.29, 0.30, 0.32, 0.40, 0.41)
    assert min(apart) - 4 * statistics.stdev(apart) < 0.1135  # MNIST's ones
    assert bounds(MLP, "real", "quick", {}, reached(*apart)).floor == 0.12
    assert bounds(MLP, "real", "quick", {}, reached(0.10, *apart[1:])).floor < 0.1


def test_seeds_that_agree_leave_a_margin_all_the_same() -> None:
    held = bounds(MLP, "real", "quick", {}, reached(*[0.95] * 5))
    assert held.floor == pytest.approx(0.947)
    assert held.bound == pytest.approx(0.953)


def test_the_bound_never_reaches_a_hundred_percent() -> None:
    held = bounds(MLP, "real", "quick", {}, reached(0.9, 0.95, 0.96, 0.97, 0.98))
    assert held.bound == pytest.approx(0.99)


def test_at_full_size_on_real_data_the_published_floor_holds() -> None:
    evidence = [
        *reached(*[0.99] * 5, profile="full"),
        *reached(*[0.99] * 5, profile="full", data="synthetic"),
    ]
    assert bounds(MLP, "real", "full", {}, evidence).floor == MLP.published
    assert bounds(MLP, "synthetic", "full", {}, evidence).floor == pytest.approx(0.987)


def test_an_mses_floor_is_read_relative_to_predicting_the_mean() -> None:
    evidence = reached(40.0, 44.0, 42.0, 41.0, 43.0, workload="post", data="synthetic")
    held = bounds(POST, "synthetic", "quick", DRAWN, evidence)
    margin = 4 * statistics.stdev([40.0, 44.0, 42.0, 41.0, 43.0])
    assert held.floor == pytest.approx(44.0 + margin)
    assert held.bound == 10.9
    twice = {"mean_predictor_mse": 274.0, "best_possible_mse": 20.0}
    assert bounds(POST, "synthetic", "quick", twice, evidence).floor == pytest.approx(
        2 * held.floor
    )


def test_photographs_have_to_beat_the_mean_predictor_and_no_more() -> None:
    evidence = reached(40.0, 44.0, 42.0, 41.0, 43.0, workload="post", data="synthetic")
    photographs = {"mean_predictor_mse": 194.5, "best_possible_mse": 10.9}
    held = bounds(POST, "real", "quick", photographs, evidence)
    assert held.floor == pytest.approx(194.5)
    assert held.reason(194.4, 900.0) is None
    assert held.reason(194.6, 900.0) is not None


@pytest.mark.parametrize("seeds", range(5))
def test_fewer_than_five_seeds_make_no_floor(seeds: int) -> None:
    with pytest.raises(LookupError, match=f"{seeds} seeds for mlp real quick.*bench evidence"):
        bounds(MLP, "real", "quick", {}, reached(*[0.95] * seeds))


def test_rows_of_another_profile_workload_or_kind_of_data_are_no_evidence() -> None:
    others = [
        *reached(*[0.95] * 5, profile="smoke"),
        *reached(*[0.95] * 5, data="synthetic"),
        *reached(*[0.95] * 5, workload="convnet"),
    ]
    with pytest.raises(LookupError, match="0 seeds"):
        bounds(MLP, "real", "quick", {}, others)


def test_evidence_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "evidence.csv"
    path.write_text(
        "workload,data,profile,seed,quality,mean_predictor\n"
        "mlp,real,quick,1,0.9798,0.0\npost,synthetic,full,2,41.25,137.018\n",
        encoding="utf-8",
    )
    assert read_evidence(path) == [
        Reached("mlp", "real", "quick", 1, 0.9798, 0.0),
        Reached("post", "synthetic", "full", 2, 41.25, 137.018),
    ]


# ---- the evidence that this repository ships


def _shipped_bounds(name: str, data: str, profile: ProfileName) -> tuple[Bounds, list[Reached]]:
    evidence = read_evidence()
    rows = [r for r in evidence if (r.workload, r.data, r.profile) == (name, data, profile)]
    baselines = {
        "mean_predictor_mse": rows[0].mean_predictor if rows else 137.0,
        "best_possible_mse": 0.0,
    }
    return bounds(EVERY[name], data, profile, baselines, evidence), rows


@pytest.mark.parametrize(("name", "data", "profile"), _TARGETS)
def test_every_seed_of_the_evidence_passes_the_bounds_that_follow_from_it(
    name: str, data: str, profile: ProfileName
) -> None:
    held, rows = _shipped_bounds(name, data, profile)
    assert len({row.seed for row in rows}) == len(rows) >= 5
    assert {row.seed: held.reason(row.quality, 0.1) for row in rows} == {
        row.seed: None for row in rows
    }


# At `smoke` grind's networks take six steps or fewer, and those teach them nothing; CIFAR-10's
# seeds are so far apart there that their floor is little above one class in ten.
@pytest.mark.parametrize(
    ("name", "data", "profile"),
    [t for t in _TARGETS if t[2] != "smoke" or EVERY[t[0]].dataset not in ("grind", "cifar10")],
)
def test_no_network_passes_by_guessing(name: str, data: str, profile: ProfileName) -> None:
    held, rows = _shipped_bounds(name, data, profile)
    guess = 0.2 if held.metric == "accuracy" else rows[0].mean_predictor
    assert held.reason(guess, 0.1) is not None


@pytest.mark.parametrize("name", [n for n, w in WORKLOADS.items() if w.published is not None])
def test_the_published_floor_is_met_by_every_seed(name: str) -> None:
    published = WORKLOADS[name].published
    assert published is not None
    rows = [
        row
        for row in read_evidence()
        if (row.workload, row.data, row.profile) == (name, "real", "full")
    ]
    assert len(rows) >= 5
    assert min(row.quality for row in rows) >= published


def test_the_evidence_names_no_workload_profile_or_kind_that_is_not_there() -> None:
    known = set(_TARGETS)  # those on request by construction, if such a workload is there
    strays = [row for row in read_evidence() if (row.workload, row.data, row.profile) not in known]
    assert strays == []


@pytest.mark.parametrize("profile", PROFILES)
def test_photographs_have_bounds_at_every_profile(profile: ProfileName) -> None:
    held = bounds(POST, "real", profile, DRAWN, read_evidence())
    assert held.floor >= DRAWN["mean_predictor_mse"]


def test_data_that_nothing_is_known_of_have_a_quality_and_no_floor() -> None:
    nothing = floors.none("accuracy")
    quality = nothing.quality(0.11, 0.1)
    assert (quality.floor, quality.bound, quality.ok, quality.value) == (None, None, True, 0.11)
    assert nothing.quality(1.0, 0.1).ok
    assert not nothing.quality(math.nan, 0.1).ok


@pytest.mark.parametrize("metric", ["mse", "pixel_mse"])
def test_an_error_without_a_floor_keeps_its_metric_and_passes_however_large(metric: Metric) -> None:
    quality = floors.none(metric).quality(1e9, math.inf)
    assert (quality.metric, quality.floor, quality.bound, quality.ok) == (metric, None, None, True)
    assert not floors.none(metric).quality(math.nan, 0.1).ok


def test_where_the_evidence_does_not_reach_the_published_floor_holds_or_none() -> None:
    few = reached(0.98, 0.98)
    held = [
        floors.bounds_or_none(MLP, *which, {}, few)
        for which in (("real", "full"), ("real", "quick"), ("synthetic", "full"))
    ]
    assert [each.floor for each in held] == [MLP.published, -math.inf, -math.inf]
    assert held[0].reason(0.97, 0.1) == "97.00 % is below its floor of 97.50 %"
