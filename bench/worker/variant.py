"""What of a training is otherwise than published, where the job asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.worker.messages import Job
from bench.workloads import EVERY
from bench.workloads.design import UNCHANGED
from bench.workloads.workload import Workload


def workload(job: Job) -> Workload:
    """The job's workload, with its batch and design."""
    published = EVERY[job.workload].for_classes(job.classes)
    if job.design != UNCHANGED:
        published = published.changed_by(job.design)
    return replace(published, batch=job.batch) if job.batch else published


def set_calls(model: Any, job: Job, *, compiles: bool) -> None:
    """Sets how `fit` calls a compiled model of Keras 3: whether by XLA, and for how many steps."""
    if compiles:
        model.jit_compile = True
    if job.steps > 1:
        model.steps_per_execution = job.steps
