"""Trains a model of one's own: the file is run here, and by the same clock as every workload.

Its metrics are measured before the first step and after the last, off the clock.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bench.worker import backends, devices, environment, inference, saving, stock, training
from bench.worker.backends.backend import Backend
from bench.worker.messages import (
    EVALUATION,
    Data,
    Job,
    Model,
    OwnFile,
    Phase,
    Pinned,
    Quality,
    Rate,
    Say,
)
from bench.worker.own import design, network, tuned
from bench.worker.own.data import (
    DEFAULT_BATCH,
    Reader,
    Split,
    baselines,
    fingerprint,
    not_finite,
    seconds_alone,
)
from bench.worker.own.file import File, FileError, ModeError
from bench.worker.task import Ended, EpochEnd


@dataclass(frozen=True)
class Loaded:
    """What the file came to.

    keras: the one that its model is of.
    """

    file: File
    own: OwnFile
    keras: Any
    model: Any
    train: Split
    validation: Split | None

    @property
    def batch(self) -> int | None:
        """Examples a step of arrays; None where the data come in batches."""
        return (self.own.batch or DEFAULT_BATCH) if self.train.in_memory else None

    def metrics(self, losses: list[float]) -> dict[str, float]:
        """On validation data; without them the loss of the last epoch is all that there is."""
        if self.validation is None:
            return {"loss": losses[-1] if losses else math.nan}
        with self.file.blamed("model.evaluate on the validation data"):
            return network.evaluate(self.model, self.validation, self.own.batch)


def train(job: Job, say: Say, wait: Callable[[], object] = lambda: None) -> None:
    """Trains, and says what comes of it.

    wait: returns once the parent has said to go on.

    Raises:
        FileError: the file, or what it returns, is at fault.
        ModeError: the mode cannot train it.
    """
    assert job.own is not None
    backend, ready = devices.start(job, say)
    if not job.precision:  # to be asked has fixed the policy, and the file may set floatx
        backend.keras.backend.clear_session()
        backend.keras.utils.set_random_seed(job.seed)
    loaded = load(backend, job, job.own, say)
    say(replace(ready, pinned=_pinned(backend, loaded, job)))
    say(_data(backend, loaded))
    say(Phase("evaluation of the untrained model"))
    losses: list[float] = []
    untrained = loaded.metrics(losses)
    metric = network.judged(untrained, job.own.metrics)

    say(Phase("epoch 1"))
    examples = loaded.train.examples
    tell = training.epoch_end(job, examples, say, wait, lambda _: loaded.metrics(losses)[metric])
    name = _fit(backend, loaded, job, _keeping(losses, tell))
    if len(losses) != job.epochs:
        raise FileError(
            f"{loaded.file}: {len(losses)} of {job.epochs} epochs were trained; take out what ends "
            "a training early, as EarlyStopping, or sets its epochs"
        )
    say(Phase(EVALUATION))
    metrics, on_training = loaded.metrics(losses), None
    if job.judge_training:
        with loaded.file.blamed("model.evaluate on the training data"):
            on_training = network.evaluate(loaded.model, loaded.train, loaded.own.batch).get(metric)
    say(Model(**network.described(loaded.model, loaded.own.batch)))
    inputs = (loaded.validation or loaded.train).inputs
    inference.tell(backend, loaded.model, job, inputs, loaded.batch, say)
    say(Phase("peak matmul throughput"))
    if flop := network.flop_per_example(loaded.model):
        say(Rate(flop, devices.peak_throughput(backend)))
    value, peak = metrics.pop(metric), devices.memory_peak(backend)
    first, metric = untrained[metric], metric if loaded.validation else name
    saving.save(loaded.model, job.save, say, whole=True)
    say(Phase("a pass over the data alone"))
    with loaded.file.blamed("reading the data"):
        alone = seconds_alone(loaded.train, backend.synchronise)
    say(Quality(value, first, peak, metric, metrics, alone, on_training))


def load(backend: Backend, job: Job, own: OwnFile, say: Say) -> Loaded:
    """Runs the file and takes its data and its model, compiled.

    Raises:
        FileError: the file, or what it returns, is at fault.
        ModeError: the mode cannot train it.
    """
    if own.folder:
        os.chdir(own.folder)  # the backend is imported: nothing there is in its way
    say(Phase("running the file"))
    file = File(own.path, own.sha256)
    say(Phase("data()"))
    returned = file.call("data")
    with file.blamed("what data() returned"):
        reader = Reader(backend, own, lambda doing: say(Phase(doing)))
        train, validation = reader.splits(returned)
        train = design.cut(train, job.design.images)
    if job.batch and not train.in_memory:
        raise ModeError(f"its batches are those of its {train.kind}: --batch is for arrays")
    say(Phase("model()"))
    with backend.scope(job.replicas):
        model = file.call("model")
        its_keras = network.keras_of(backend, model)
        with file.blamed("model()"):
            network.prepare(its_keras, model, train)
            design.change(its_keras, model, job.design)
            network.set_calls(model, job, compiles=backend.compiles(job))
    if job.mode == "tuned":
        tf = backends.tensorflow(backend)
        if why := tuned.why_not(tf, its_keras, model, train, job.replicas):
            raise ModeError(why)
    own = replace(own, batch=job.batch or own.batch)
    return Loaded(file, own, its_keras, model, train, validation)


def _data(backend: Backend, loaded: Loaded) -> Data:
    splits = [each for each in (loaded.train, loaded.validation) if each]
    return Data(
        loaded.train.kind,
        fingerprint(backend, splits),
        loaded.train.examples,
        loaded.validation.examples if loaded.validation else 0,
        baselines(loaded.train, loaded.validation),
        (
            *not_finite(backend, "the training data", loaded.train),
            *not_finite(backend, "the validation data", loaded.validation),
        ),
    )


def _pinned(backend: Backend, loaded: Loaded, job: Job) -> Pinned:
    """What would differ between devices, once the file has set what it sets."""
    pinned = environment.pinned(backend, job)
    layers = getattr(loaded.model, "layers", None) or ()
    policies = {each.dtype_policy.name for each in layers if hasattr(each, "dtype_policy")}
    if policies and policies != {pinned.precision.partition(",")[0]}:
        return replace(pinned, precision=", ".join(sorted(policies)))
    return pinned


def _fit(backend: Backend, loaded: Loaded, job: Job, epoch_end: EpochEnd) -> str:
    """Trains; what the loss is called that stands for the others."""
    with loaded.file.blamed("training"):
        if job.mode == "tuned":
            tf = backends.tensorflow(backend)
            _build(tf, loaded)
            tuned.OwnTuned(tf, loaded.model, loaded.train, loaded.own.batch).train(job, epoch_end)
            return "loss"
        clock = stock.epoch_clock(loaded.keras, backend.synchronise, epoch_end)
        arguments = loaded.train.arguments(loaded.own.batch, train=True)
        loaded.model.fit(epochs=job.epochs, verbose=0, callbacks=[clock], **arguments)
    return str(clock.loss_name)


def _build(tf: Any, loaded: Loaded) -> None:
    """Gives a model its weights, where its first call does."""
    if not loaded.model.built or loaded.validation is None:
        loaded.model(tf.constant(loaded.train.parts[0][:1]), training=False)


def _keeping(losses: list[float], epoch_end: EpochEnd) -> EpochEnd:
    """Keeps each epoch's loss, and tells of the epoch."""

    def tell(epoch: Ended, model: Any) -> None:
        losses.append(epoch.loss)
        epoch_end(epoch, model)

    return tell
