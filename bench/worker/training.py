"""One job from the backend's import to the quality of what was trained.

With a target it trains until the quality is reached, from several seeds, on one network that is
warmed up first.  The warm-up is an epoch on labels in a random order: it traces, compiles and tunes
all that the training will need, and nothing that it learns says anything about an image.  Then, for
every seed, the weights and what dropout draws from are made anew and the optimizer begins at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from bench.worker import backends, devices, files, inference, network, saving, stock, tuned
from bench.worker.backends.backend import Backend
from bench.worker.messages import (
    EVALUATION,
    WARM_UP,
    Epoch,
    Job,
    Model,
    Phase,
    Quality,
    Rate,
    Say,
    Warm,
)
from bench.worker.own.file import ModeError
from bench.worker.task import Arrays, Ended, EpochEnd, Evaluation, Task, Trainer
from bench.worker.watching import Watch


def train(job: Job, say: Say, wait: Callable[[], object] = lambda: None) -> None:
    """Trains, and says what comes of it.

    wait: returns once the parent has said to go on.
    """
    workload = network.workload_of(job)
    backend, _ = devices.start(job, say)
    keras, compiles = backend.keras, backend.compiles(job)

    say(Phase("data loading"))
    data = Arrays.load(job.data["train"], workload)
    evaluate = Evaluation(workload, Arrays.load(job.data["test"], workload))
    with backend.scope(job.replicas):
        length = job.epochs * -(-len(data.y) // workload.batch)
        model = network.compiled(keras, workload, xla=compiles, steps=job.steps, length=length)
    say(Model(**network.described(model, workload)))
    flop = network.flop_per_image(model)

    say(Phase("epoch 1"))
    on_training = Evaluation(workload, data) if job.judge_training else None
    tell_epoch = epoch_end(job, len(data.y), say, wait, evaluate, on_training)
    watch = Watch(job.frames, length, evaluate.test.x[:1], workload.watched) if job.frames else None
    task = Task(workload, data, job.epochs, job.seed, backend.synchronise, tell_epoch, watch)
    model, untrained, warm = _trained(backend, model, job, task, evaluate, say)

    say(Phase(EVALUATION))
    judge = [evaluate, on_training] if on_training else [evaluate]
    after = [each(model) for each in judge]
    before = _untrained(keras, job.seed, judge, xla=compiles) if untrained is None else [untrained]
    quality = _quality(before, after, devices.memory_peak(backend))
    saving.save(model, job.save, say)
    inference.tell(backend, model, job, lambda: evaluate.test.x, workload.batch, say)
    if warm:
        say(Phase("an epoch from files that memory holds"))
        say(warm())
    say(Phase("peak matmul throughput"))
    say(Rate(flop, devices.peak_throughput(backend)))
    say(quality)


def _trained(
    backend: Backend, model: Any, job: Job, task: Task, evaluate: Evaluation, say: Say
) -> tuple[Any, float | None, Callable[[], Warm] | None]:
    """The model after training; with a target, its quality before the first step, too.

    And, where it read files from a disk, what trains for an epoch more from the page cache.
    """
    keras = backend.keras
    if task.workload.input:
        pictures = files.read_list(job.data["train"]["paths"])
        cold = task.workload.input != "memory"
        tf = backends.tensorflow(backend)
        batches = files.train(tf, model, task, pictures, cold=cold)
        return model, None, partial(files.warm, model, batches, task) if cold else None
    if job.mode == "tuned" and (why := tuned.why_not(model)):
        raise ModeError(why)
    trainer: Trainer = (
        tuned.Tuned(backends.tensorflow(backend), keras, model, task)
        if job.mode == "tuned"
        else stock.Stock(keras, model)
    )
    untrained = None
    if job.target is None:
        trainer.train(task)
    else:
        say(Phase(WARM_UP))
        untrained = _train_to_target(keras, trainer, task, job, evaluate, say)
    return trainer.model, untrained, None


def _train_to_target(
    keras: Any, trainer: Trainer, task: Task, job: Job, evaluate: Evaluation, say: Say
) -> float:
    """Trains from each of the job's seeds to its target; the quality before the first step."""
    assert job.target is not None

    def fresh(seed: int) -> list[Any]:
        keras.utils.set_random_seed(seed)
        return network.state(network.compiled(keras, task.workload))

    def judged(seed: int, epoch: Ended, quality: float) -> None:
        say(Epoch(**asdict(epoch), images=len(task.data.y), seed=seed, quality=quality))

    return train_to_target(trainer, task, job.target, job.seeds, fresh, evaluate, judged)


def epoch_end(
    job: Job,
    images: int,
    say: Say,
    wait: Callable[[], object],
    evaluate: Callable[[Any], float] | None = None,
    on_training: Callable[[Any], float] | None = None,
) -> EpochEnd:
    """Tells the parent of each epoch, and waits after the first where the job asks for it.

    evaluate, on_training: the quality of a model on the test and on the training images, asked for
        after the epochs that the job names.
    """

    def tell(epoch: Ended, model: Any) -> None:
        asked = epoch.number in job.evaluate_after
        quality = evaluate(model) if evaluate and asked else None
        training = on_training(model) if on_training and asked else None
        made = Epoch(**asdict(epoch), images=images, memory=devices.resident_memory())
        say(replace(made, quality=quality, training=training))
        if epoch.number == 1 and job.wait:
            wait()

    return tell


def _untrained(keras: Any, seed: int, judge: Sequence[Evaluation], *, xla: bool) -> list[float]:
    """The qualities before the first step.

    A second model from the same seed is the first one before it learned anything: it shows that
    the score was earned in this run, and by training.
    """
    keras.utils.set_random_seed(seed)
    model = network.compiled(keras, judge[0].workload, xla=xla)
    return [each(model) for each in judge]


def _quality(before: Sequence[float], after: Sequence[float], memory_peak: int | None) -> Quality:
    """Before the first step and after the last epoch: on the test, then on the training images."""
    return Quality(
        after[0],
        before[0],
        memory_peak,
        training=after[1] if len(after) > 1 else None,
        untrained_training=before[1] if len(before) > 1 else None,
    )


# Told of each epoch: its seed, and the quality after it.
Judged = Callable[[int, Ended, float], None]


def train_to_target(
    trainer: Trainer,
    task: Task,
    target: float,
    seeds: Sequence[int],
    fresh: Callable[[int], list[Any]],
    judge: Callable[[Any], float],
    judged: Judged,
) -> float:
    """Trains from every seed until the target is reached, for `task.epochs` at most.

    Returns the quality that the first seed's weights have after the warm-up: a guess's.

    fresh: makes the `network.state` of a seed.
    judge: the quality of a model on the test split; called off the clock, after every epoch.
    """
    trainer.train(replace(task, data=_mislabelled(task), epochs=1, epoch_end=lambda *_: None))
    network.set_state(trainer.model, fresh(seeds[0]))
    untrained = judge(trainer.model)
    for seed in seeds:

        def epoch_end(epoch: Ended, model: Any, seed: int = seed) -> None:
            quality = judge(model)
            judged(seed, epoch, quality)
            model.stop_training = task.workload.reaches(quality, target)

        network.set_state(trainer.model, fresh(seed))
        trainer.reset_optimizer()
        trainer.train(replace(task, seed=seed, epoch_end=epoch_end))
    return untrained


def _mislabelled(task: Task) -> Arrays:
    """The same images, each with the label of another."""
    import numpy as np

    order = np.random.default_rng(task.seed).permutation(len(task.data.y))
    return Arrays(task.data.x, task.data.y[order])
