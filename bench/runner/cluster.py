"""The machines that one network is trained over, as `playbooks/bench.yml` names them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from bench.errors import GrindstoneError
from bench.observe.devices import Found, device_groups
from bench.record.head import Device
from bench.record.variant import Variant
from bench.runner import option_values
from bench.worker.messages import Cluster

_MACHINE = re.compile(r"([^=,\s]+)=(\[[0-9a-fA-F:.%\w]+\]|[^\[\]:,\s]+):(\d{1,5})")
# What a training over several machines is not there for, by the option's attribute.
_WITHOUT = (
    *("mode", "xla", "steps_per_execution", "design", "input", "workload"),
    *("time_to_target", "against", "worker_image"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for.

    scaled: whether every machine trains on as many images a step as one alone would.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    index: int
    scaled: bool

    @property
    def job(self) -> Cluster:
        """As the worker takes it."""
        return Cluster(self.names, self.addresses, self.index)

    def variants(self, asked: Iterable[Variant]) -> tuple[Variant, ...]:
        """Each over all machines; then each on the chief alone, which is what they are held to.

        The chief's alone come last: nobody waits for it in between.

        Raises:
            GrindstoneError: one is trained by another backend than TensorFlow.
        """
        given = tuple(asked)
        if any(each.backend for each in given):
            raise GrindstoneError(
                "--cluster and another backend than TensorFlow: machines train together by "
                "TensorFlow alone; leave one of them out"
            )
        count, scaled = len(self.names), self.scaled or None
        together = tuple(replace(each, machines=count, scaled=scaled) for each in given)
        return together if self.index else (*together, *given)


def read(chosen: argparse.Namespace) -> Choice | None:
    """What `--cluster` and its companions say.

    Raises:
        GrindstoneError: it is none, or beside it stands what cannot be.
    """
    words: str | None = chosen.cluster
    if words is None:
        return None
    machines = list(_machines(words))
    names = [name for name, _ in machines]
    if len(machines) < 2 or len(set(machines)) < len(machines) or len({*names}) < len(names):
        raise GrindstoneError(
            f"--cluster {words} is no list of two machines or more, each of them once; give "
            "NAME=HOST:PORT,NAME=HOST:PORT"
        )
    if not 0 <= chosen.cluster_index < len(machines):
        raise GrindstoneError(
            f"--cluster-index {chosen.cluster_index} is none of the {len(machines)} machines; the "
            "first is 0"
        )
    for name in _WITHOUT:
        if getattr(chosen, name, None):
            raise GrindstoneError(
                f"--{name.replace('_', '-')} is not there for a training over several machines; "
                "leave it out"
            )
    if "mixed_float16" in (chosen.precision or ()):
        raise GrindstoneError(
            "--precision mixed_float16 needs its losses scaled, which is not there over several "
            "machines; take mixed_bfloat16"
        )
    scaled = chosen.cluster_batch == "scaled"
    addresses = tuple(address for _, address in machines)
    return Choice(tuple(names), addresses, chosen.cluster_index, scaled)


def _machines(words: str) -> Iterator[tuple[str, str]]:
    for word in words.split(","):
        found = _MACHINE.fullmatch(word.strip())
        if not found or not 1 <= int(found[3]) <= 65535:
            raise GrindstoneError(
                f"--cluster {words}: {word!r} is no machine; give NAME=HOST:PORT, an IPv6 address "
                "in brackets: gpu1=[fd00::1]:29500"
            )
        yield found[1], f"{found[2]}:{found[3]}"


def devices(wanted: list[str] | None, found: Found, machines: Choice | None) -> tuple[Device, ...]:
    """Where to train: of several machines each on one, all of its GPUs if nothing is said.

    Raises:
        GrindstoneError: there is no such device, or it is none for a part of a training.
    """
    if wanted is None and machines:
        cpu, *gpus = found.devices
        groups = [group for group in device_groups(gpus) if group.group == "gpus"]
        return tuple((groups or gpus or [cpu])[:1])
    chosen = option_values.devices(wanted, found)
    if machines and (len(chosen) > 1 or chosen[0].group == "all"):
        raise GrindstoneError(
            f"--device {','.join(wanted or ())}: each machine trains its part on one; give cpu, "
            "gpus or one GPU"
        )
    return chosen
