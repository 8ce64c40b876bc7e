"""Real trainings to a target: several seeds in one worker, each as if it had one of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.record.model import TimeToTarget
from tests.training.command import Command, Ended
from tests.training.in_worker import answer

Trained = tuple[Command, Ended, Path]

_WHERE = ("bench/test_target.py",)


@pytest.fixture(scope="module")
def trained(module_command: Command, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    rounds = tmp_path_factory.mktemp("rounds") / "rounds.json"
    options = ("--time-to-target", "-k", "mlp", "--device=cpu", "--mode=tuned")
    two = ("-p", "tests.training.two_seeds")
    ended = module_command.run(*options, *two, f"--benchmark-json={rounds}", where=_WHERE)
    return module_command, ended, rounds


def _result(trained: Trained) -> TimeToTarget:
    (result,) = trained[0].record().time_to_target
    assert isinstance(result, TimeToTarget)
    return result


def test_every_seed_reaches_its_target(trained: Trained) -> None:
    command, ended, _ = trained
    assert ended.status == 0, ended.output
    record, result = command.record(), _result(trained)
    assert record.results == ()
    assert record.settings.time_to_target
    assert result.mode == "tuned"
    assert result.quality.ok
    assert result.quality.untrained is not None
    assert result.quality.untrained < 0.3
    assert [trial.seed for trial in result.trials] == [1, 2]
    assert len({trial.loss[0] for trial in result.trials}) == 2
    (target,) = result.targets
    for trial, epochs, seconds in zip(result.trials, target.epochs, target.seconds, strict=True):
        # It ends with the epoch that reaches the target, and the clock is that of its epochs.
        reached = [(quality or 0) >= target.target for quality in trial.quality]
        assert reached == [False] * ((epochs or 0) - 1) + [True]
        assert seconds == pytest.approx(sum(trial.seconds))


def test_the_table_has_a_row_for_it(trained: Trained) -> None:
    text = " ".join(" ".join(trained[1].table()).split())
    assert re.search(r"mlp ≥ \d\d\.\d\d % 2/2 ", text)
    assert "PASSED 1 of 1" in text


def test_pytest_benchmark_has_the_seeds_for_its_rounds(trained: Trained) -> None:
    _, _, rounds = trained
    (made,) = json.loads(rounds.read_text(encoding="utf-8"))["benchmarks"]
    assert made["group"] == "mlp to target"
    assert made["stats"]["data"] == pytest.approx(list(_result(trained).targets[0].seconds))
    assert made["extra_info"]["mode"] == "tuned"


def test_without_the_option_no_target_is_collected(command: Command) -> None:
    ended = command.run("--collect-only", "-q")
    assert "test_time_to_target" not in ended.output
    ended = command.run("--collect-only", "-q", "--time-to-target", "--processes=3")
    items = [line for line in ended.output.splitlines() if "test_time_to_target" in line]
    assert len(items) == 2


# A network with dropout, one batch an epoch, so that the order of the images is nothing: seed 2
# behind seed 1 and a warm-up must learn what it learns alone, or what was there before it is not
# forgotten.
_TWICE = """
import json
import keras
import numpy as np
import tensorflow as tf

from bench.worker import network, stock, training, tuned
from bench.worker.task import Arrays, Task
from bench.workloads import WORKLOADS

workload = WORKLOADS["cnn_simple"]
draw = np.random.default_rng(7)
data = Arrays(draw.random((200, 28, 28, 1), dtype=np.float32), draw.integers(0, 10, 200))

def fresh(seed):
    keras.utils.set_random_seed(seed)
    return network.state(network.compiled(keras, workload))

def learned(mode, seeds):
    keras.utils.set_random_seed(1)
    model = network.compiled(keras, workload)
    task = Task(workload, data, 4, 1, lambda: None, lambda *_: None)
    trainer = tuned.Tuned(tf, keras, model, task) if mode == "tuned" else stock.Stock(keras, model)
    losses = {seed: [] for seed in seeds}
    judged = lambda seed, epoch, quality: losses[seed].append(epoch.loss)
    training.train_to_target(trainer, task, 2.0, seeds, fresh, lambda model: 0.5, judged)
    if mode == "tuned":
        traced.append(trainer._epoch.experimental_get_tracing_count())
    return losses[2]

traced = []
both = {mode: [learned(mode, (1, 2)), learned(mode, (2,))] for mode in ("stock", "tuned")}
print(json.dumps({**both, "traced": traced}))
"""


@pytest.fixture(scope="module")
def twice(worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return answer(worker_python, _TWICE, home=tmp_path_factory.mktemp("twice"))


@pytest.mark.parametrize("mode", ["stock", "tuned"])
def test_a_seed_behind_another_learns_what_it_would_alone(twice: Any, mode: str) -> None:
    behind, alone = twice[mode]
    assert len(alone) == 4
    assert alone[-1] < alone[0]
    assert behind == pytest.approx(alone, rel=1e-3)


def test_what_the_warm_up_compiled_is_not_compiled_again(twice: Any) -> None:
    assert twice["traced"] == [1, 1]
