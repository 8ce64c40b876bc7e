"""The command that trains one row again."""

from __future__ import annotations

from bench.record.model import TimeToTarget, Training
from bench.workloads.registry import EVERY


def rerun_command(result: Training) -> str:
    """The command that trains a result's row again."""
    to_target = isinstance(result, TimeToTarget)
    return command(result.workload, result.device.option, result.mode, to_target=to_target)


def command(workload: str, device: str, mode: str, *, to_target: bool = False) -> str:
    """`pytest bench/ -k mlp --device gpu:0 --mode tuned`.

    device: as `--device` takes it.
    """
    known = EVERY.get(workload)  # a record may name one that is no more
    reads = f" --input {known.input}" if known and known.input else ""
    device = device.rpartition(" of ")[2]  # "gpu:0 of all" is trained with all of them
    chosen = "" if mode == "stock" else f" --mode {mode}"
    if to_target:
        workload = f"'target and {workload}' --time-to-target"
    return f"pytest bench/ -k {workload}{reads} --device {device}{chosen}"
