"""The first start on a GPU that the wheel has no kernels for: they are compiled off the clock.

The driver compiles them and keeps them for the next process: for minutes where the wheel has none
at all for the GPU, in seconds where it lacks but a part.  So a worker trains the
same network for an epoch that nobody times; that it has done so is kept beside the data sets.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace

from bench.datasets import cache
from bench.options import Settings
from bench.runner import events
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job

PHASE = "compiling kernels for this GPU, once"
FOR_MINUTES = f"{PHASE} and for minutes"


def compile_first(
    settings: Settings, driver: str | None, job: Job, launch: Launch, listener: events.Listener
) -> None:
    """Trains for an epoch off the clock where the plan says that a first start compiles.

    driver: its version, for another one compiles anew.

    Raises:
        WorkerError: the worker died, ran out of memory or hung.
    """
    plan = settings.plan
    if not (plan and plan.compiled and launch.device.is_gpu):
        return
    if (launch.interpreter, job.backend) != (plan.interpreter, plan.backend):
        return  # what the plan knows nothing of
    network = (job.workload, job.own.sha256) if job.own else (job.workload,)
    what = (driver, plan.version, launch.device.name, job.replicas, *network, job.mode)
    what += (job.batch, job.precision, job.xla, job.steps, job.design)
    name = hashlib.sha256(repr(what).encode()).hexdigest()[:16]
    done = cache.directory(settings.cache_dir) / "compiled" / name
    if done.exists():
        return
    listener(events.Phase(PHASE if plan.partly else FOR_MINUTES))
    # Alone where several machines train: the others may have compiled it long ago.
    once = replace(job, epochs=1, wait=False, target=None, seeds=(), cluster=None, inference=None)
    with WorkerProcess(once, launch, events.ignore) as worker:
        for _ in worker.epochs():
            pass
        worker.outcome()
    with contextlib.suppress(OSError):  # the next run does it again
        done.parent.mkdir(parents=True, exist_ok=True)
        done.touch()
