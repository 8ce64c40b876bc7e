"""One job from TensorFlow's import to the quality of what was trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.worker import devices, files, network, stock, tuned
from bench.worker import time_to_target as to_target
from bench.worker.messages import (
    EVALUATION,
    WARM_UP,
    Epoch,
    Job,
    Message,
    Model,
    Phase,
    Quality,
    Rate,
)
from bench.worker.task import Arrays, EpochEnd, Evaluation, Task, Trainer
from bench.workloads.registry import EVERY
from bench.workloads.workload import Workload

Say = Callable[[Message], None]


def train(job: Job, say: Say, wait: Callable[[], object] = lambda: None) -> None:
    """Trains, and says what comes of it.

    wait: returns once the parent has said to go on.
    """
    workload = EVERY[job.workload]
    say(Phase("TensorFlow's import"))
    import keras
    import tensorflow as tf

    ready = devices.ready(tf, keras, job)
    keras.utils.set_random_seed(job.seed)
    say(ready)

    say(Phase("data loading"))
    data = Arrays.load(job.data["train"], workload)
    evaluate = Evaluation(workload, Arrays.load(job.data["test"], workload))
    with devices.scope(tf, job.replicas):
        model = network.compiled(keras, workload)
    say(Model(**network.described(model, workload)))
    flop = network.flop_per_image(model)

    say(Phase("epoch 1"))
    epoch_end = _epoch_end(job, len(data.y), evaluate, say, wait)
    synchronise = tf.test.experimental.sync_devices
    task = Task(workload, data, job.epochs, job.seed, synchronise, epoch_end)
    model, untrained = _trained(tf, keras, model, job, task, evaluate, say)

    say(Phase(EVALUATION))
    value = evaluate(model)
    if untrained is None:
        untrained = _untrained(keras, workload, job.seed, evaluate)
    quality = Quality(value, untrained, devices.memory_peak(tf))
    say(Phase("peak matmul throughput"))
    say(Rate(flop, devices.peak_throughput(tf)))
    say(quality)


def _trained(
    tf: Any, keras: Any, model: Any, job: Job, task: Task, evaluate: Evaluation, say: Say
) -> tuple[Any, float | None]:
    """The model after training; with a target, its quality before the first step, too."""
    if task.workload.input:
        paths = files.read_list(job.data["train"]["paths"])
        files.train(tf, model, task, paths, cold=task.workload.input != "memory")
        return model, None
    trainer: Trainer = (
        tuned.Tuned(tf, keras, model, task) if job.mode == "tuned" else stock.Stock(keras, model)
    )
    untrained = None
    if job.target is None:
        trainer.train(task)
    else:
        say(Phase(WARM_UP))
        untrained = _train_to_target(keras, trainer, task, job, evaluate, say)
    return trainer.model, untrained


def _train_to_target(
    keras: Any, trainer: Trainer, task: Task, job: Job, evaluate: Evaluation, say: Say
) -> float:
    """Trains from each of the job's seeds to its target; the quality before the first step."""
    assert job.target is not None

    def fresh(seed: int) -> list[Any]:
        keras.utils.set_random_seed(seed)
        weights: list[Any] = network.compiled(keras, task.workload).get_weights()
        return weights

    def judged(seed: int, number: int, begun: float, ended: float, loss: float, q: float) -> None:
        images = len(task.data.y)
        say(Epoch(number, begun, ended, images, loss, seed=seed, quality=q))

    return to_target.train(trainer, task, job.target, job.seeds, fresh, evaluate, judged)


def _epoch_end(
    job: Job, images: int, evaluate: Evaluation, say: Say, wait: Callable[[], object]
) -> EpochEnd:
    def epoch_end(
        number: int,
        begun: float,
        ended: float,
        loss: float,
        model: Any,
        *,
        waited: float | None = None,
        paused: float | None = None,
    ) -> None:
        quality = evaluate(model) if number in job.evaluate_after else None
        say(Epoch(number, begun, ended, images, loss, waited, paused, quality=quality))
        if number == 1 and job.wait:
            wait()

    return epoch_end


def _untrained(keras: Any, workload: Workload, seed: int, evaluate: Evaluation) -> float:
    """The quality before the first step.

    A second model from the same seed is the first one before it learned anything: it shows that
    the score was earned in this run, and by training.
    """
    keras.utils.set_random_seed(seed)
    return evaluate(network.compiled(keras, workload))
