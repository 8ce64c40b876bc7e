"""pytest's side of the benchmark: options, a test for each row and repeat, the summary."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench import options
from bench.errors import GrindstoneError
from bench.observe import devices
from bench.page.closing import Closing, close
from bench.report import progress
from bench.runner import collection
from bench.runner.collection import LISTENER, ROWS, SESSION, repeat, train, train_to_target
from bench.runner.events import RunEnded, RunStarted
from bench.runner.session import Session

if TYPE_CHECKING:
    from bench.compare.until_clear import ComparisonRequest

__all__ = ["repeat", "train", "train_to_target"]  # fixtures, which pytest looks for here

REQUEST: pytest.StashKey[ComparisonRequest] = pytest.StashKey()
_CLOSING = pytest.StashKey[Closing]()
_PACKAGES = ("pytest", "pytest-benchmark", "nvidia-ml-py", "numpy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Grindstone's own options; `-k` chooses workloads."""
    group = parser.getgroup("grindstone", "Grindstone: what is trained, on what")
    options.add_options(group.addoption)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Checks what was asked for, before anything is collected."""
    found = devices.find()
    try:
        settings = options.read_settings(config.option, found)
        if settings.against is not None:
            from bench.compare import until_clear

            if request := until_clear.request(settings):
                config.stash[REQUEST] = request
    except GrindstoneError as error:
        raise pytest.UsageError(f"bench: {error}") from error
    config.stash[LISTENER] = progress.listener(config)
    config.stash[SESSION] = Session(settings, found, _PACKAGES, config.stash[LISTENER])
    if not any(arg.startswith("--benchmark") for arg in config.invocation_params.args):
        config.option.benchmark_quiet = True  # one table is enough; ask for theirs and it is there
    if config.option.verbose <= 0:
        config.option.no_header = True  # of pytest and its plugins


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """What this run trains on, and how often."""
    lines = collection.header(config.stash[SESSION].settings, verbose=config.option.verbose > 0)
    skipped = config.stash[REQUEST].skipped if REQUEST in config.stash else ()
    return [*lines, *(f"skipped: {line}" for line in skipped)]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out what is trained only where it is asked for."""
    settings = config.stash[SESSION].settings
    published = not settings.workloads
    asked = {
        "test_mnist.py": published,
        "test_grind.py": published,
        "test_own.py": not published,
        "test_input.py": bool(settings.inputs),
        "test_target.py": settings.time_to_target,
        collection.TRAINS_ON: settings.against is not None and len(settings.interim_checks) > 1,
    }
    return None if asked.get(collection_path.name, True) else True


@pytest.hookimpl(trylast=True)  # so that the workload comes first in the id
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each device, mode and repeat."""
    collection.parametrize(metafunc, metafunc.config.stash[SESSION].settings)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives each training a clock of its own."""
    collection.add_clock(item)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Trains every row's first repeat, then every row's second one, …, and on what is not clear.

    What slows the machine for a quarter of an hour then meets all rows alike.
    """
    last = [item for item in items if item.path.name == collection.TRAINS_ON]
    items[:] = [item for item in items if item not in last]
    yield  # -k chooses from the rows
    config.stash[ROWS] = collection.rows(items)
    items.sort(key=lambda item: collection.repeat_of(item).number)
    items += last if config.stash[ROWS] else []


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tells what is going to be trained."""
    run, settings = session.config.stash[SESSION], session.config.stash[SESSION].settings
    trainings = collection.planned(session.items, settings)
    if trainings and not session.config.option.collectonly:
        try:
            run.check_data(collection.every(session.items))
        except GrindstoneError as error:
            raise pytest.UsageError(f"bench: {error}") from error
        session.config.stash[LISTENER](RunStarted(trainings))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the record whole and compares; exit status 1 when a row is slower."""
    stash = session.config.stash
    stash[LISTENER](RunEnded())
    closing = close(stash[SESSION], stash.get(REQUEST, None))
    if closing is None:
        return
    stash[_CLOSING] = closing
    if not closing.is_well and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The results, the comparison, and where the record is."""
    closing = config.stash.get(_CLOSING, None)
    if closing is None:
        return
    from bench.report.format import Screen

    colours, pictures = terminalreporter.hasmarkup, not config.option.no_plots
    screen = Screen.of(sys.stdout, colours=colours, pictures=pictures)
    for heading, text in closing.sections(screen, verbose=config.option.verbose > 0):
        terminalreporter.section(heading)
        terminalreporter.write(text)
    for problem in closing.problems:
        terminalreporter.write_line(f"bench: {problem}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the run's temporary files."""
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.clean()
