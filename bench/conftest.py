"""pytest's side of the benchmark: options, a test for each row and repeat, the summary."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # `pytest-benchmark list` has not done it

from bench import invocation

if lacking := invocation.lacks():
    sys.exit(lacking)

from bench import options
from bench.observe import devices
from bench.page.closing import Closing, close
from bench.report import progress
from bench.runner import collection, output, plugins, rerun_options, stop
from bench.runner.collection import LISTENER, ROWS, SESSION, repeat, train, train_to_target
from bench.runner.events import RunEnded, RunStarted
from bench.runner.head import PACKAGES
from bench.runner.session import Session

if TYPE_CHECKING:
    from bench.compare.until_clear import ComparisonRequest

__all__ = ["repeat", "train", "train_to_target"]  # fixtures, which pytest looks for here

REQUEST: pytest.StashKey[ComparisonRequest] = pytest.StashKey()
_CLOSING = pytest.StashKey[Closing]()
_STOPPING = pytest.StashKey[stop.Stopping]()
_BEGUN = pytest.StashKey[bool]()
_NOT_TRAINED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Grindstone's own options; `-k` chooses workloads."""
    plugins.usage_in_one_line(parser)
    group = parser.getgroup("grindstone", "Grindstone: what is trained, on what")
    with plugins.clash(pluginmanager):
        options.add_options(group.addoption)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Checks what was asked for, before anything is collected."""
    output.open_streams(config)
    with plugins.one_line(config):
        plugins.check(config)
        rerun_options.adopt(config.option, plugins.words(config))
        found = devices.find()
        settings = options.read_settings(config.option, found)
        if settings.against is not None:
            from bench.compare import until_clear

            config.stash[REQUEST] = until_clear.request(settings.against, settings)
        config.stash[LISTENER] = progress.listener(config)
        config.stash[SESSION] = Session(settings, found, PACKAGES, config.stash[LISTENER])
    config.add_cleanup(config.stash[SESSION].clean)
    config.stash[_STOPPING] = stop.Stopping()
    config.add_cleanup(config.stash[_STOPPING].close)
    plugins.quieten(config)
    config.pluginmanager.register(stream := output.Output(sys.stdout))
    # The reporter takes it, and pytest's capturing puts back what was there.
    sys.stdout = cast("TextIO", stream)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """What this run trains on, and how often; where it is nothing, what there is."""
    settings = config.stash[SESSION].settings
    if not items and config.option.keyword:
        return [collection.none_chosen(settings, config.option.keyword)]
    lines = collection.header(settings, verbose=config.option.verbose > 0)
    skipped = config.stash[REQUEST].skipped if REQUEST in config.stash else ()
    lines += plugins.without_effect(config)
    return [*lines, *(f"skipped: {line}" for line in skipped)]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out what is trained only where it is asked for."""
    return collection.left_out(collection_path, config.stash[SESSION].settings) or None


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
    in_order = collection.keep_order(items)
    yield  # -k chooses from the rows, and other plugins may shuffle
    config.stash[ROWS] = collection.rows(items)
    in_order(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tells what is going to be trained, and looks at what it takes."""
    config, run = session.config, session.config.stash[SESSION]
    trainings = collection.planned(session.items, run.settings)
    if trainings and not config.option.collectonly and not config.option.benchmark_skip:
        with plugins.one_line(config):
            run.check_data(collection.rows_and_targets(session.items))
            words = rerun_options.typed(config.invocation_params.args, config.option.file_or_dir)
            run.begin(collection.due(session.items, run.settings), words)
        config.stash[_BEGUN] = True
        config.stash[LISTENER](RunStarted(trainings))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the record whole and compares; sets what the exit status adds to pytest's own."""
    stash = session.config.stash
    plugins.without_unused()
    closing = close(stash[SESSION], stash.get(REQUEST, None))
    stash[LISTENER](RunEnded())
    if closing is not None:
        stash[_CLOSING] = closing
        if not closing.is_well and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if _BEGUN in stash and (told := collection.not_trained(session)):
        stash[_NOT_TRAINED] = told
    if session.exitstatus == pytest.ExitCode.INTERRUPTED and stash[_STOPPING].status:
        session.exitstatus = stash[_STOPPING].status


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The results, the comparison, where the record is, and what was not trained."""
    if _CLOSING in config.stash:
        config.stash[_CLOSING].tell(terminalreporter, config)
    if _NOT_TRAINED in config.stash:
        terminalreporter.write_line(config.stash[_NOT_TRAINED])
