"""The child process: trains one workload on one device and tells its parent the epoch times.

    python -m bench.worker        # reads one job (a JSON line) from standard input

Where the job says `wait`, it waits after epoch 1 for another line, so that several workers can go
on together.

With bench.worker, which it calls, the only code that imports TensorFlow.  It runs under the
interpreter that provisioning made, so it needs TensorFlow and NumPy and nothing else.

What it says goes to standard output, one JSON object a line, each with its `event`:

    phase    name                                 what it is doing now
    ready    python, tensorflow, keras, …         TensorFlow is up and sees the device
    model    parameters, workload_sha256          what is being trained
    epoch    number, begun, ended, loss, quality, begun and ended are CLOCK_MONOTONIC, in s;
             waited, paused                       waited: for images, where they are files, in s;
                                                  paused: before it, where `fit` trains, in s;
                                                  with its seed where a target is trained to
    rate     flop_per_image, matrix               the most FLOP/s that the device was seen to do
    quality  value, untrained, memory_peak        after the last epoch, off the clock
    error    message                              it could not go on

What TensorFlow prints goes to standard error.  When its parent is gone (standard input ends), so is
the worker.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from bench.worker import files, gemm, mirrored, network, stock, tuned
from bench.worker import time_to_target as to_target
from bench.worker.arrays import Arrays, Quality
from bench.worker.task import Task, Trainer
from bench.workloads.registry import EVERY

_LONGEST_MESSAGE = 400


def main() -> int:
    """Reads the job, trains, reports; 0 when the training came to its end."""
    say = _Channel.instead_of_stdout()
    job = json.loads(sys.stdin.readline())
    told_to_go_on = threading.Event()
    threading.Thread(target=_listen, args=(told_to_go_on,), daemon=True).start()
    try:
        _train(job, say, told_to_go_on.wait)
    except Exception as error:
        say("error", message=_in_short(error))
        raise
    return 0


def _train(job: dict[str, Any], say: _Channel, wait: Callable[[], object] = lambda: None) -> None:
    workload = EVERY[job["workload"]]

    say("phase", name="TensorFlow's import")
    import keras
    import tensorflow as tf

    replicas = job["replicas"]
    device = _only_devices(tf, job["device"], replicas)
    keras.utils.set_random_seed(job["seed"])
    say("ready", **_versions(tf, keras), device=device, replicas=replicas, pinned=_pinned(tf, job))

    say("phase", name="data loading")
    train = Arrays.load(job["data"]["train"], workload)
    quality = Quality(workload, Arrays.load(job["data"]["test"], workload))

    with mirrored.scope(tf, replicas):
        model = network.compiled(keras, workload)
    say("model", **network.described(model, workload))
    flop = network.flop_per_image(model)

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
        value = quality(model) if number in job["evaluate_after"] else None
        times = {"begun": begun, "ended": ended, "waited": waited, "paused": paused}
        say("epoch", number=number, **times, loss=loss, quality=value)
        if number == 1 and job["wait"]:
            wait()

    say("phase", name="epoch 1")
    synchronise = tf.test.experimental.sync_devices
    task = Task(workload, train, job["epochs"], job["seed"], synchronise, epoch_end)
    trainer: Trainer = (
        tuned.Tuned(tf, keras, model, task) if job["mode"] == "tuned" else stock.Stock(keras, model)
    )
    untrained = None
    if job["target"] is not None:
        say("phase", name="warm-up on random labels")
        untrained = _train_to_target(keras, trainer, task, job, quality, say)
    elif workload.input:
        paths = files.read_list(job["data"]["train"]["paths"])
        files.train(tf, model, task, paths, cold=workload.input != "memory")
    else:
        trainer.train(task)

    say("phase", name="evaluation")
    value = quality(trainer.model)
    if untrained is None:
        # A second model from the same seed is the first one before it learned anything: it shows
        # that the score was earned in this run, and by training.
        keras.utils.set_random_seed(job["seed"])
        untrained = quality(network.compiled(keras, workload))
    memory_peak = _memory_peak(tf)

    say("phase", name="matrix rate")
    say("rate", flop_per_image=flop, matrix=_matrix_rate(tf))
    say("quality", value=value, untrained=untrained, memory_peak=memory_peak)


def _train_to_target(
    keras: Any,
    trainer: Trainer,
    task: Task,
    job: dict[str, Any],
    quality: Quality,
    say: _Channel,
) -> float:
    """Trains from each of the job's seeds to its target; the quality before the first step."""

    def fresh(seed: int) -> list[Any]:
        keras.utils.set_random_seed(seed)
        weights: list[Any] = network.compiled(keras, task.workload).get_weights()
        return weights

    def judged(
        seed: int, number: int, begun: float, ended: float, loss: float, value: float
    ) -> None:
        times = {"begun": begun, "ended": ended}
        say("epoch", seed=seed, number=number, **times, loss=loss, quality=value)

    return to_target.train(trainer, task, job["target"], job["seeds"], fresh, quality, judged)


def _only_devices(tf: Any, wanted: str, replicas: int) -> str:
    """The name of the device that this process may train on, or of the devices.

    Raises:
        RuntimeError: TensorFlow does not see what the parent asked for.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if wanted.startswith("cpu"):
        if gpus:
            raise RuntimeError("this CPU run can see a GPU: CUDA_VISIBLE_DEVICES did not hide it")
        if replicas > 1:
            mirrored.split_cpu(tf, replicas)
        return "CPU"
    if len(gpus) != replicas:
        given = "one was" if replicas == 1 else f"{replicas} were"
        raise RuntimeError(
            f"TensorFlow sees {len(gpus)} GPUs where {given} given to it; "
            "the lines above name the library that it could not load"
        )
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return ", ".join(str(each.get("device_name", "GPU")) for each in details)


def _versions(tf: Any, keras: Any) -> dict[str, Any]:
    import numpy as np

    return {
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _pinned(tf: Any, job: dict[str, Any]) -> dict[str, Any]:
    """What would otherwise differ between devices or machines, as it stands in this process."""
    names = ("CUDA_VISIBLE_DEVICES", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    is_tuned = job["mode"] == "tuned"
    return {
        "program": tuned.PROGRAM if is_tuned else stock.PROGRAM,
        "xla": is_tuned and tuned.uses_xla(tf),
        "tf32": bool(tf.config.experimental.tensor_float_32_execution_enabled()),
        "precision": "float32",
        "deterministic_ops": False,
        "threads": len(os.sched_getaffinity(0)),
        "environment": {name: os.environ[name] for name in names if name in os.environ},
    }


def _matrix_rate(tf: Any) -> float | None:
    """What all devices of this process can do, in FLOP/s: as many times what the first one did."""
    rate = gemm.rate(tf, tf.test.experimental.sync_devices)
    return rate and rate * max(1, len(tf.config.list_physical_devices("GPU")))


def _memory_peak(tf: Any) -> int | None:
    """The most memory that TensorFlow held on a GPU, in bytes; None on the CPU."""
    peaks = [
        int(tf.config.experimental.get_memory_info(f"GPU:{number}")["peak"])
        for number, _ in enumerate(tf.config.list_physical_devices("GPU"))
    ]
    return max(peaks, default=None)


def _in_short(error: Exception) -> str:
    """The error in a line: TensorFlow's run over many, with traces of the graph in between."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        found = re.search(r"OOM when allocating [^\[]*(\[[^\]]*\])?", text)
        return f"ran out of memory: {found[0] if found else text[:_LONGEST_MESSAGE]}"
    return f"{type(error).__name__}: {text[:_LONGEST_MESSAGE]}"


class _Channel:
    """The way to the parent: one JSON object a line, flushed at once."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    @classmethod
    def instead_of_stdout(cls) -> _Channel:
        """Takes standard output for itself; whatever else prints there goes to standard error."""
        stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return cls(stream)

    def __call__(self, event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}), file=self._stream, flush=True)


def _listen(told_to_go_on: threading.Event) -> None:
    """Hears the parent, whose one word is to go on after epoch 1.

    Ends this process as soon as standard input does: the parent has died or has had enough.
    """
    while sys.stdin.readline():
        told_to_go_on.set()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
