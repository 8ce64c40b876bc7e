"""What pays: each variant of a training beside the one that it varies, a line a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.record.model import Finished, Result
from bench.report import format as shown
from bench.report import rows

# More are in the table.
_MOST = 3
# What a run gains by less than this may be another run's loss.
_GAIN = 1.05


def lines(results: Sequence[Result]) -> Iterator[str]:
    """`What pays on cpu: mlp: batch 1024, 2.1 times the speed (97.9 %, before 98.1 %)`."""
    told: dict[str, list[str]] = {}
    for first, *others in _beside_each_other(results):
        others.sort(key=lambda each: each.images_per_second, reverse=True)
        gaining = [each for each in others if _speed(first, each) >= _GAIN][:_MOST]
        words = ", ".join(_against(first, each) for each in gaining or others[:1])
        nothing = "" if gaining else "nothing; "
        told.setdefault(first.device.id, []).append(f"{first.workload}: {nothing}{words}")
    for device, of_workloads in told.items():
        yield f"What pays on {device}, beside {_of_what(results)}: {'; '.join(of_workloads)}"


def _beside_each_other(results: Sequence[Result]) -> list[list[Finished]]:
    """The variants of each training; as published, or the first asked for, comes first."""
    every: dict[tuple[object, ...], list[Finished]] = {}
    for each in rows.counted(results):
        if each.machines:  # has a line of its own
            continue
        every.setdefault((each.workload, each.device, each.mode, each.side), []).append(each)
    several = [same for same in every.values() if len(same) > 1]
    return [sorted(same, key=lambda each: each.variant is not None) for same in several]


def _of_what(results: Sequence[Result]) -> str:
    firsts = {str(same[0].way) for same in _beside_each_other(results)}
    return "the published training" if firsts <= {"stock", "tuned"} else shown.and_so([*firsts])


def _speed(first: Finished, other: Finished) -> float:
    return other.images_per_second / first.images_per_second


def _against(first: Finished, other: Finished) -> str:
    """How fast it is, and what it costs in quality."""
    metric, told = other.quality.metric, f"{other.way} {shown.times(_speed(first, other))}×"
    before, after = (shown.quality(metric, each.quality.value) for each in (first, other))
    return told if before == after else f"{told} ({after}, before {before})"
