"""The head of a run's record, from what was chosen and found."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence

import bench
from bench.errors import shown
from bench.invocation import FLEET_HOST
from bench.observe import devices
from bench.observe.devices import Found
from bench.options import Settings
from bench.record import head
from bench.record.variant import AS_PUBLISHED
from bench.runner.interpreter import Plan

# Whose versions the record of a benchmark tells.
PACKAGES = ("pytest", "pytest-benchmark", "nvidia-ml-py", "numpy")


def head_of(
    chosen: Settings, found: Found, versions: Sequence[str], started: datetime.datetime
) -> head.Head:
    """What is known of a run when it begins."""
    return head.Head(
        grindstone=bench.__version__,
        started=started,
        machine=devices.describe_machine(found),
        plan=_plan(chosen.plan) if chosen.plan else None,
        settings=head.Settings(
            profile=chosen.profile,
            devices=chosen.devices_asked_for,
            modes=chosen.modes,
            variants=tuple(each for each in chosen.variants if each != AS_PUBLISHED),
            inputs=chosen.inputs,
            time_to_target=chosen.time_to_target,
            data_dir=shown(chosen.data_dir) if chosen.data_dir else None,
            dataset=chosen.dataset,
            synthetic=chosen.synthetic,
            seed=chosen.seed,
            limits=chosen.limits,
            worker_python=str(chosen.worker_python),
            second_worker=str(chosen.second_worker) if chosen.second_worker else None,
            repeats=chosen.repeats,
            interim_checks=chosen.interim_checks,
            against=chosen.against,
            workloads=tuple(str(workload.path) for workload in chosen.workloads),
            rerun_options=chosen.rerun_options,
            experiment=chosen.experiment,
            host=FLEET_HOST or None,
        ),
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in versions},
        },
    )


def _plan(plan: Plan) -> head.Plan:
    versions: dict[str, str] = {plan.backend: plan.version}
    return head.Plan(stack=plan.stack, **versions)
