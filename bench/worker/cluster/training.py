"""One job of a training over several machines, from TensorFlow's import to the quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bench.worker import backends, devices, network, saving, variant
from bench.worker.backends import TensorFlow
from bench.worker.cluster import loop, meeting
from bench.worker.messages import EVALUATION, Cluster, Job, Model, Phase, Quality, Rate
from bench.worker.task import Arrays, Evaluation, Task
from bench.worker.training import Say, epoch_end


def train(job: Job, say: Say, wait: Callable[[], object] = lambda: None) -> None:
    """Trains, and says what comes of it; every machine's worker says the same of the training.

    Raises:
        ClusterError: another machine is gone, or has something else.
    """
    assert job.cluster is not None
    say(Phase(f"{backends.title(job)}'s import"))
    backend = backends.load(job)
    assert isinstance(backend, TensorFlow)
    with meeting.naming_who_is_gone(backend.tf, job.cluster):
        strategy = meeting.strategy(backend.tf, job.cluster, say, is_gpu=job.is_gpu)
        backend.own = tuple(strategy.extended.worker_devices)
        _train(backend, strategy, job.cluster, job, say, wait)


def _train(
    backend: TensorFlow,
    strategy: Any,
    cluster: Cluster,
    job: Job,
    say: Say,
    wait: Callable[[], object],
) -> None:
    tf, keras = backend.tf, backend.keras
    workload = variant.workload(job)
    ready = devices.ready(backend, job)
    say(replace(ready, replicas=strategy.num_replicas_in_sync))
    say(Phase("data loading"))
    data = Arrays.load(job.data["train"], workload)
    judge = Evaluation(workload, Arrays.load(job.data["test"], workload))
    # What a strategy's model predicts it gathers from all machines; each judges a copy instead.
    keras.utils.set_random_seed(job.seed)
    copy = network.compiled(keras, workload)

    def judged_by(judge: Evaluation) -> Callable[[Any], float]:
        def judged(model: Any) -> float:
            copy.set_weights(model.get_weights())
            return judge(copy)

        return judged

    evaluate = judged_by(judge)
    on_training = judged_by(Evaluation(workload, data)) if job.judge_training else None
    untrained = judge(copy)
    untrained_training = on_training(copy) if on_training else None
    keras.utils.set_random_seed(job.seed)
    with strategy.scope():
        model = network.compiled(keras, workload)
    described = network.described(model, workload)
    say(Model(**described))
    flop = network.flop_per_image(model)

    say(Phase("epoch 1"))
    tell_epoch = epoch_end(job, len(data.y), say, wait, evaluate, on_training)
    task = Task(workload, data, job.epochs, job.seed, backend.synchronise, tell_epoch)
    alike = {
        "versions of TensorFlow": tf.__version__.encode(),
        "networks": described["workload_sha256"].encode(),
        "training data": data.x.data,
        "labels": data.y.data,
        "options": repr(replace(job, cluster=None, data={}, wait=False, frames="")).encode(),
    }
    trainer = loop.Trainer(tf, keras, strategy, model, task)
    parts = loop.Parts.of(strategy, cluster, task)
    loop.check_alike(trainer, cluster, alike)
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
