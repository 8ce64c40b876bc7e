"""Trains until the quality is reached, from several seeds, on one network that is warmed up first.

The warm-up is an epoch on labels in a random order: it traces, compiles and tunes all that the
training will need, and nothing that it learns says anything about an image.  Then, for every seed,
the weights are drawn anew and the optimizer begins at nought.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.worker.task import Arrays, Task, Trainer

# Told of each epoch: its seed and number, begin and end, mean loss and the quality after it.
Judged = Callable[[int, int, float, float, float, float], None]


def train(
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

    fresh: draws the weights of a seed.
    judge: the quality of a model on the test split; called off the clock, after every epoch.
    """
    trainer.train(replace(task, data=_mislabelled(task), epochs=1, epoch_end=_ignore))
    trainer.model.set_weights(fresh(seeds[0]))
    untrained = judge(trainer.model)
    for seed in seeds:

        def epoch_end(
            number: int,
            begun: float,
            ended: float,
            loss: float,
            model: Any,
            *,
            seed: int = seed,
            **_figures: float | None,
        ) -> None:
            quality = judge(model)
            judged(seed, number, begun, ended, loss, quality)
            model.stop_training = task.workload.reaches(quality, target)

        trainer.model.set_weights(fresh(seed))
        trainer.reset_optimizer()
        trainer.train(replace(task, seed=seed, epoch_end=epoch_end))
    return untrained


def _mislabelled(task: Task) -> Arrays:
    """The same images, each with the label of another."""
    import numpy as np

    order = np.random.default_rng(task.seed).permutation(len(task.data.y))
    return Arrays(task.data.x, task.data.y[order])


def _ignore(*_args: Any, **_figures: Any) -> None:
    return
