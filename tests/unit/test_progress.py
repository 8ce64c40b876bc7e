"""What is shown of a run that goes on: in a pipe, in a terminal, and how long it will take."""

from __future__ import annotations

import io

import pytest

from bench.record.model import Result, TargetResult
from bench.report import progress
from bench.runner.events import (
    EpochEnded,
    Event,
    Noted,
    Phase,
    Planned,
    RowEnded,
    RowStarted,
    RunEnded,
    RunStarted,
)
from tests.conftest import ROOT
from tests.support.records import CPU, H100, failed, result, time_to_target

CONVNET = result("convnet", seconds=(8.54, 7.96, 7.96), value=0.9891)
PLANNED = (Planned("convnet on cpu", 3), Planned("post on cpu", 2), Planned("mlp on cpu", 4))
RUN: tuple[Event, ...] = (
    RunStarted(PLANNED),
    RowStarted("convnet on cpu", 3),
    Phase("epoch 1"),
    EpochEnded(1, 8.54),
    EpochEnded(2, 7.96),
    RowEnded("convnet on cpu", (CONVNET,), 24.0),
    Noted("3 of 9 numbers are NaN"),
    Noted("3 of 9 numbers are NaN"),
    RowStarted("post on cpu", 2),
    RowEnded("post on cpu", (failed("post", CPU, "post on cpu: killed\nits last lines"),), 3.0),
    RunEnded(),
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _written(stream: io.StringIO) -> str:
    listen = progress.on_stream(stream)
    for event in RUN:
        listen(event)
    return stream.getvalue()


def test_in_a_pipe_each_training_is_a_line_when_it_ends() -> None:
    assert _written(io.StringIO()).splitlines() == [
        "convnet     cpu    8.54 s first, 7.96 s per epoch, 98.91 %  OK",
        "3 of 9 numbers are NaN",
        "post        cpu    FAILED: post on cpu: killed",
    ]


def test_in_a_terminal_one_bar_says_how_far_the_run_is_and_leaves_only_what_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    text = _written(_Terminal())
    for told in ("0 of 3 trainings", "convnet on cpu: ", "1 of 3 trainings", "post on cpu: "):
        assert told in text
    assert "post        cpu    FAILED: post on cpu: killed\n" in text
    assert "8.54 s first" not in text


def test_a_dumb_terminal_gets_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert _written(_Terminal()) == _written(io.StringIO())


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (
            result("mlp", H100, seconds=(3.0, 0.1), mode="tuned", side="B", repeat=3),
            "mlp         gpu:0 tuned B repeat 3  3 s first, 100 ms per epoch, 98.12 %  OK",
        ),
        (result("post", value=136.0), "2.5 s first, 1.25 s per epoch, 136.0 s²  BELOW-FLOOR"),
        (time_to_target(seconds=6.0), "convnet     cpu    15 s to 99.00 %  OK"),
        (time_to_target(qualities=((0.97,),)), "n/a to 99.00 %  BELOW-FLOOR"),
    ],
)
def test_a_line_says_what_was_trained_and_what_came_of_it(
    ended: Result | TargetResult, line: str
) -> None:
    assert progress.line(ended).endswith(line)


def test_the_time_left_follows_the_epochs_that_were_timed() -> None:
    now = 100.0
    estimate = progress.Estimate(PLANNED, clock=lambda: now)
    assert (estimate.left(), estimate.share()) == (None, 0.0)
    estimate.row_started()
    now += 10
    estimate.epoch_ended(1, 10.0, epochs=3)
    assert estimate.left() == 20 + 2 * 30  # the others are thought to take as long
    now += 5
    assert estimate.left() == 15 + 2 * 30
    assert estimate.share() == 15 / 90
    estimate.row_ended("convnet on cpu", 25.0)
    assert estimate.left() == 2 * 25
    estimate.row_started()
    estimate.row_ended("post on cpu", 5.0)
    assert estimate.left() == 15
    repeated = progress.Estimate((*PLANNED, PLANNED[1]), done=[25.0, 5.0, 9.0])
    repeated._took["post on cpu"] = 5.0
    assert repeated.left() == 5.0


@pytest.fixture
def reporting(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder whose tests may say that a row was trained."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(
        """
        import pytest
        from bench.report import progress
        from bench.runner.events import RowEnded, RunStarted
        from tests.support.records import result

        def pytest_configure(config):
            config.listen = progress.listener(config)

        def pytest_collection_finish(session):
            session.config.listen(RunStarted(()))

        @pytest.fixture
        def train(pytestconfig):
            return lambda: pytestconfig.listen(RowEnded("mlp on cpu", (result(),), 3.0))
        """
    )
    pytester.makepyfile("def test_it(train):\n    print('captured')\n    train()\n")
    return pytester


def test_pytest_shows_them_past_its_capturing_in_the_place_of_dots(
    reporting: pytest.Pytester,
) -> None:
    quiet = reporting.runpytest_subprocess("-p", "no:cacheprovider")
    quiet.stdout.fnmatch_lines(
        ["mlp         cpu    2.5 s first, 1.25 s per epoch, 98.12 %  OK", "*1 passed*"]
    )
    assert "captured" not in quiet.stdout.str()
    assert "test_it" not in quiet.stdout.str()
    verbose = reporting.runpytest_subprocess("-v", "-p", "no:cacheprovider")
    verbose.stdout.fnmatch_lines(["*::test_it *", "mlp  *", "*PASSED*"])
    silent = reporting.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:terminal")
    assert (silent.ret, silent.stdout.str()) == (0, "")


def test_no_letter_of_pytest_stands_before_them(reporting: pytest.Pytester) -> None:
    reporting.makepyfile(
        test_more="""
        import pytest

        def test_that(train):
            train()
            pytest.fail("broken", pytrace=False)

        def test_this():
            pytest.skip("unable")

        def test_last(train):
            train()
        """
    )
    failing = reporting.runpytest_subprocess("-p", "no:cacheprovider", "test_more.py")
    trained = [line for line in failing.outlines if "per epoch" in line]
    assert [line.split()[0] for line in trained] == ["mlp", "mlp"]
    failing.stdout.fnmatch_lines(["FAILED test_more.py::test_that - *broken", "*1 skipped*"])
