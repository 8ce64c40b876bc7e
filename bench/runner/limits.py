"""How long a worker may be silent before it counts as hung."""

from __future__ import annotations

from bench.record.head import Limits
from bench.worker.messages import EVALUATION, WARM_UP

# start: importing TensorFlow, loading data, building; a cold disk may need minutes.
# first_epoch: on a GPU that the wheel has no kernels for, compiling alone takes minutes.
DEFAULT = Limits(start=300.0, first_epoch=1800.0, epoch=120.0, patience=20.0)


def all_alike(seconds: float) -> Limits:
    """One limit for every phase, as `--limit` sets it."""
    return Limits(start=seconds, first_epoch=seconds, epoch=seconds, patience=0.0)


def during(limits: Limits, phase: str, longest_epoch: float) -> float:
    """The limit for what the worker is doing now, in s."""
    if phase in ("epoch 1", WARM_UP):
        return limits.first_epoch
    if phase.startswith("epoch") or phase == EVALUATION:
        return max(limits.epoch, limits.patience * longest_epoch)
    return limits.start
