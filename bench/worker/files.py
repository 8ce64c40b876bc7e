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

from bench.worker.messages import Warm
from bench.worker.task import Ended, Task

# Raised whenever this file changes what an epoch takes, as stock's is.
PROGRAM = 2

Picture = tuple[bytes, int]
"""A file's path, and how the picture in it is stored, as EXIF numbers it: 1 is upright."""


def train(tf: Any, model: Any, task: Task, pictures: list[Picture], *, cold: bool) -> Any:
    """Trains a compiled model from files, and returns their pipeline.

    pictures: in the order of the task's targets.
    cold: drops the files from the page cache before every epoch, off the clock, so that each reads
        them from where they lie, as it has to when they are more than memory holds.
    """
    batches = pipeline(tf, task, pictures)
    for number in range(1, task.epochs + 1):
        model.reset_metrics()
        if cold:
            drop([path for path, _ in pictures])
        task.synchronise()
        begun = time.perf_counter()
        once = iter(batches)
        loss, waited = _epoch(model, once, task)
        ended = time.perf_counter()
        del once  # off the clock: its autotuner may take its time to end (see stock)
        task.epoch_end(Ended(number, begun, ended, loss, waited), model)
    return batches


def warm(model: Any, batches: Any, task: Task) -> Warm:
    """One more epoch, from what the page cache kept of the last one: how much is the disk's?"""
    task.synchronise()
    begun = time.perf_counter()
    _, waited = _epoch(model, iter(batches), task)
    return Warm(time.perf_counter() - begun, waited)


def pipeline(tf: Any, task: Task, pictures: list[Picture]) -> Any:
    """Batches of images and targets in an order drawn anew each time, read and decoded ahead."""
    height, width, _ = task.workload.image
    paths, stored = ([each[part] for each in pictures] for part in (0, 1))

    def read(path: Any, how: Any, target: Any) -> tuple[Any, Any]:
        image = decode(tf, path)
        if any(number != 1 for number in stored):
            image = upright(tf, image, how)
        image = tf.image.resize(image, (height, width), antialias=True)
        return image, target

    files = tf.data.Dataset.from_tensor_slices((paths, stored, task.data.y))
    shuffled = files.shuffle(len(paths), seed=task.seed)
    plain = tf.autograph.experimental.do_not_convert(read)  # converting it leaves a file behind
    read_ahead = shuffled.map(plain, num_parallel_calls=tf.data.AUTOTUNE)
    return read_ahead.batch(task.workload.batch).prefetch(tf.data.AUTOTUNE)


def decode(tf: Any, path: Any) -> Any:
    """A file's picture as it is stored, `(height, width, 3) uint8`; the first of several."""
    packed = tf.io.read_file(path)

    def jpeg() -> Any:  # by default its arithmetic is a faster one, some levels beside Pillow's
        return tf.io.decode_jpeg(packed, 3, dct_method="INTEGER_ACCURATE")

    def other() -> Any:
        return tf.io.decode_image(packed, 3, expand_animations=False)

    image = tf.cond(tf.io.is_jpeg(packed), jpeg, other)
    image.set_shape((None, None, 3))
    return image


def upright(tf: Any, image: Any, how: Any) -> Any:
    """Turns a picture as EXIF says: `how` is its number from 1 to 8."""
    rows, columns = [3, 4, 7, 8], [2, 3, 6, 7]  # which are reversed, after the transposition
    image = tf.cond(how >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    for numbers, axis in ((rows, 0), (columns, 1)):
        turned = tf.reverse(image, [axis])
        image = tf.cond(
            tf.reduce_any(tf.equal(how, numbers)), lambda t=turned: t, lambda i=image: i
        )
    image.set_shape((None, None, 3))
    return image


def drop(paths: list[bytes]) -> None:
    """Asks the kernel to forget what it read of these files; it keeps what is not yet on disk."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def read_list(path: str) -> list[Picture]:
    """The pictures that `bench.datasets.prepared` listed: a name may hold any byte but NUL."""
    fields = Path(path).read_bytes().split(b"\0")
    return [(name, int(how)) for how, name in zip(fields[0::2], fields[1::2], strict=False)]


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
