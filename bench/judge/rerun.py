"""The command that trains one row again."""

from __future__ import annotations

from bench.workloads.registry import EVERY


def command(workload: str, device: str, mode: str, *, to_target: bool = False) -> str:
    """`pytest bench/ -k mlp --device gpu:0 --mode tuned`.

    to_target: the row is that of a training to a target.
    """
    known = EVERY.get(workload)  # a record may name one that is no more
    reads = f" --input {known.input}" if known and known.input else ""
    place = device.rpartition(" of ")[2]  # "gpu:0 of all" is trained with all of them
    chosen = "" if mode == "stock" else f" --mode {mode}"
    if to_target:
        workload = f"'target and {workload}' --time-to-target"
    return f"pytest bench/ -k {workload}{reads} --device {place}{chosen}"
