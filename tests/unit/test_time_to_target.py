"""Time to target: what is counted, what is kept of it, and how the worker gets there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets.dataset import Dataset, Split
from bench.datasets.prepared import Prepared
from bench.judge.floors import Bounds
from bench.judge.rerun import row_command
from bench.record import codec
from bench.record.head import Device
from bench.record.measured import Measured, known, unknown
from bench.record.model import Target, TimeToTarget
from bench.record.repeats import ALONE
from bench.record.timing import EpochTiming
from bench.record.variant import STOCK, Way
from bench.runner import time_to_target
from bench.runner.result import DeviceRun
from bench.runner.row import Row
from bench.runner.supervisor import Outcome
from bench.runner.time_to_target import TARGETED, Goal
from bench.worker import messages
from bench.worker.task import Arrays, Ended, Task
from bench.worker.training import train_to_target
from bench.workloads import WORKLOADS
from bench.workloads.workload import PROFILES
from tests.support.records import CPU, H100, record, write

CONVNET, POST = WORKLOADS["convnet"], WORKLOADS["post"]
_REACHED = ((0.97, 0.985, 0.991), (0.981, 0.99))
_NONE_REACHED = ((0.97, 0.98), (0.97, 0.975))
_PINNED = messages.Pinned(1, False, True, "float32", False, 2)

Qualities = Sequence[Sequence[float]]


def _done(
    qualities: Qualities = _REACHED,
    *,
    workload: str = "convnet",
    device: Device = CPU,
    targets: tuple[float, ...] = (0.98, 0.99),
    untrained: float = 0.1,
    joules: Callable[[Any], Measured[float]] | None = None,
) -> TimeToTarget:
    """A finished training to targets: each seed's qualities, by epoch of 2 s each."""
    run = DeviceRun(device)
    for seed, reached in enumerate(qualities, start=1):
        for number, quality in enumerate(reached, start=1):
            epoch = EpochTiming(number, 0.0, 2.0, 60_000, 0.5, seed=seed, quality=quality)
            run.epochs.append(epoch)
    ready = messages.Ready("3.11", "/python", "3.15", "2.4", "CPU", 1, _PINNED, tensorflow="2.21.0")
    end = messages.Quality(qualities[-1][-1], untrained, None)
    run.outcome = Outcome(ready, messages.Model(9, "5f" * 32), end, None)
    if joules:
        run.gpu = _Monitor(joules)  # type: ignore[assignment]
    split = Split(np.zeros((3, 2, 2, 1), np.uint8), np.zeros(3, np.int64))
    data = Dataset("mnist", "synthetic", "generated", split, split)
    bound = 0.997 if WORKLOADS[workload].metric == "accuracy" else 10.9
    goal = Goal(targets, bound, 15, tuple(range(1, len(qualities) + 1)))
    prepared = Prepared(data, {}, data.sha256())
    return time_to_target.finished(Row(WORKLOADS[workload], device), ALONE, prepared, goal, run)


class _Monitor:
    """A GPU that is watched for its energy alone."""

    def __init__(self, joules: Callable[[Any], Measured[float]]) -> None:
        self.energy_on_the_clock = joules

    def result(self, _: object) -> None:
        return None


# ---- what is counted


@pytest.mark.parametrize(
    ("qualities", "easy", "hard"),
    [
        (_REACHED, ((2, 1), (4.0, 2.0), 3.0), ((3, 2), (6.0, 4.0), 5.0)),
        # Where one seed does not reach it there is no median.
        (((0.97, 0.985), (0.981, 0.99)), ((2, 1), (4.0, 2.0), 3.0), ((None, 2), (None, 4.0), None)),
    ],
)
def test_a_target_takes_the_epochs_up_to_the_first_that_reaches_it(
    qualities: Qualities, easy: Any, hard: Any
) -> None:
    def counted(target: Target) -> tuple[Any, ...]:
        return target.epochs, target.seconds, target.median_seconds

    result = _done(qualities)
    assert [target.target for target in result.targets] == [0.98, 0.99]
    assert [counted(target) for target in result.targets] == [easy, hard]


def test_an_mse_reaches_its_target_from_above() -> None:
    result = _done(((150.0, 88.0), (89.9,)), workload="post", targets=(90.0,))
    assert result.targets[0].epochs == (2, 1)
    assert result.quality.ok


def test_energy_is_that_of_the_epochs_to_each_target() -> None:
    def joules(epochs: Sequence[EpochTiming]) -> Measured[float]:
        return known(100.0 * len(epochs)) if len(epochs) > 1 else unknown("too short")

    easy, hard = _done(device=H100, joules=joules).targets
    assert easy.joules == (known(200.0), unknown("too short"))
    assert hard.joules == (known(300.0), known(200.0))
    assert _done(((0.97,),)).targets[0].joules == (None,)


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


def test_the_seeds_after_the_largest_begin_at_zero() -> None:
    assert time_to_target.seeds(2**32 - 2) == (2**32 - 2, 2**32 - 1, 0, 1, 2)


# ---- whether it counts


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (
            {"qualities": _NONE_REACHED},
            (
                "1 of 2 seeds did not reach 98.00 % within 15 epochs; "
                "2 of 2 seeds did not reach 99.00 % within 15 epochs"
            ),
        ),
        ({"qualities": ((float("nan"),), (0.97,))}, "2 of 2 seeds did not reach 98.00 %"),
        ({"qualities": ((0.999,), (0.99,))}, "too good to be true"),
        ({"untrained": 0.9}, "before its first step"),
    ],
)
def test_what_is_wrong_is_told_and_below_the_floor(how: Any, reason: str) -> None:
    result = _done(**how)
    assert reason in str(result.quality.reason)
    assert not result.quality.ok
    assert result.verdict is not None
    assert result.verdict.word == "BELOW-FLOOR"


def test_every_epoch_of_every_seed_is_recorded(tmp_path: Path) -> None:
    result = _done(((0.97, float("nan")), (0.981, 0.99)))
    (read,) = codec.read(write(tmp_path, "x", record([], [result]))).time_to_target
    assert read == result
    assert [trial.seed for trial in result.trials] == [1, 2]
    assert result.trials[0].quality == (0.97, None)
    assert result.trials[1].seconds == (2.0, 2.0)
    assert result.max_epochs == 15


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("mlp", "cpu", STOCK), "pytest bench/ -k mlp --device cpu"),
        (("mlp", "gpu:0", Way("tuned")), "pytest bench/ -k mlp --device gpu:0 --mode tuned"),
        (("mlp", "all", STOCK), "pytest bench/ -k mlp --device all"),
        (
            ("post_files_data_dir", "cpu", STOCK),
            "pytest bench/ -k post_files_data_dir --input data-dir --device cpu",
        ),
    ],
)
def test_a_row_is_trained_again_by_the_command_that_trained_it(
    row: tuple[str, str, Way], told: str
) -> None:
    assert row_command(*row) == told


# ---- in the worker, with a network that only pretends


class Pretended:
    """Trains nothing: its quality rises by a tenth an epoch, from what its weights say."""

    def __init__(self) -> None:
        self.model = self
        self.variables = [self]
        self.quality = 0.0
        self.stop_training = False
        self.did: list[str] = []
        self.labels: list[Any] = []

    def assign(self, weight: float) -> None:
        self.quality = weight
        self.did.append(f"weights {weight}")

    def reset_optimizer(self) -> None:
        self.did.append("reset")

    def train(self, task: Task) -> None:
        self.labels.append(task.data.y)
        self.stop_training = False
        for number in range(1, task.epochs + 1):
            self.quality += 0.1
            self.did.append(f"epoch {number} of {task.epochs} from {task.seed}")
            task.epoch_end(Ended(number, 0.0, 1.0, 0.5), self)
            if self.stop_training:
                break


def _trained(goal: float, seeds: tuple[int, ...] = (1, 2)) -> tuple[Pretended, list[Any], float]:
    pretended, told = Pretended(), []
    data = Arrays(np.zeros((50, 2)), np.arange(50))
    task = Task(CONVNET, data, 4, 7, lambda: None, lambda *_: None)
    untrained = train_to_target(
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
    assert [(seed, epoch.number, quality) for seed, epoch, quality in told] == [
        (1, 1, 0.2),
        (1, 2, 0.3),
        (1, 3, 0.4),
        (2, 1, 0.3),
        (2, 2, 0.4),
    ]
    begun = pretended.did.index("weights 0.2")
    assert pretended.did[begun : begun + 3] == ["weights 0.2", "reset", "epoch 1 of 4 from 2"]


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
    assert (told[0][0], told[0][1].number) == (1, 1)
