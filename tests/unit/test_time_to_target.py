"""Time to target: what is counted, and what is kept of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.judge import rerun
from bench.judge.floors import Bounds
from bench.record.bridge import telemetry as old_telemetry
from bench.record.measured import Measured, known, unknown
from bench.record.timing import EpochTiming
from bench.runner import time_to_target
from bench.runner.time_to_target import TARGETED
from bench.worker.arrays import Arrays
from bench.worker.task import Task
from bench.worker.time_to_target import train
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import PROFILES
from tests.record_schema import validate
from tests.unit.entries import CPU, H100, failed, to_target
from tests.unit.records import document
from tests.unit.test_telemetry import Bench

CONVNET, POST = WORKLOADS["convnet"], WORKLOADS["post"]
_NONE_REACHED = ((0.97, 0.98), (0.97, 0.975))


def _summaries(**figures: Any) -> list[dict[str, Any]]:
    summaries: list[dict[str, Any]] = to_target(**figures).entry()["targets"]
    return summaries


# ---- what is counted


def test_a_target_takes_the_epochs_up_to_the_first_that_reaches_it() -> None:
    easy, hard = _summaries(seconds=2.0)
    assert (easy["target"], easy["epochs"], easy["seconds"]) == (0.98, [2, 1], [4.0, 2.0])
    assert (hard["target"], hard["epochs"], hard["seconds"]) == (0.99, [3, 2], [6.0, 4.0])
    assert hard["median_seconds"] == 5.0


def test_where_one_seed_does_not_reach_it_there_is_no_median() -> None:
    easy, hard = _summaries(qualities=((0.97, 0.985), (0.981, 0.99)))
    assert easy["median_seconds"] == 3.0
    assert (hard["epochs"], hard["seconds"]) == ([None, 2], [None, 4.0])
    assert hard["joules"][0] is None
    assert hard["median_seconds"] is None


def test_an_mse_reaches_its_target_from_above() -> None:
    (floor,) = _summaries(workload="post", qualities=((150.0, 88.0), (89.9,)), targets=(90.0,))
    assert floor["epochs"] == [2, 1]


def test_energy_is_that_of_the_epochs_to_each_target() -> None:
    def joules(epochs: Any) -> Measured[float]:
        return known(100.0 * len(epochs)) if len(epochs) > 1 else unknown("too short")

    easy, hard = _summaries(joules=joules)
    assert easy["joules"] == [
        {"value": 200.0, "why": None},
        {"value": None, "why": "too short"},
    ]
    assert [each["value"] for each in hard["joules"]] == [300.0, 200.0]


def test_the_rounds_are_the_seconds_of_each_seed_that_reached_the_last_target() -> None:
    assert to_target(qualities=((0.97, 0.985), (0.981, 0.99))).seconds == [4.0]


# ---- what is asked for


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_mnist_goes_to_98_and_99_percent(profile: Any) -> None:
    assert time_to_target.targets(CONVNET, profile, Bounds("accuracy", 0.97, 1.0)) == (0.98, 0.99)


def test_at_smoke_and_for_grind_it_goes_to_the_floor() -> None:
    assert time_to_target.targets(CONVNET, "smoke", Bounds("accuracy", 0.9, 1.0)) == (0.9,)
    assert time_to_target.targets(POST, "full", Bounds("mse", 130.0, 11.0)) == (130.0,)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_seed_has_as_many_epochs_as_were_published_on_the_profiles_images(profile: Any) -> None:
    for workload in TARGETED:
        schedule = time_to_target.schedule(workload, profile)
        assert schedule.epochs == workload.schedules["full"].epochs
        assert schedule.train == workload.schedules[profile].train


# ---- whether it counts


def test_all_is_well_when_every_seed_reached_every_target() -> None:
    assert to_target().miss is None
    to_target().must_reach_targets()


def test_what_was_not_reached_fails_with_how_many_seeds_and_which_target() -> None:
    done = to_target(qualities=_NONE_REACHED)
    assert done.miss == (
        "1 of 2 seeds did not reach 98.00 % within 15 epochs; "
        "2 of 2 seeds did not reach 99.00 % within 15 epochs"
    )
    with pytest.raises(pytest.fail.Exception, match="convnet on cpu, to target: 1 of 2 seeds"):
        done.must_reach_targets()
    assert done.entry()["verdict"]["word"] == "BELOW-FLOOR"


def test_a_network_that_diverges_reaches_nothing() -> None:
    assert "2 seeds did not reach" in str(to_target(qualities=((float("nan"),), (0.97,))).miss)


def test_what_is_too_good_to_be_true_fails() -> None:
    assert "too good to be true" in str(to_target(qualities=((0.999,), (0.99,))).miss)
    assert "before its first step" in str(to_target(untrained=0.9).miss)


# ---- the record


@pytest.mark.parametrize(
    "done",
    [
        to_target(),
        to_target(qualities=_NONE_REACHED),
        to_target("post", H100, qualities=((88.0,),), targets=(90.0,), mode="tuned"),
        to_target(device=H100, telemetry=old_telemetry(Bench("hopper").result())),
    ],
)
def test_a_training_to_a_target_is_in_the_record_as_the_schema_has_it(
    done: time_to_target.ToTarget,
) -> None:
    validate(document([], to_target=[done.entry()]))


def test_one_that_failed_is_in_the_record_without_figures() -> None:
    validate(document([], to_target=[failed("convnet", CPU, "killed")]))


def test_every_epoch_of_every_seed_is_kept() -> None:
    entry = to_target().entry()
    assert [trial["seed"] for trial in entry["trials"]] == [1, 2]
    assert entry["trials"][0]["quality"] == [0.97, 0.985, 0.991]
    assert entry["trials"][1]["seconds"] == [2.0, 2.0]
    assert entry["most_epochs"] == 15


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("mlp", "cpu", "stock"), "pytest bench/ -k mlp --device cpu"),
        (("mlp", "gpu:0", "tuned"), "pytest bench/ -k mlp --device gpu:0 --mode tuned"),
        (("mlp", "gpu:1 of all", "stock"), "pytest bench/ -k mlp --device all"),
        (
            ("post_files_data_dir", "cpu", "stock"),
            "pytest bench/ -k post_files_data_dir --input data-dir --device cpu",
        ),
    ],
)
def test_a_row_is_trained_again_by_the_command_that_trained_it(
    row: tuple[str, str, str], told: str
) -> None:
    assert rerun.command(*row) == told


# ---- in the worker, with a network that only pretends


class Pretended:
    """Trains nothing: its quality rises by a tenth an epoch, from what its weights say."""

    def __init__(self) -> None:
        self.model = self
        self.quality = 0.0
        self.stop_training = False
        self.did: list[str] = []
        self.labels: list[Any] = []

    def set_weights(self, weights: list[float]) -> None:
        (self.quality,) = weights
        self.did.append(f"weights {weights[0]}")

    def forget(self) -> None:
        self.did.append("forget")

    def train(self, task: Task) -> None:
        self.labels.append(task.data.y)
        self.stop_training = False
        for number in range(1, task.epochs + 1):
            self.quality += 0.1
            self.did.append(f"epoch {number} of {task.epochs} from {task.seed}")
            task.epoch_end(number, 0.0, 1.0, 0.5, self)
            if self.stop_training:
                break


def _trained(goal: float, seeds: tuple[int, ...] = (1, 2)) -> tuple[Pretended, list[Any], float]:
    pretended, told = Pretended(), []
    data = Arrays(np.zeros((50, 2)), np.arange(50))
    task = Task(CONVNET, data, 4, 7, lambda: None, lambda *_, **__: None)
    untrained = train(
        pretended,
        task,
        goal,
        seeds,
        lambda seed: [0.1 * seed],
        lambda model: round(model.quality, 3),
        lambda *epoch: told.append(epoch),
    )
    return pretended, told, untrained


def test_every_seed_begins_at_fresh_weights_with_a_fresh_optimizer_and_stops_at_its_target() -> (
    None
):
    pretended, told, untrained = _trained(0.4)
    assert untrained == 0.1
    assert [(seed, number, quality) for seed, number, *_, quality in told] == [
        (1, 1, 0.2),
        (1, 2, 0.3),
        (1, 3, 0.4),
        (2, 1, 0.3),
        (2, 2, 0.4),
    ]
    begun = pretended.did.index("weights 0.2")
    assert pretended.did[begun : begun + 3] == ["weights 0.2", "forget", "epoch 1 of 4 from 2"]


def test_a_seed_that_does_not_reach_its_target_ends_with_the_epochs() -> None:
    _, told, _ = _trained(0.99)
    assert [seed for seed, *_ in told] == [1] * 4 + [2] * 4


def test_the_warm_up_has_every_label_once_but_not_where_it_belongs_and_tells_nobody() -> None:
    pretended, told, _ = _trained(0.4)
    warm_up, *trained = pretended.labels
    assert sorted(warm_up) == list(range(50))
    assert (warm_up != np.arange(50)).mean() > 0.8
    for labels in trained:
        assert (labels == np.arange(50)).all()
    assert pretended.did[0] == "epoch 1 of 1 from 7"
    assert told[0][:2] == (1, 1)


def test_a_trial_remembers_its_epochs_in_order() -> None:
    trial = time_to_target.Trial(3)
    for number in (1, 2):
        trial.add(EpochTiming(number, 10.0, 10.0 + number, 100, 1.0 / number), 0.4 * number)
    assert trial.kept() == {
        "seed": 3,
        "seconds": [1.0, 2.0],
        "loss": [1.0, 0.5],
        "quality": [0.4, 0.8],
    }
