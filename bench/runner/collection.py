"""What pytest has collected, as rows, repeats and epochs; and the lines above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from bench.record.repeats import ALONE, Repeat, in_turn
from bench.runner import time_to_target
from bench.runner.events import Planned
from bench.runner.rounds import EpochClock
from bench.runner.row import Row

if TYPE_CHECKING:
    from bench.options import Settings

# The tests that train on what is left unclear when all others have trained.
TRAINS_ON = "test_against.py"


def parameters(item: pytest.Item) -> Mapping[str, Any]:
    """What a test is parametrised with."""
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def repeat_of(item: pytest.Item) -> Repeat:
    """Which of its row's repeats a test is."""
    repeat: Repeat = parameters(item).get("repeat", ALONE)
    return repeat


def parametrize(metafunc: pytest.Metafunc, settings: Settings) -> None:
    """One test for each device, for each mode where the test has several, and for each repeat."""
    if "device" not in metafunc.fixturenames:
        return
    to_target = "train_to_target" in metafunc.fixturenames
    places = [device for device in settings.devices if not (to_target and device.group)]
    if "mode" in metafunc.fixturenames:
        modes = [(device, mode) for device in places for mode in settings.modes_on(device)]
        ids = [device.id + ("" if mode == "stock" else f"-{mode}") for device, mode in modes]
        metafunc.parametrize(("device", "mode"), modes, ids=ids)
    else:
        places = [device for device in places if device.group != "gpus"]
        metafunc.parametrize("device", places, ids=[device.id for device in places])
    # A training to targets has its seeds in the place of repeats: one is enough.
    repeats = in_turn(1 if to_target else settings.interim_checks[0], sides=False)
    if len(repeats) > 1:
        metafunc.parametrize("repeat", repeats, ids=[each.id for each in repeats])


def rows(items: Sequence[pytest.Item]) -> list[Row]:
    """The rows that the tests train, each once; those to a target are no rows."""
    every = [row for item in items if not _to_target(item) and (row := _row(item))]
    return list({(row.workload.name, row.device, row.mode): row for row in every}.values())


def planned(items: Sequence[pytest.Item], settings: Settings) -> tuple[Planned, ...]:
    """The trainings of the tests, in their order."""
    made = []
    for item in items:
        row = _row(item)
        if row and _to_target(item):
            epochs = time_to_target.schedule(row.workload, settings.profile).epochs
            made.append(Planned(f"{row.title}, to target", epochs))
        elif row:
            title = f"{row.title}{repeat_of(item).suffix}"
            made.append(Planned(title, row.workload.schedules[settings.profile].epochs))
    return tuple(made)


def add_clock(item: pytest.Item) -> None:
    """Gives a training a clock of its own; pytest-benchmark reads it from the marker."""
    row = _row(item)
    if row:
        group = row.workload.name + (" to target" if _to_target(item) else "")
        item.add_marker(pytest.mark.benchmark(timer=EpochClock(), group=group))


def header(settings: Settings, *, verbose: bool) -> list[str]:
    """What a run trains on, and how often where that is more than once."""
    places = ", ".join(f"{device.id} ({device.name})" for device in settings.devices)
    lines = [f"profile {settings.profile} on {places}"]
    if settings.interim_checks != (1,):
        *fewer, most = map(str, settings.interim_checks)
        times = (
            f"{', '.join(fewer)} or {most} times until it is clear" if fewer else f"{most} times"
        )
        lines[0] += f", every row {times}, the rows in turn"
    if verbose:
        lines += [
            f"worker: {settings.worker_python} ({settings.worker_chosen_by})",
            f"plan: {settings.plan or 'none on this host; ./run site makes one'}",
            f"seed: {settings.seed}",
        ]
    return lines


def _row(item: pytest.Item) -> Row | None:
    chosen = parameters(item)
    if "workload" not in chosen:
        return None
    return Row(chosen["workload"], chosen["device"], chosen.get("mode", "stock"))


def _to_target(item: pytest.Item) -> bool:
    return "train_to_target" in getattr(item, "fixturenames", ())
