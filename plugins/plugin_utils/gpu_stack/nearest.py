"""What to change of the options where nothing fits: the least that makes something fit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..host_facts import HostFacts
from ..requirements import msgspec
from . import left_out
from .options import Options, RefusedError
from .plan import Plan
from .rows import listed

# What is tried in turn: the least change first.
_Change = dict[str, Any]
_CHANGES: list[_Change] = [
    {"driver_origin": "distribution"},
    {"driver_origin": "nvidia"},
    {"tensorflow": ""},
    {"tensorflow_wheel": ""},
    {"container_engine": ""},
    {"container": "", "container_engine": ""},
    {"python": ""},
    {"framework": ""},
    {"driver": ""},
    {"cuda": "wheels"},
    {"tensorflow": "", "python": ""},
    {"driver": "", "driver_origin": "nvidia"},
    {"driver": "", "driver_origin": "distribution"},
    {"cuda": "none"},
    {"cuda": "none", "driver": ""},
    {"cuda": "none", "driver_origin": "nvidia"},
    {"cuda": "none", "driver": "", "driver_origin": "nvidia"},
    {"cuda": "none", "tensorflow": "", "python": ""},
    {"cuda": "none", "framework": ""},
    {"driver": "keep"},
    {"cuda": "none", "driver": "skip"},
    {"cuda": "none", "driver": "skip", "tensorflow": "", "python": ""},
    {"cuda": "none", "tensorflow_wheel": ""},
    {"cuda": "none", "driver": "skip", "tensorflow": "", "python": "", "tensorflow_wheel": ""},
    {"cuda": "none", "container": "", "container_engine": ""},
    {"cuda": "none", "driver": "skip", "container": "", "container_engine": ""},
    {"driver": "skip"},
]


def nearest(
    facts: HostFacts,
    options: Options,
    releases: Sequence[str],
    resolve: Callable[[HostFacts, Options], Plan],
) -> str:
    """What to set for which stack, in words; "" where nothing helps.

    releases: of TensorFlow for GPUs, the newest first: an older one takes an older driver.
    The disk and an interrupted package manager are another matter.
    """
    packages = msgspec.structs.replace(facts.packages, half_installed=(), locked=False)
    facts = msgspec.structs.replace(
        facts, packages=packages, free_mb=sys.maxsize, free_boot_mb=None
    )
    before = _CHANGES.index({"cuda": "none"})
    there = facts.driver.loaded or facts.driver.libraries
    older: list[_Change] = [{"tensorflow": each} for each in releases if there]
    few = [*_leaving_out(facts, options), *older]
    for change in [*_CHANGES[:before], *few, *_CHANGES[before:]]:
        other = msgspec.structs.replace(options, **change)
        if other == options:
            continue
        try:
            record = resolve(facts, other).record
        except RefusedError:
            continue
        steps = [key for key in change if getattr(options, key) != change[key]]
        setting = [f"plan_{key}={_said(change[key])}" for key in steps if change[key]]
        leaving = [f"plan_{key}" for key in steps if not change[key]]
        said = [f"set {listed(setting, 'and')}"] if setting else []
        said += [f"leave {listed(leaving, 'and')} empty"] if leaving else []
        tensorflow = record.tensorflow
        got = f"{tensorflow.title} ({record.stack})" if tensorflow.version else "the image"
        return f"{' and '.join(said)} for {got}"
    return ""


def _leaving_out(facts: HostFacts, options: Options) -> Iterator[_Change]:
    """The oldest GPUs left out, the fewest first."""
    for out in left_out.oldest_first(facts.own_gpus):
        addresses = [gpu.address for gpu in out]
        yield {"ignore_gpus": (*options.ignore_gpus, *addresses)}


def _said(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)
