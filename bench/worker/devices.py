"""What this process may train on, and what would differ between devices if it were not pinned."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.worker import backends, environment
from bench.worker.backends.backend import Backend
from bench.worker.messages import Job, Phase, Ready, Say
from bench.workloads.backend import FRAMEWORKS


def start(job: Job, say: Say) -> tuple[Backend, Ready]:
    """Imports the backend, says what it trains with, and has all that is random begin anew.

    Raises:
        RuntimeError: the backend does not see what the parent asked for.
    """
    say(Phase(f"{backends.title(job)}'s import"))
    backend = backends.load(job)
    told = ready(backend, job)
    backend.keras.utils.set_random_seed(job.seed)
    say(told)
    return backend, told


def ready(backend: Backend, job: Job) -> Ready:
    """The environment and the device that the job is trained with.

    Raises:
        RuntimeError: the backend does not see what the parent asked for.
    """
    import numpy as np

    return Ready(
        python=platform.python_version(),
        interpreter=sys.executable,
        **{job.backend: backend.version},
        keras=backend.keras.__version__,
        numpy=np.__version__,
        device=_only_devices(backend, job),
        replicas=job.replicas,
        pid=os.getpid(),
        pinned=environment.pinned(backend, job),
    )


def _only_devices(backend: Backend, job: Job) -> str:
    """The name of the device that this process may train on, or of the devices."""
    gpus = backend.gpus()
    if not job.is_gpu:
        if gpus:
            raise RuntimeError("this CPU run can see a GPU: CUDA_VISIBLE_DEVICES did not hide it")
        if job.replicas > 1:
            backend.split_cpu(job.replicas)
        return "CPU"
    if len(gpus) != job.replicas:
        given = "one was" if job.replicas == 1 else f"{job.replicas} were"
        known = FRAMEWORKS[job.backend]
        raise RuntimeError(
            f"{known.title} sees {len(gpus)} GPUs where {given} given to it; the lines above name "
            f"the library that it could not load, or it is not {known.package} that is installed"
        )
    return ", ".join(gpus)


def peak_throughput(backend: Backend) -> float | None:
    """Peak matmul throughput of all devices together, in FLOP/s: the first one's, as often."""
    peak = matmul_peak(backend)
    return peak and peak * max(1, len(backend.gpus()))


def resident_memory() -> int | None:
    """Bytes of this process that lie in memory; None where the kernel does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError, IndexError):
        return None


def memory_peak(backend: Backend) -> int | None:
    """The most memory that the backend held on a GPU, in bytes; None on the CPU."""
    return max(backend.memory_peaks(), default=None)


# Products of this side are tried first; the side doubles until one takes long enough.
_FIRST_SIDE = 1024
# Three matrices of this side hold 768 MiB, and a product keeps even the fastest GPU busy for 2 ms.
_LAST_SIDE = 8192
# Long beside a launch and a synchronisation (0.1 ms), so that these do not count.
_LONG_ENOUGH = 0.02
# The best of all that fit in so long: a neighbour or a clock that has to rise first slows some.
_SECONDS = 0.7
_LEAST_REPEATS = 3


def matmul_peak(backend: Backend) -> float | None:
    """FLOP/s of the best large product, TF32 as it is pinned; None where memory is too short."""
    try:
        return _matmul_peak(backend)
    except backend.out_of_memory:
        return None


def _matmul_peak(backend: Backend) -> float:
    side = _FIRST_SIDE
    while True:
        product = backend.product(side)
        best = _seconds(product, backend.synchronise)  # and what a first product has to set up
        best = min(best, _seconds(product, backend.synchronise))
        if best >= _LONG_ENOUGH or side == _LAST_SIDE:
            break
        side *= 2
    repeats = max(_LEAST_REPEATS, int(_SECONDS / best))
    best = min(best, *(_seconds(product, backend.synchronise) for _ in range(repeats)))
    return float(2 * side**3 / best)


def _seconds(product: Callable[[], object], synchronise: Callable[[], None]) -> float:
    synchronise()
    begun = time.perf_counter()
    product()
    synchronise()
    return time.perf_counter() - begun
