"""What trains a row again, as a person types it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from bench import invocation
from bench.invocation import BENCHMARK
from bench.record.model import TimeToTarget, Training
from bench.record.variant import AS_PUBLISHED, STOCK, Variant, Way
from bench.workloads import EVERY

# Hosts of a fleet train by the playbook, alone or together: it makes the addresses, and says where
# records go.
_PLAYBOOK = "ansible-playbook playbooks/bench.yml"
_OF_THE_ROLE = "--results-dir"


def command(
    words: Sequence[str], variant: Variant = AS_PUBLISHED, *, host: str | None = None
) -> str:
    """What trains with these options, where its reader sits.

    host: of a fleet, by its name in the inventory; that of this run, where it is one.
    """
    if variant.machines:
        batch = " -e benchmark_distributed_batch=scaled" if variant.scaled else ""
        where = f" -e benchmark_distributed=true{batch}"
    elif not (where := limit(host)):
        return f"{BENCHMARK} {shlex.join(words)}".rstrip()
    options = json.dumps({"benchmark_options": without(_OF_THE_ROLE, words)})
    return f"{_PLAYBOOK}{where} -e {shlex.quote(options)}"


def limit(host: str | None = None) -> str:
    """The option that leaves a playbook one host of a fleet; "" outside of fleets."""
    named = host or invocation.FLEET_HOST
    return f" --limit {shlex.quote(named)}" if named else ""


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
