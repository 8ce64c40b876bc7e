"""One job of a training over several machines, from TensorFlow's import to the quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bench.worker import backends, devices, network, saving
from bench.worker.backends import TensorFlow
from bench.worker.cluster import loop, rendezvous
from bench.worker.messages import EVALUATION, Job, Model, Phase, Quality, Rate, Say
from bench.worker.task import Arrays, Evaluation, Task
from bench.worker.training import epoch_end
from bench.workloads.workload import Workload


def train(job: Job, say: Say, wait: Callable[[], object] = lambda: None) -> None:
    """Trains, and says what comes of it; every machine's worker says the same of the training.

    Raises:
        ClusterError: another machine is gone, or has something else.
    """
    assert job.cluster is not None
    say(Phase(f"{backends.title(job)}'s import"))
    backend = backends.load(job)
    assert isinstance(backend, TensorFlow)
    with rendezvous.naming_who_is_gone(backend.tf, job.cluster):
        strategy = rendezvous.strategy(backend.tf, job.cluster, say, is_gpu=job.is_gpu)
        backend.own = tuple(strategy.extended.worker_devices)
        _train(backend, strategy, job, say, wait)


class _Copy:
    """A copy of the network, which is judged instead of the one that trains.

    What a strategy's model predicts it gathers from all machines.
    """

    def __init__(self, keras: Any, workload: Workload, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.model = network.compiled(keras, workload)

    def judged_by(self, judge: Evaluation) -> Callable[[Any], float]:
        def judged(model: Any) -> float:
            self.model.set_weights(model.get_weights())
            return judge(self.model)

        return judged


def _train(
    backend: TensorFlow, strategy: Any, job: Job, say: Say, wait: Callable[[], object]
) -> None:
    assert job.cluster is not None
    tf, keras, cluster = backend.tf, backend.keras, job.cluster
    workload = network.workload_of(job)
    say(replace(devices.ready(backend, job), replicas=strategy.num_replicas_in_sync))
    say(Phase("data loading"))
    data = Arrays.load(job.data["train"], workload)
    copy = _Copy(keras, workload, job.seed)
    evaluate = copy.judged_by(Evaluation(workload, Arrays.load(job.data["test"], workload)))
    on_training = copy.judged_by(Evaluation(workload, data)) if job.judge_training else None
    untrained = evaluate(copy.model)
    untrained_training = on_training(copy.model) if on_training else None
    keras.utils.set_random_seed(job.seed)
    with strategy.scope():
        model = network.compiled(keras, workload)
    described = network.described(model, workload)
    say(Model(**described))
    flop = network.flop_per_image(model)

    say(Phase("epoch 1"))
    tell_epoch = epoch_end(job, len(data.y), say, wait, evaluate, on_training)
    task = Task(workload, data, job.epochs, job.seed, backend.synchronise, tell_epoch)
    trainer = loop.Trainer(tf, keras, strategy, model, task)
    parts = loop.Parts.of(strategy, cluster, task)
    loop.check_alike(trainer, cluster, _alike(tf, job, described["workload_sha256"], data))
    trainer.train(task, parts)

    say(Phase(EVALUATION))
    quality = Quality(
        evaluate(model),
        untrained,
        devices.memory_peak(backend),
        training=on_training(model) if on_training else None,
        untrained_training=untrained_training,
    )
    saving.save(copy, job.save, say)
    say(Phase("the time without communication"))
    say(loop.machines(tf, keras, trainer, cluster, task, parts))
    say(Phase("peak matmul throughput"))
    peak = trainer.together(devices.peak_throughput(backend) or 0.0)  # of all, and the end for all
    say(Rate(flop, peak or None))
    say(quality)


def _alike(tf: Any, job: Job, workload_sha256: str, data: Arrays) -> dict[str, Any]:
    """What all machines must have alike, as bytes."""
    return {
        "versions of TensorFlow": tf.__version__.encode(),
        "networks": workload_sha256.encode(),
        "training data": data.x.data,
        "labels": data.y.data,
        "options": repr(replace(job, cluster=None, data={}, wait=False, frames="")).encode(),
    }
