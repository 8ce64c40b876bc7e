"""What the tests of `bench/` are given: ways to train, and to hold a result to its floors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from bench.errors import GrindstoneError
from bench.record import codec
from bench.record.model import Failed, Finished, Result, TargetResult, TimeToTarget
from bench.record.repeats import ALONE, Repeat
from bench.runner.events import Listener
from bench.runner.rounds import EpochClock, rounds_of
from bench.runner.row import Row, title
from bench.runner.session import Session

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
        with _failing():
            results = request.config.stash[SESSION].train(row, repeat)
        benchmark.extra_info.update(codec.to_json(results[0]))
        if isinstance(results[0], Finished):
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
        benchmark.extra_info.update(codec.to_json(result))
        if isinstance(result, TimeToTarget):
            reached = [each for each in result.targets[-1].seconds if each is not None]
            rounds_of(benchmark, _clock(request), reached)
        return result

    return train_to_target


def must_pass(results: Iterable[Result | TargetResult]) -> None:
    """Fails the test of what did not train, or did not learn what it should."""
    told = [line for each in results if (line := _what_is_wrong(each))]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def _what_is_wrong(result: Result | TargetResult) -> str | None:
    if isinstance(result, Failed):
        return result.reason
    to_target = ", to target" if isinstance(result, TimeToTarget) else ""
    who = title(result.workload, result.device, result.mode) + to_target
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
