"""Several runs of one machine as one record, as if all their repeats had been trained in one run.

A record has one head, so only what differs from run to run anyway may differ: when it began, and
which rows and repeats were asked for.  Runs of several machines stay records of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from bench.errors import RecordError
from bench.record.head import WITHHELD, Settings
from bench.record.model import Record, Training

_T = TypeVar("_T", bound=Training)
_Run = tuple[Path, Record]

# The settings in which runs may differ; all else of the head must be the same.
_ASKED_FOR = (
    *("devices", "modes", "inputs", "time_to_target", "repeats", "interim_checks", "against"),
    *("workloads", "variants"),
)
_OF_ITS_OWN = ("started", "results", "time_to_target", "due", "words", "ended")


def merged(runs: Sequence[_Run]) -> Record:
    """The record of all trainings, each run's repeats counted on from those before it.

    runs: two at least, in any order; the head is that of the first to begin.

    Raises:
        RecordError: they are not of one machine and one setting, or hold a training twice.
    """
    ordered = sorted(runs, key=lambda run: (run[1].started, run[0]))
    for one, other in itertools.combinations(ordered, 2):
        _refuse_unlike(one, other)
    records = [record for _, record in ordered]
    before = list(itertools.accumulate(map(_repeats, records), initial=0))
    return replace(
        records[0],
        settings=_settings(records, before),
        results=_renumbered([each.results for each in records], before),
        time_to_target=_renumbered([each.time_to_target for each in records], before),
        due=(),
        words=(),
        ended=True,
    )


def _refuse_unlike(one: _Run, other: _Run) -> None:
    (path, record), (other_path, later) = one, other
    if WITHHELD in (record.machine.host, later.machine.host):
        shared = path if record.machine.host == WITHHELD else other_path
        raise RecordError(f"{shared} is a shared record and tells no machine; merge before sharing")
    trees = [
        {
            name: value
            for name, value in msgspec.to_builtins(each).items()
            if name not in _OF_ITS_OWN
        }
        for each in (record, later)
    ]
    for tree in trees:
        tree["settings"] = {k: v for k, v in tree["settings"].items() if k not in _ASKED_FOR}
    differs = next(_differences(trees[0], trees[1]), None)
    if differs is not None:
        raise RecordError(
            f"{path} and {other_path} are no runs of one kind: {differs}; compare them, export "
            "them together or put them on one page"
        )
    if any(each in later.results for each in record.results) or any(
        each in later.time_to_target for each in record.time_to_target
    ):
        raise RecordError(f"{path} and {other_path} hold the same training; name each run once")


def _differences(one: Any, other: Any, member: str = "") -> Iterator[str]:
    """`machine.driver 580.95.05 → 595.12`."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from _differences(one.get(name), other.get(name), f"{member}.{name}".lstrip("."))
    elif one != other:
        yield f"{member} {_said(one)} → {_said(other)}"


def _said(value: Any) -> str:
    """A list by its words."""
    return " ".join(map(str, value)) or "none" if isinstance(value, tuple | list) else str(value)


def _repeats(record: Record) -> int:
    """The highest number that one of its repeats has."""
    every = (*record.results, *record.time_to_target)
    return max((each.repeat for each in every), default=0)


def _renumbered(parts: Sequence[Sequence[_T]], before: Sequence[int]) -> tuple[_T, ...]:
    """All trainings; pairs of two sides keep a number in common."""
    return tuple(
        replace(each, repeat=each.repeat + offset)
        for part, offset in zip(parts, before, strict=False)
        for each in part
    )


def _settings(records: Sequence[Record], before: Sequence[int]) -> Settings:
    """What all of them asked for together.

    Whoever merges may have looked at each before, so that each counts as a check.
    """
    every = [record.settings for record in records]
    checks = {
        min(check, count) + offset
        for each, offset, count in zip(every, before, map(_repeats, records), strict=False)
        for check in each.interim_checks
    }
    return replace(
        every[0],
        devices=_union([each.devices for each in every]),
        modes=_union([each.modes for each in every]),
        inputs=_union([each.inputs for each in every]) or (),
        time_to_target=any(each.time_to_target for each in every),
        repeats=max(before[-1], 1),
        interim_checks=tuple(sorted(checks)),
        against=None,
        workloads=_union([each.workloads for each in every]) or (),
        variants=_union([each.variants for each in every]) or (),
    )


def _union(asked: Sequence[tuple[Any, ...] | None]) -> tuple[Any, ...] | None:
    """Each word once; None, which is all, where one of them is that."""
    words: dict[Any, None] = {}
    for each in asked:
        if each is None:
            return None
        words |= dict.fromkeys(each)
    return tuple(words)
