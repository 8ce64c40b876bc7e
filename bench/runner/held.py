"""What a training is held to: the floor of its workload, data and profile, or none."""

from __future__ import annotations

from bench.datasets.prepared import Prepared
from bench.judge import floors
from bench.judge.floors import Bounds, bounds_or_none, read_evidence
from bench.judge.own import OwnFloors
from bench.options import Settings
from bench.runner.row import Row
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import ProfileName, Workload


def to(row: Row, prepared: Prepared | None, settings: Settings) -> Bounds | OwnFloors:
    """The floor of a row; what learns otherwise, or from other images, has none."""
    if isinstance(row.workload, OwnWorkload):
        return OwnFloors(row.workload.floors)
    assert prepared is not None
    variant = row.way.variant
    otherwise = variant.batch or variant.scaled or variant.design or settings.epochs
    if otherwise or settings.images:
        return floors.none(row.workload.metric)
    return bounds(row.workload, prepared, settings.profile)


def bounds(workload: Workload, prepared: Prepared, profile: ProfileName) -> Bounds:
    """The floor of a workload on these data."""
    data = prepared.dataset
    if data.name != workload.dataset:  # other data of MNIST's shape, whose floors are not MNIST's
        return floors.none(workload.metric)
    return bounds_or_none(workload, data.kind, profile, data.baselines, read_evidence())
