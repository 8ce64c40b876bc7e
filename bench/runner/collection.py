"""pytest's side of a run: fixtures, which trainings the tests are, and their times as rounds.

A test's rounds are what a child measured: `benchmark.pedantic` times its target with the timer that
the test's marker names, here a clock that each round moves by exactly the child's time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from bench.datasets import cache
from bench.errors import GrindstoneError, shown
from bench.record import codec, ending
from bench.record.head import Device, Due
from bench.record.model import Failed, Finished, Result, TargetResult, TimeToTarget
from bench.record.repeats import ALONE, Repeat, in_turn
from bench.record.variant import STOCK
from bench.runner import remaining, time_to_target
from bench.runner.events import Listener, Planned
from bench.runner.option_values import ON_REQUEST_FILE
from bench.runner.row import Row, title
from bench.runner.session import Session
from bench.workloads import EVERY
from bench.workloads.backend import BACKENDS
from bench.workloads.own import OwnWorkload

if TYPE_CHECKING:
    from bench.options import Settings


class EpochClock:
    """A timer that only rounds move.  Use one per test: `pytest.mark.benchmark(timer=clock)`."""

    __name__ = "EpochClock"

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """Seconds since `reset`."""
        return self._now

    def reset(self) -> None:
        """Back to zero, so that a round's length is not the difference of two large numbers."""
        self._now = 0.0

    def advance(self, seconds: float) -> None:
        """Moves the clock."""
        self._now += seconds


def rounds_of(benchmark: Any, clock: EpochClock, seconds: Sequence[float]) -> None:
    """Has pytest-benchmark take times that are known for its rounds, if there are any."""
    if not seconds:
        return
    each = iter(seconds)
    benchmark.pedantic(
        lambda: clock.advance(next(each)), setup=clock.reset, rounds=len(seconds), iterations=1
    )


SESSION = pytest.StashKey[Session]()
LISTENER = pytest.StashKey[Listener]()
ROWS = pytest.StashKey[list[Row]]()

Train = Callable[[Row], Sequence[Result]]
TrainToTarget = Callable[[Row], TargetResult]


@pytest.fixture
def repeat() -> Repeat:
    """Which of its row's repeats a test is: with `--processes`, pytest parametrises it."""
    return ALONE


@pytest.fixture
def train(request: pytest.FixtureRequest, benchmark: Any, repeat: Repeat) -> Train:
    """Trains a row, whose steady epochs are the benchmark's rounds."""

    def train(row: Row) -> Sequence[Result]:
        session = request.config.stash[SESSION]
        with _failing():
            results = session.train(row, repeat)
        if not results:
            _leave_out(row, session)
        tell(request.node, benchmark, results)
        if isinstance(results[0], Finished) and results[0].quality.ok:
            rounds_of(benchmark, _clock(request), results[0].epochs.steady)
        return results

    return train


@pytest.fixture
def train_to_target(
    request: pytest.FixtureRequest, benchmark: Any, repeat: Repeat
) -> TrainToTarget:
    """Trains a row from several seeds, whose times to the last target are the rounds."""

    def train_to_target(row: Row) -> TargetResult:
        with _failing():
            result = request.config.stash[SESSION].train_to_target(row, repeat)
        tell(request.node, benchmark, [result])
        if isinstance(result, TimeToTarget) and result.quality.ok:
            reached = [each for each in result.targets[-1].seconds if each is not None]
            rounds_of(benchmark, _clock(request), reached)
        return result

    return train_to_target


def tell(item: pytest.Item, benchmark: Any, results: Sequence[Result | TargetResult]) -> None:
    """Gives other people's tools what came of a training: figures for junit, names for groups."""
    benchmark.extra_info.update(codec.to_json(results[0]))
    benchmark.params = {name: _named(value) for name, value in parameters(item).items()}
    for each in results:
        of = f"{each.device.id} " if len(results) > 1 else ""
        item.user_properties += [(f"{of}{name}", value) for name, value in figures(each).items()]


def figures(result: Result | TargetResult) -> dict[str, str | float]:
    """A result's verdict and figures, by name."""
    if isinstance(result, Failed):
        return {"verdict": ending.word(result)}
    told: dict[str, str | float] = {"verdict": ending.word(result)}
    if isinstance(result, Finished):
        told["median_epoch_seconds"] = result.epochs.median
        told["images_per_second"] = result.images_per_second
        if result.inference and (answers := result.inference.value):
            told["latency_seconds"] = answers.latency.median
            told["inference_images_per_second"] = answers.throughput.images_per_second
        if result.quality.value is not None:
            told[result.quality.metric] = result.quality.value
    elif (seconds := result.targets[-1].median_seconds) is not None:
        told["seconds_to_target"] = seconds
    return told


def _named(value: Any) -> str:
    """A test's parameter as a person calls it: a workload, a device, a way, a repeat."""
    if isinstance(value, (Device, Repeat)):
        return value.id
    return str(getattr(value, "name", value))


def _leave_out(row: Row, session: Session) -> NoReturn:
    """Skips what cannot be trained; fails where nothing else of it is trained either."""
    told = f"{row.title}: left out: {session.why_left_out(row)}"
    rows = [Row(row.workload, row.device, *way) for way in session.settings.ways_on(row.device)]
    if all(map(session.why_left_out, rows)):
        pytest.fail(told, pytrace=False)
    pytest.skip(told)


def must_pass(results: Iterable[Result | TargetResult]) -> None:
    """Fails the test of what did not train, or did not learn what it should."""
    told = [line for each in results if (line := _what_is_wrong(each))]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def _what_is_wrong(result: Result | TargetResult) -> str | None:
    if isinstance(result, Failed):
        return result.reason
    to_target = ", to target" if isinstance(result, TimeToTarget) else ""
    who = title(result.workload, result.device, result.way) + to_target
    return f"{who}: {result.quality.reason}" if result.quality.reason else None


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Fails the test, without a traceback, where something could not be recorded."""
    try:
        yield
    except GrindstoneError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _clock(request: pytest.FixtureRequest) -> EpochClock:
    clock = request.node.get_closest_marker("benchmark").kwargs["timer"]
    assert isinstance(clock, EpochClock)
    return clock


_HERE = Path(__file__).resolve().parents[1]
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
    devices = [device for device in settings.devices if not (to_target and device.group)]
    if "way" in metafunc.fixturenames:
        # Targets are what the published network reaches.
        ways_on = settings.published_ways_on if to_target else settings.ways_on
        ways = [(device, way) for device in devices for way in ways_on(device)]
        metafunc.parametrize(("device", "way"), ways, ids=[at.id + way.id for at, way in ways])
    else:
        devices = [device for device in devices if device.group != "gpus"]
        metafunc.parametrize("device", devices, ids=[device.id for device in devices])
    # A training to targets has seeds instead of repeats: one is enough.
    repeats = in_turn(1 if to_target else settings.interim_checks[0], sides=False)
    if len(repeats) > 1:
        metafunc.parametrize("repeat", repeats, ids=[each.id for each in repeats])


def left_out(path: Path, settings: Settings) -> bool:
    """Whether what a file trains was not asked for."""
    published = not settings.workloads
    asked = {
        "test_mnist.py": published,
        "test_grind.py": published,
        "test_own.py": not published,
        ON_REQUEST_FILE: published and bool(settings.on_request),
        "test_input.py": bool(settings.inputs),
        "test_target.py": settings.time_to_target,
        TRAINS_ON: settings.against is not None and len(settings.interim_checks) > 1,
    }
    return path.parent == _HERE and not asked.get(path.name, True)


def keep_order(items: list[pytest.Item]) -> Callable[[list[pytest.Item]], None]:
    """Remembers the trainings' order, and takes away what comes behind them all.

    Returns what puts them back, whoever has shuffled them since, in the places that they have:
    every row's first repeat, then every row's second one, …, and what trains on where that is
    asked for.  What slows the machine for a quarter of an hour then meets all rows alike.
    """
    last = [item for item in items if item.path.name == TRAINS_ON and item.path.parent == _HERE]
    items[:] = [item for item in items if item not in last]
    position = {item: number for number, item in enumerate(items)}

    def restore(items: list[pytest.Item]) -> None:
        ours = {item for item in items if _row(item)}
        in_order = iter(sorted(ours, key=lambda item: (*_turn(item), position[item])))
        items[:] = [next(in_order) if item in ours else item for item in items]
        items += last if rows(items) else []

    return restore


def _turn(item: pytest.Item) -> tuple[bool, int]:
    """When a test has its turn: what other machines take part in before what they do not."""
    row = _row(item)
    return not (row and row.way.variant.machines), repeat_of(item).number


def rows(items: Sequence[pytest.Item]) -> list[Row]:
    """The rows that the tests train, each once; those to a target are no rows."""
    every = [row for item in items if not _to_target(item) and (row := _row(item))]
    return list({(row.workload.name, row.device, row.way): row for row in every}.values())


def rows_and_targets(items: Sequence[pytest.Item]) -> list[Row]:
    """The rows that the tests train, those to a target too."""
    return [row for item in items if (row := _row(item))]


def planned(items: Sequence[pytest.Item], settings: Settings) -> tuple[Planned, ...]:
    """The trainings of the tests, in their order."""
    made = []
    for item in items:
        row = _row(item)
        if row and _to_target(item):
            epochs = time_to_target.schedule(row.published, settings.profile).epochs
            made.append(Planned(f"{row.title}, to target", epochs))
        elif row:
            title = f"{row.title}{repeat_of(item).suffix}"
            made.append(Planned(title, settings.schedule(row.workload).epochs))
    return tuple(made)


def due(items: Sequence[pytest.Item], settings: Settings) -> list[Due]:
    """The same as the record has them."""
    return [
        Due(
            title=each.title,
            workload=row.workload.name,
            path=str(row.workload.path) if isinstance(row.workload, OwnWorkload) else None,
        )
        for each, row in zip(planned(items, settings), rows_and_targets(items), strict=True)
    ]


def not_trained(session: pytest.Session) -> str | None:
    """What a run that was ended early has not trained, and how to; None where it was not."""
    stopped = session.shouldstop or session.shouldfail
    if not stopped and session.exitstatus != pytest.ExitCode.INTERRUPTED:
        return None
    return remaining.line(session.config.stash[SESSION].record.record)


def add_clock(item: pytest.Item) -> None:
    """Gives a training a clock of its own; pytest-benchmark reads it from the marker."""
    row = _row(item)
    if row:
        group = row.workload.name + (" to target" if _to_target(item) else "")
        item.add_marker(pytest.mark.benchmark(timer=EpochClock(), group=group))
        # What failed is told already; there is no time to give to pytest-benchmark.  The mark is
        # one of a plugin that may be left out (-p no:warnings), and the marks are strict.
        if item.config.pluginmanager.hasplugin("warnings"):
            item.add_marker(pytest.mark.filterwarnings("ignore:Benchmark fixture was not used"))


def header(settings: Settings, *, verbose: bool) -> list[str]:
    """What a run trains on, and how often where that is more than once."""
    devices = ", ".join(f"{device.id} ({device.name})" for device in settings.devices)
    lines = [f"profile {settings.profile} on {devices}"]
    if settings.interim_checks != (1,):
        *fewer, most = map(str, settings.interim_checks)
        times = (
            f"{', '.join(fewer)} or {most} times until it is clear" if fewer else f"{most} times"
        )
        lines[0] += f", every row {times}, the rows in turn"
    lines += _of_files(settings)
    if told := cache.warning(cache.directory(settings.cache_dir)):
        lines.append(told)
    if verbose:
        lines += [
            f"worker: {settings.worker_python} ({settings.worker_chosen_by})",
            f"plan: {settings.plan or 'none on this host; ./run site makes one'}",
            f"seed: {settings.seed}",
        ]
    return lines


def _of_files(settings: Settings) -> Iterator[str]:
    """What files of one's own do that is no part of a row, or has no effect."""
    for each in settings.workloads:
        if each.trains:
            yield (
                f"{shown(each.path.name)}:{each.trains}: fit trains here as well whenever the file "
                'is run, off the clock; put it below `if __name__ == "__main__":`'
            )
        name, line = each.backend or ("", 0)
        if name and name not in settings.backends:
            instead = f"; to choose that: --backend {name}" if name in BACKENDS else ""
            yield (
                f"{shown(each.path.name)}:{line}: KERAS_BACKEND {shown(name)} chooses nothing "
                f"here: {', '.join(settings.backends)} trains{instead}"
            )


def none_chosen(settings: Settings, keyword: str) -> str:
    """That `-k` chooses no row, and what it may choose from."""
    names = [each.name for each in settings.workloads] or [
        each.name for each in EVERY.values() if not each.learns_like
    ]
    return f"-k {shown(keyword)} chooses nothing; there are {', '.join(map(shown, names))}"


def _row(item: pytest.Item) -> Row | None:
    chosen = parameters(item)
    if "workload" not in chosen:
        return None
    return Row(chosen["workload"], chosen["device"], *chosen.get("way", STOCK))


def _to_target(item: pytest.Item) -> bool:
    return "train_to_target" in getattr(item, "fixturenames", ())
