"""What trains a row again, as a person types it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from bench.invocation import BENCHMARK
from bench.record.model import TimeToTarget, Training
from bench.record.variant import AS_PUBLISHED, STOCK, Variant, Way
from bench.workloads import EVERY

# Machines train together by the playbook: it makes the addresses, and says where records go.
_TOGETHER = "ansible-playbook playbooks/bench.yml -e benchmark_distributed=true"
_OF_THE_ROLE = "--results-dir"


def command(words: Sequence[str], variant: Variant = AS_PUBLISHED) -> str:
    """What trains with these options: on this machine, or together where the variant does."""
    if not variant.machines:
        return f"{BENCHMARK} {shlex.join(words)}".rstrip()
    options = json.dumps({"benchmark_options": without(_OF_THE_ROLE, words)})
    batch = " -e benchmark_distributed_batch=scaled" if variant.scaled else ""
    return f"{_TOGETHER}{batch} -e {shlex.quote(options)}"


def rerun_command(result: Training, more: Sequence[str] = ()) -> str:
    """The command that trains a result's row again.  more: options behind those of the row."""
    to_target = isinstance(result, TimeToTarget)
    file = result.file.path if result.file else None
    device = result.device.option
    return row_command(result.workload, device, result.way, file, more, to_target=to_target)


def row_command(
    workload: str,
    device: str,
    way: Way = STOCK,
    file: str | None = None,
    more: Sequence[str] = (),
    *,
    to_target: bool = False,
) -> str:
    """`pytest bench/ -k mlp --device gpu:0 --mode tuned`.

    device: as `--device` takes it.
    file: that the workload is in, where it is none of Grindstone's.
    more: options behind those of the row.
    """
    known = EVERY.get(workload)  # a record may name one that is no more
    words = ["-k", f"target and {workload}", "--time-to-target"] if to_target else ["-k", workload]
    if known and known.input:
        words += ["--input", known.input]
    if file:
        words = ["--workload", file]
    words += ["--device", device, *shlex.split(way.options), *more]
    return command(words, way.variant)


def without(name: str, words: Sequence[str]) -> list[str]:
    """Options but the one of that name."""
    return [word for word in words if word.partition("=")[0] != name]
