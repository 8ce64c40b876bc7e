"""The loop that trains one network over all machines, by `MultiWorkerMirroredStrategy`.

Keras 3's `fit` cannot: between machines it reduces what a step returns along an axis that a loss
does not have.  So this is the loop around the same network, loss, optimizer and clock.  Every
machine draws the same order of the images, and trains on its part of every batch; the gradients of
all parts are added up before anyone takes a step, so it is the same training as on one machine.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from typing import Any

from bench.worker import network
from bench.worker.cluster.rendezvous import ClusterError
from bench.worker.messages import Cluster, Machines
from bench.worker.task import Arrays, Ended, Task

# Raised whenever this file changes what an epoch takes, as stock's is.
PROGRAM = 1

# Enough for a mean that one slow step hardly moves, and few beside an epoch.
_MOST_STEPS = 50


class Parts:
    """How every batch of an epoch is divided among the replicas of all machines.

    images: in an epoch.
    batch: images a step, of all together.
    first, local, replicas: the first replica of this machine, how many it has, and all have.
    """

    def __init__(
        self, images: int, batch: int, seed: int, first: int, local: int, replicas: int
    ) -> None:
        self._images, self._batch, self._seed = images, batch, seed
        self._first, self._local, self._replicas = first, local, replicas
        self.sizes = [min(batch, images - begin) for begin in range(0, images, batch)]

    @classmethod
    def of(cls, strategy: Any, cluster: Cluster, task: Task) -> Parts:
        """Those of a task, where every machine has as many replicas as this one."""
        local = len(strategy.extended.worker_devices)
        replicas = strategy.num_replicas_in_sync
        images, batch = len(task.data.y), task.workload.batch
        return cls(images, batch, task.seed, cluster.index * local, local, replicas)

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return len(self.sizes)

    def of_epoch(self, number: int) -> tuple[Any, Any, Any]:
        """The images' order; where each part of this machine's begins and ends; its batch's size.

        Each batch's parts, of all replicas, differ in size by one at most.
        """
        import numpy as np

        order = np.random.default_rng([self._seed, number]).permutation(self._images)
        begins = np.arange(self.steps) * self._batch
        sizes = np.asarray(self.sizes)
        replica = self._first + np.arange(self._local + 1)
        edges = begins[:, None] + sizes[:, None] * replica[None, :] // self._replicas
        bounds = np.stack([edges[:, :-1], edges[:, 1:]], axis=-1).reshape(-1, 2)
        return order, bounds, np.repeat(sizes, self._local).astype("float32")

    def dataset(self, tf: Any, data: Arrays, number: int) -> Any:
        """An epoch of this machine, a replica's part of a batch at a time."""
        order, bounds, sizes = self.of_epoch(number)
        x, y = tf.constant(data.x), tf.constant(data.y)
        of_all = tf.constant(order)

        def part(bound: Any, size: Any) -> Any:
            chosen = of_all[bound[0] : bound[1]]
            return tf.gather(x, chosen), tf.gather(y, chosen), size

        each = tf.data.Dataset.from_tensor_slices((bounds, sizes))
        return each.map(part, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


class Trainer:
    """Trains one network over all machines of a strategy.

    model: made in the strategy's scope.
    """

    def __init__(self, tf: Any, keras: Any, strategy: Any, model: Any, task: Task) -> None:
        self._tf, self._strategy, self.model = tf, strategy, model
        loss_of_each = network.loss_of_each(keras, task.workload)

        def on_one(x: Any, y: Any, size: Any) -> Any:
            return step(tf, model, loss_of_each, x, y, size)

        def over_all(*parts: Any) -> Any:
            return strategy.run(on_one, args=parts)

        def sum_of_all(value: Any) -> Any:
            return strategy.reduce("SUM", strategy.run(tf.identity, args=(value,)), axis=None)

        self._step = tf.function(over_all, reduce_retracing=True, autograph=False)
        self._sum = tf.function(sum_of_all, autograph=False)

    def train(self, task: Task, parts: Parts) -> None:
        """Trains from where the weights stand."""
        for number in range(1, task.epochs + 1):
            batches = iter(self._distributed(task.data, parts, number))
            self.together()
            task.synchronise()
            begun = time.perf_counter()
            losses = [self._step(*next(batches)) for _ in range(parts.steps)]
            task.synchronise()
            ended = time.perf_counter()
            # Each is a mean over its batch; the last batch may be smaller.
            mine = [sum(map(float, self._strategy.experimental_local_results(x))) for x in losses]
            weighed = sum(loss * size for loss, size in zip(mine, parts.sizes, strict=True))
            loss = self.together(float(weighed)) / len(task.data.y)
            task.epoch_end(Ended(number, begun, ended, loss), self.model)

    def together(self, value: float = 0.0) -> float:
        """The sum of a value over all machines; every one has to come here."""
        local = len(self._strategy.extended.worker_devices)
        return float(self._sum(self._tf.constant(value / local, self._tf.float64)))

    def _distributed(self, data: Arrays, parts: Parts, number: int) -> Any:
        def of_this_machine(_context: Any) -> Any:
            return parts.dataset(self._tf, data, number)

        return self._strategy.distribute_datasets_from_function(of_this_machine)


def check_alike(trainer: Trainer, cluster: Cluster, alike: Mapping[str, Any]) -> None:
    """Refuses machines that would not train the same.  alike: bytes that have to be, by name.

    Raises:
        ClusterError: one has something else.
    """
    own = {what: float(zlib.crc32(content)) for what, content in alike.items()}
    others = {what: trainer.together(value) for what, value in own.items()}
    count = len(cluster.names)
    for what, value in own.items():
        if others[what] != count * value:
            raise ClusterError(
                f"the machines have different {what}: give all of them the same options, data and "
                "environment"
            )


def step(tf: Any, model: Any, loss_of_each: Any, x: Any, y: Any, size: Any) -> Any:
    """A step on a part of a batch of that size; returns its share of the batch's mean loss.

    In the scope of a strategy the optimizer adds up the gradients of all parts first.
    """
    with tf.GradientTape() as tape:
        each = tf.cast(loss_of_each(y, model(x, training=True)), tf.float32)
        # A value for each image, or for each of its pixels; and a part may be empty.
        of_an_image = tf.maximum(1, tf.size(each) // tf.maximum(1, tf.shape(each)[0]))
        loss = tf.reduce_sum(each) / tf.cast(of_an_image, tf.float32) / size
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


def machines(
    tf: Any, keras: Any, trainer: Trainer, cluster: Cluster, task: Task, parts: Parts
) -> Machines:
    """How long an epoch takes each machine without the others, and what they communicate by.

    What the epochs took longer than the slowest is communication, and waiting for it.
    """
    mine = _alone(tf, keras, trainer, task, parts)
    compute = tuple(
        trainer.together(mine if number == cluster.index else 0.0)
        for number in range(len(cluster.names))
    )
    is_gpu = bool(tf.config.list_physical_devices("GPU"))
    return Machines(cluster.names, "NCCL" if is_gpu else "RING", compute)


def _alone(tf: Any, keras: Any, trainer: Trainer, task: Task, parts: Parts) -> float:
    """Seconds of an epoch of this machine's parts, one device's, with nobody to wait for."""
    model = network.compiled(keras, task.workload)
    loss_of_each = network.loss_of_each(keras, task.workload)
    take = tf.function(lambda *part: step(tf, model, loss_of_each, *part), reduce_retracing=True)
    batches = iter(parts.dataset(tf, task.data, 1).repeat())
    take(*next(batches))  # compiles
    trainer.together()  # all are at it at once, as they were
    task.synchronise()
    begun, count = time.perf_counter(), min(parts.steps, _MOST_STEPS)
    for _ in range(count):
        take(*next(batches))
    task.synchronise()
    return (time.perf_counter() - begun) / count * parts.steps
