"""What to change of the options where nothing fits: the least that makes something fit."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..host_facts import HostFacts
from ..requirements import msgspec
from .matrix import listed
from .options import Options, RefusedError
from .plan import Plan

# What is tried in turn: the least change first.
_CHANGES: list[dict[str, str]] = [
    {"driver_origin": "nvidia"},
    {"driver_origin": "distribution"},
    {"tensorflow": ""},
    {"python": ""},
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
    {"driver": "keep"},
    {"cuda": "none", "driver": "skip"},
    {"cuda": "none", "driver": "skip", "tensorflow": "", "python": ""},
]


def nearest(
    facts: HostFacts, options: Options, resolve: Callable[[HostFacts, Options], Plan]
) -> str:
    """What to set for which stack, in words; "" where nothing helps.

    The disk and an interrupted package manager are another matter.
    """
    packages = msgspec.structs.replace(facts.packages, half_installed=(), locked=False)
    facts = msgspec.structs.replace(
        facts, packages=packages, free_mb=sys.maxsize, free_boot_mb=None
    )
    for change in _CHANGES:
        other = msgspec.structs.replace(options, **change)
        if other == options:
            continue
        try:
            record = resolve(facts, other).record
        except RefusedError:
            continue
        steps = [key for key in change if getattr(options, key) != change[key]]
        setting = [f"plan_{key}={change[key]}" for key in steps if change[key]]
        leaving = [f"plan_{key}" for key in steps if not change[key]]
        said = [f"set {listed(setting, 'and')}"] if setting else []
        said += [f"leave {listed(leaving, 'and')} empty"] if leaving else []
        return f"{' and '.join(said)} for TensorFlow {record.tensorflow.version} ({record.stack})"
    return ""
