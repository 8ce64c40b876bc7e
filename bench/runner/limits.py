"""How long a worker may be silent, by what it is doing."""

from __future__ import annotations

from bench.errors import GrindstoneError
from bench.record.head import Limits
from bench.worker.messages import EVALUATION, INFERENCE_WARM_UP, WARM_UP

# start: importing the backend, loading data, building; a cold disk may need minutes.
# first_epoch: on a GPU that the wheel has no kernels for, compiling alone takes minutes.
DEFAULT_LIMITS = Limits(start=300.0, first_epoch=1800.0, epoch=120.0, patience=20.0)

_LONGEST_LIMIT = 1_000_000


def same_limits(seconds: float) -> Limits:
    """One limit for every phase, as `--limit` sets it."""
    return Limits(start=seconds, first_epoch=seconds, epoch=seconds, patience=0.0)


def chosen_limits(seconds: float | None) -> Limits:
    """The limits that `--limit` sets, or the usual ones.

    Raises:
        GrindstoneError: it is no time.
    """
    if seconds is None:
        return DEFAULT_LIMITS
    if not 0 < seconds <= _LONGEST_LIMIT:  # nan, too, fails this
        raise GrindstoneError(
            f"--limit {seconds:g} is no time; give seconds above 0, {_LONGEST_LIMIT} at most"
        )
    return same_limits(seconds)


def limit_during(limits: Limits, phase: str, longest_epoch: float) -> float:
    """The limit for what the worker is doing now, in s."""
    if phase in ("epoch 1", WARM_UP, INFERENCE_WARM_UP):
        return limits.first_epoch
    if phase.startswith("epoch") or phase == EVALUATION:
        return max(limits.epoch, limits.patience * longest_epoch)
    return limits.start
