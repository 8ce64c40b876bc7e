"""pytest's side of the benchmark: options, one row a device, the table at the end."""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import options
from bench.compare import in_run
from bench.errors import GrindstoneError
from bench.observe import devices
from bench.observe.devices import Device
from bench.record.repeats import ALONE, Process
from bench.report import old_progress as progress
from bench.runner import time_to_target
from bench.runner.rounds import EpochClock, rounds_of, rounds_of_seconds
from bench.runner.run import Run
from bench.runner.session import Session
from bench.runner.supervisor import title
from bench.runner.time_to_target import ToTarget
from bench.workloads.workload import Mode, Workload

Train = Callable[[Workload, Device, Mode], Run]
TrainToTarget = Callable[[Workload, Device, Mode], ToTarget]

_SESSION = pytest.StashKey[Session]()
_ASKED = pytest.StashKey[in_run.Asked | None]()
_COMPARED = pytest.StashKey[in_run.Made]()
_SETTLED = pytest.StashKey[tuple[int, set[Any]]]()  # after how many processes; the rows' names
_PACKAGES = ("pytest", "pytest-benchmark", "nvidia-ml-py", "numpy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Grindstone's own options; `-k` chooses workloads."""
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Checks what was asked for, before anything is collected."""
    found = devices.find()
    try:
        chosen = options.read_settings(config, found)
        config.stash[_ASKED] = in_run.asked(chosen)
    except GrindstoneError as error:
        raise pytest.UsageError(f"bench: {error}") from error
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    config.stash[_SESSION] = Session(chosen, found, versions)
    if not any(arg.startswith("--benchmark") for arg in config.invocation_params.args):
        config.option.benchmark_quiet = True  # one table is enough; ask for theirs and it is there


def settings_of(config: pytest.Config) -> options.Settings:
    """What was chosen for this run."""
    return config.stash[_SESSION].chosen


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out what is trained only where it is asked for."""
    chosen = settings_of(config)
    asked = {"test_input.py": bool(chosen.inputs), "test_target.py": chosen.time_to_target}
    return None if asked.get(collection_path.name, True) else True


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the run's temporary files."""
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What this run trains with, and on."""
    session = config.stash[_SESSION]
    chosen = session.chosen
    places = ", ".join(f"{device.id} ({device.name})" for device in chosen.devices)
    lines = [
        f"plan: {chosen.plan or 'none on this host; ./run site makes one'}",
        f"worker: {chosen.worker_python} ({chosen.worker_chosen_by})",
        f"devices: {places}; profile: {chosen.profile}; seed: {chosen.seed}",
    ]
    if chosen.second_worker:
        lines.append(f"side B: {chosen.second_worker} (--worker-python); side A is the worker")
    asked = config.stash[_ASKED]
    lines += [f"passed over: {line}" for line in (asked.passed_over if asked else ())]
    if len(chosen.trainings) > 1:
        lines.append(f"processes: {_how_many(chosen)} of every row, the rows in turn")
    if session.found.why_no_gpu and chosen.devices_asked_for is None:
        lines.append(f"no GPU rows: {session.found.why_no_gpu}")
    return lines


def _how_many(chosen: options.Settings) -> str:
    """`3`, `12 a side`, `12, 24, 48 or 96 a side, until it is clear,`."""
    *fewer, most = chosen.looks
    count = f"{', '.join(map(str, fewer))} or {most}" if fewer else str(most)
    a_side = " a side" if chosen.second_worker else ""
    return f"{count}{a_side}{', until it is clear,' if fewer else ''}"


@pytest.hookimpl(trylast=True)  # so that the workload comes first in the id
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each device, for each mode where the test has several, and for each process."""
    if "device" not in metafunc.fixturenames:
        return
    chosen, to_target = settings_of(metafunc.config), "train_to_target" in metafunc.fixturenames
    places = [device for device in chosen.devices if not (to_target and device.members)]
    if "mode" in metafunc.fixturenames:
        rows = [(device, mode) for device in places for mode in chosen.modes_on(device)]
        ids = [device.id + ("" if mode == "stock" else f"-{mode}") for device, mode in rows]
        metafunc.parametrize(("device", "mode"), rows, ids=ids)
    else:
        places = [device for device in places if not device.mirrored]
        metafunc.parametrize("device", places, ids=[device.id for device in places])
    # A training to targets has its seeds in the place of processes: one on each side is enough.
    trainings = [each for each in chosen.trainings if each.number == 1 or not to_target]
    if len(trainings) > 1:
        metafunc.parametrize("process", trainings, ids=[process.id for process in trainings])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trains every row's first process, then every row's second one, and so on.

    What slows the machine for a quarter of an hour then meets all rows and both sides alike.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return int(_parameters(item).get("process", ALONE).number)


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    """What a test is parametrised with."""
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Passes over the trainings of a row that is clear after fewer processes."""
    if not _superfluous(item):
        return None
    item.config.hook.pytest_deselected(items=[item])
    # The test before has left standing what this one was to share with it.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def _superfluous(item: pytest.Item) -> bool:
    asked, run = item.config.stash[_ASKED], item.config.stash[_SESSION]
    past = [look for look in run.chosen.looks if look < _turn(item)]
    if not past or asked is None:
        return False
    looked, settled = item.config.stash.get(_SETTLED, (0, set()))
    if past[-1] > looked:
        settled = settled | in_run.settled(asked, run.record, run.chosen)
        item.config.stash[_SETTLED] = (past[-1], settled)
    row = _parameters(item)
    workload, mode = row["workload"].name, row.get("mode", "stock")
    return {(workload, place.id, mode) for place in row["device"].apart} <= settled


def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives each training a clock of its own; pytest-benchmark reads it from the marker."""
    if isinstance(item, pytest.Function) and "benchmark" in item.fixturenames:
        group = item.callspec.params["workload"].name  # type: ignore[attr-defined]
        if "train_to_target" in item.fixturenames:
            group += " to target"
        item.add_marker(pytest.mark.benchmark(timer=EpochClock(), group=group))


@pytest.fixture
def process() -> Process:
    """Which of its row's trainings a test is: with `--processes`, pytest parametrises it."""
    return ALONE


@pytest.fixture
def train(request: pytest.FixtureRequest, benchmark: Any, process: Process) -> Train:
    """Trains a workload on a device in a mode, its steady epochs being the benchmark's rounds."""
    session = request.config.stash[_SESSION]
    clock = _clock(request)

    def train(workload: Workload, device: Device, mode: Mode) -> Run:
        epochs = workload.schedules[session.chosen.profile].epochs
        who = title(workload, device, mode) + session.chosen.place_of(process)
        with _failing(), progress.shown(request.config, who, epochs) as listener:
            run = session.train(
                workload,
                device,
                listener,
                lambda timings, count: rounds_of(benchmark, clock, timings, count),
                mode,
                process,
            )
        benchmark.extra_info.update(session.record.results[-1 - len(run.beside)])
        return run

    return train


@pytest.fixture
def train_to_target(
    request: pytest.FixtureRequest, benchmark: Any, process: Process
) -> TrainToTarget:
    """Trains a workload from several seeds, whose times to the last target are the rounds."""
    session = request.config.stash[_SESSION]
    clock = _clock(request)

    def train_to_target(workload: Workload, device: Device, mode: Mode) -> ToTarget:
        most = time_to_target.schedule(workload, session.chosen.profile).epochs
        side = f", {process.side}" if process.side else ""
        who = f"{title(workload, device, mode)}{side}, to target"
        with _failing(), progress.shown(request.config, who, most) as listener:
            done = session.train_to_target(workload, device, listener, mode, process)
        if done.seconds:
            rounds_of_seconds(benchmark, clock, done.seconds)
        benchmark.extra_info.update(session.record.to_target[-1])
        return done

    return train_to_target


def _clock(request: pytest.FixtureRequest) -> EpochClock:
    clock = request.node.get_closest_marker("benchmark").kwargs["timer"]
    assert isinstance(clock, EpochClock)
    return clock


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Fails the test, without a traceback, of what could not be trained."""
    try:
        yield
    except GrindstoneError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Compares, where that was asked for; exit status 1 when a row is slower."""
    asked, run = session.config.stash[_ASKED], session.config.stash[_SESSION]
    if asked is None or not run.record.results:
        return
    compared = in_run.made(asked, run.record, run.chosen)
    session.config.stash[_COMPARED] = compared
    if compared.any_slower and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The table, what it says in words, and where the record is."""
    record = config.stash[_SESSION].record
    if not (record.results or record.to_target):
        return
    from bench.record import codec
    from bench.report import summary
    from bench.report.screen import Screen

    screen = Screen.of(sys.stdout, colours=terminalreporter.hasmarkup)
    results = {"results": record.results, "to_target": record.to_target}
    typed = codec.from_document({"schema": 2, **record.head, **results}, record.path)
    path = record.path if record.written else None
    terminalreporter.section("Results")
    verbose = config.option.verbose > 0
    terminalreporter.write(summary.text(typed, path, screen, verbose=verbose))
    compared = config.stash.get(_COMPARED, None)
    if compared is not None and compared.rows:
        terminalreporter.section("compared")
        width, colours, encoding = screen.width, screen.colours, screen.encoding
        told = compared.text(width=width, colours=colours, encoding=encoding)
        terminalreporter.write(told)
