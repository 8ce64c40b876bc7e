"""What this process may train on, and what would differ between devices if it were not pinned."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from bench.worker import environment
from bench.worker.messages import Job, Ready


def ready(tf: Any, keras: Any, job: Job) -> Ready:
    """The environment and the device that the job is trained with.

    Raises:
        RuntimeError: TensorFlow does not see what the parent asked for.
    """
    import numpy as np

    return Ready(
        python=platform.python_version(),
        interpreter=sys.executable,
        tensorflow=tf.__version__,
        keras=keras.__version__,
        numpy=np.__version__,
        device=_only_devices(tf, job),
        replicas=job.replicas,
        pid=os.getpid(),
        pinned=environment.pinned(tf, keras, job),
    )


def _only_devices(tf: Any, job: Job) -> str:
    """The name of the device that this process may train on, or of the devices."""
    gpus = tf.config.list_physical_devices("GPU")
    if not job.is_gpu:
        if gpus:
            raise RuntimeError("this CPU run can see a GPU: CUDA_VISIBLE_DEVICES did not hide it")
        if job.replicas > 1:
            split_cpu(tf, job.replicas)
        return "CPU"
    if len(gpus) != job.replicas:
        given = "one was" if job.replicas == 1 else f"{job.replicas} were"
        raise RuntimeError(
            f"TensorFlow sees {len(gpus)} GPUs where {given} given to it; "
            "the lines above name the library that it could not load"
        )
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return ", ".join(str(each.get("device_name", "GPU")) for each in details)


def split_cpu(tf: Any, replicas: int) -> None:
    """Makes several devices of the CPU, where there are no GPUs to try this on.

    Has to come before TensorFlow touches a device.
    """
    (cpu,) = tf.config.list_physical_devices("CPU")
    one = tf.config.LogicalDeviceConfiguration
    tf.config.set_logical_device_configuration(cpu, [one() for _ in range(replicas)])


def scope(tf: Any, replicas: int) -> AbstractContextManager[Any]:
    """What a model has to be built in: nothing, or a strategy over all devices of this process.

    It is `tf.distribute.MirroredStrategy`: the batch stays the workload's and is split among the
    devices, so that it is the same training.
    """
    if replicas == 1:
        return nullcontext()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    if strategy.num_replicas_in_sync != replicas:
        raise RuntimeError(
            f"the strategy spans {strategy.num_replicas_in_sync} devices where {replicas} were "
            "asked for"
        )
    manager: AbstractContextManager[Any] = strategy.scope()
    return manager


def peak_throughput(tf: Any) -> float | None:
    """Peak matmul throughput of all devices together, in FLOP/s: the first one's, as often."""
    peak = matmul_peak(tf, tf.test.experimental.sync_devices)
    return peak and peak * max(1, len(tf.config.list_physical_devices("GPU")))


def resident_memory(statm: Path = Path("/proc/self/statm")) -> int | None:
    """Bytes of this process that lie in memory; None where the kernel does not tell."""
    try:
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError, IndexError):
        return None


def memory_peak(tf: Any) -> int | None:
    """The most memory that TensorFlow held on a GPU, in bytes; None on the CPU."""
    peaks = [
        int(tf.config.experimental.get_memory_info(f"GPU:{number}")["peak"])
        for number, _ in enumerate(tf.config.list_physical_devices("GPU"))
    ]
    return max(peaks, default=None)


# Products of this side are tried first; the side doubles until one takes long enough.
_FIRST_SIDE = 1024
# Three matrices of this side hold 768 MiB, and a product keeps even the fastest GPU busy for 2 ms.
_LAST_SIDE = 8192
# Long beside a launch and a synchronisation (0.1 ms), so that these do not count.
_LONG_ENOUGH = 0.02
# The best of all that fit in so long: a neighbour or a clock that has to rise first slows some.
_SECONDS = 0.7
_LEAST_REPEATS = 3


def matmul_peak(tf: Any, synchronise: Callable[[], None]) -> float | None:
    """FLOP/s of the best large product, TF32 as it is pinned; None where memory is too short."""
    try:
        return _matmul_peak(tf, synchronise)
    except tf.errors.ResourceExhaustedError:
        return None


def _matmul_peak(tf: Any, synchronise: Callable[[], None]) -> float:
    side = _FIRST_SIDE
    while True:
        matrix = tf.random.uniform((side, side))
        best = _seconds(tf, matrix, synchronise)  # and what a first product has to set up
        best = min(best, _seconds(tf, matrix, synchronise))
        if best >= _LONG_ENOUGH or side == _LAST_SIDE:
            break
        side *= 2
    repeats = max(_LEAST_REPEATS, int(_SECONDS / best))
    best = min(best, *(_seconds(tf, matrix, synchronise) for _ in range(repeats)))
    return float(2 * side**3 / best)


def _seconds(tf: Any, matrix: Any, synchronise: Callable[[], None]) -> float:
    synchronise()
    begun = time.perf_counter()
    tf.linalg.matmul(matrix, matrix)
    synchronise()
    return time.perf_counter() - begun
