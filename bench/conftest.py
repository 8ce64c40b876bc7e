"""pytest's side of the benchmark: options, one row a device, the table at the end."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import devices, settings
from bench.devices import Device
from bench.epochs import EpochClock, rounds_of
from bench.errors import GrindstoneError
from bench.report import progress
from bench.run import Run
from bench.session import Session
from bench.trainer import title
from bench.workloads.workload import Mode, Workload

Train = Callable[[Workload, Device, Mode], Run]

_SESSION = pytest.StashKey[Session]()
_PACKAGES = ("pytest", "pytest-benchmark", "nvidia-ml-py", "numpy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Grindstone's own options; `-k` chooses workloads."""
    settings.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Checks what was asked for, before anything is collected."""
    found = devices.find()
    try:
        chosen = settings.read_settings(config, found)
    except GrindstoneError as error:
        raise pytest.UsageError(f"bench: {error}") from error
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    config.stash[_SESSION] = Session(chosen, found, versions)
    if not any(arg.startswith("--benchmark") for arg in config.invocation_params.args):
        config.option.benchmark_quiet = True  # one table is enough; ask for theirs and it is there


def settings_of(config: pytest.Config) -> settings.Settings:
    """What was chosen for this run."""
    return config.stash[_SESSION].chosen


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out what is trained only where it is asked for."""
    if collection_path.name == "test_input.py" and not settings_of(config).inputs:
        return True
    return None


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
    if session.found.why_no_gpu and chosen.devices_asked_for is None:
        lines.append(f"no GPU rows: {session.found.why_no_gpu}")
    return lines


@pytest.hookimpl(trylast=True)  # so that the workload comes first in the id
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each device, and for each mode where the test has several."""
    chosen = settings_of(metafunc.config)
    if "mode" in metafunc.fixturenames:
        rows = [(device, mode) for device in chosen.devices for mode in chosen.modes_on(device)]
        ids = [device.id + ("" if mode == "stock" else f"-{mode}") for device, mode in rows]
        metafunc.parametrize(("device", "mode"), rows, ids=ids)
    elif "device" in metafunc.fixturenames:
        places = [device for device in chosen.devices if not device.mirrored]
        metafunc.parametrize("device", places, ids=[device.id for device in places])


def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives each training a clock of its own; pytest-benchmark reads it from the marker."""
    if isinstance(item, pytest.Function) and "train" in item.fixturenames:
        group = item.callspec.params["workload"].name  # type: ignore[attr-defined]
        item.add_marker(pytest.mark.benchmark(timer=EpochClock(), group=group))


@pytest.fixture
def train(request: pytest.FixtureRequest, benchmark: object) -> Train:
    """Trains a workload on a device in a mode, its steady epochs being the benchmark's rounds."""
    session = request.config.stash[_SESSION]
    clock = request.node.get_closest_marker("benchmark").kwargs["timer"]

    def train(workload: Workload, device: Device, mode: Mode) -> Run:
        epochs = workload.schedules[session.chosen.profile].epochs
        who = title(workload, device, mode)
        try:
            with progress.shown(request.config, who, epochs) as listener:
                run = session.train(
                    workload,
                    device,
                    listener,
                    lambda timings, count: rounds_of(benchmark, clock, timings, count),
                    mode,
                )
        except GrindstoneError as error:
            failure = str(error)
        else:
            own = session.record.results[-1 - len(run.beside)]
            benchmark.extra_info.update(own)  # type: ignore[attr-defined]
            return run
        pytest.fail(failure, pytrace=False)

    return train


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The table, what it says in words, and where the record is."""
    session = config.stash[_SESSION]
    if not session.record.results:
        return
    from bench.report import summary

    terminalreporter.section("what this machine is worth")
    terminalreporter.write(summary.text(session.record, terminalreporter))
