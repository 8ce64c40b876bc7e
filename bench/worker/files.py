"""Trains from picture files: a plain `tf.data` pipeline, and the time that training waits for it.

The device is synchronised after every batch, and the time counts as waiting that then passes until
the pipeline hands over the next one.  While a batch is trained on, the pipeline reads ahead, so an
input that keeps up is waited for at the beginning of an epoch only; and what is waited for, the
device really stands still for.  That is why the loop is our own: `fit` asks for the next batch
while the device is still busy, and nothing in it shows which of the two was waited for.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from bench.worker.task import Task


def train(tf: Any, model: Any, task: Task, paths: list[str], *, cold: bool) -> None:
    """Trains a compiled model from files.

    paths: of the images, in the order of the task's targets.
    cold: drops the files from the page cache before every epoch, off the clock, so that each reads
        them from where they lie, as it has to when they are more than memory holds.
    """
    batches = pipeline(tf, task, paths)
    for number in range(1, task.epochs + 1):
        model.reset_metrics()
        if cold:
            drop(paths)
        task.synchronise()
        begun = time.perf_counter()
        once = iter(batches)
        loss, waited = _epoch(model, once, task)
        ended = time.perf_counter()
        del once  # off the clock: its autotuner may take its time to end (see stock)
        task.epoch_end(number, begun, ended, loss, model, waited=waited)


def pipeline(tf: Any, task: Task, paths: list[str]) -> Any:
    """Batches of images and targets in an order drawn anew each time, read and decoded ahead."""
    height, width, channels = task.workload.image

    def read(path: Any, target: Any) -> tuple[Any, Any]:
        image = tf.io.decode_image(tf.io.read_file(path), channels, expand_animations=False)
        image = tf.image.resize(image, (height, width), antialias=True)
        return image, target

    files = tf.data.Dataset.from_tensor_slices((paths, task.data.y))
    shuffled = files.shuffle(len(paths), seed=task.seed)
    plain = tf.autograph.experimental.do_not_convert(read)  # converting it leaves a file behind
    read_ahead = shuffled.map(plain, num_parallel_calls=tf.data.AUTOTUNE)
    return read_ahead.batch(task.workload.batch).prefetch(tf.data.AUTOTUNE)


def drop(paths: list[str]) -> None:
    """Asks the kernel to forget what it read of these files; it keeps what is not yet on disk."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def read_list(path: str) -> list[str]:
    """The paths that `bench.datasets.prepared` listed, one a line."""
    return Path(path).read_text(encoding="utf-8").splitlines()


def _epoch(model: Any, batches: Any, task: Task) -> tuple[float, float]:
    """The mean loss of an epoch, and the seconds that it waited for images."""
    waited, logs = 0.0, {}
    asked = time.perf_counter()
    for images, targets in batches:
        waited += time.perf_counter() - asked
        logs = model.train_on_batch(images, targets, return_dict=True)
        task.synchronise()
        asked = time.perf_counter()
    waited += time.perf_counter() - asked
    return float(logs["loss"]), waited
