"""Runs whose pages show all that a page may: GPUs, tuned, steps, targets, warnings."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.page import content
from bench.page.history import Past
from bench.record.comparable import Rows
from bench.record.head import Experiment
from bench.record.model import Finished, Record
from bench.record.telemetry import ByEpoch
from bench.record.variant import Variant
from bench.report.fleet.reading import Fleet, Member
from bench.workloads import WORKLOADS
from tests.support import records
from tests.support.records import CPU, H100, epochs, quality, record, result, telemetry


def full(steady: int = 14) -> Record:
    """Every workload on the CPU and a GPU, stock and tuned."""
    ways = ((CPU, "stock", 1.0), (H100, "stock", 0.08), (H100, "tuned", 0.03))
    seconds = dict(zip(WORKLOADS, (3.1, 1.5, 4.3, 3.3, 8.0), strict=True))
    trained = [
        _trained(name, steady, seconds[name] * share, device=device, mode=mode)
        for name in WORKLOADS
        for device, mode, share in ways
    ]
    return record(trained, [records.time_to_target("convnet", H100)])


def _trained(name: str, steady: int, seconds: float, **members: Any) -> Finished:
    drawn = random.Random(name)
    timed = [2.2 * seconds, *(seconds * (1 + drawn.gauss(0, 0.01)) for _ in range(steady))]
    if members["device"] is H100:
        seen = telemetry(energy={"gross_per_epoch": 620.0})
        strips = (tuple(base + drawn.gauss(0, 1) for _ in timed[1:]) for base in (1980, 320, 45))
        members["telemetry"] = replace(seen, by_epoch=ByEpoch(*strips))
    made = result(name, **members)
    memory = tuple(10**9 + number for number in range(steady + 1))
    losses = tuple(1.2 * 0.8**number for number in range(steady + 1))
    return replace(made, epochs=replace(epochs(timed), loss=losses, memory=memory))


def past(now: Record, medians: list[float]) -> Past:
    """Earlier runs of the same, whose epochs took as long as that."""
    earlier = [
        Rows.of(
            Path(f"{number}.json"),
            replace(
                now,
                results=tuple(
                    replace(each, epochs=epochs([seconds] * (len(each.epochs.steady) + 1)))
                    for each in now.results
                    if isinstance(each, Finished)
                ),
            ),
        )
        for number, seconds in enumerate(medians)
    ]
    return Past(now, tuple(earlier))


def shown(made: Record, of: Past | None = None) -> content.Run:
    """What the page of a record shows."""
    return content.run(made, None, of or Past(made))


def experiment(values: dict[Variant | None, list[float]], name: str = "grind-pooling") -> Record:
    """Trainings of an experiment: the qualities of each arm, a seed each."""
    results = [
        result(
            "post",
            variant=variant,
            seed=seed,
            repeat=seed,
            quality=replace(quality("post", value), training=value - 10, ok=True, reason=None),
        )
        for variant, of_arm in values.items()
        for seed, value in enumerate(of_arm, start=1)
    ]
    head = record(results)
    return replace(head, settings=replace(head.settings, experiment=Experiment(name=name)))


def learned() -> Finished:
    """A training on the CPU whose learning curve dips and overfits."""
    timed = replace(
        epochs([1.0] * 12),
        quality=(0.95, 0.98, 0.97, 0.982, 0.981, 0.98, 0.981, 0.965, 0.964, 0.963, 0.962, 0.961),
        training=(0.1, *(0.95 + 0.004 * number for number in range(12))),
        loss=tuple(1 / number for number in range(1, 13)),
    )
    return replace(result("mlp"), epochs=timed)


def fleet(why: str = "it could not be reached") -> Fleet:
    """Three hosts, one of them odd, and one that has no record, which is why."""
    hosts = tuple(
        Member(f"gpu{n}", Path(f"gpu{n}.json"), record([result("mlp", H100, seconds=(2, t, t))]))
        for n, t in enumerate((1.0, 1.0, 1.2), start=1)
    )
    return Fleet(hosts, {"gpu4": why})
