"""What a person sees of a run while it goes on.

In a terminal one bar over the whole run, with the time left; in a pipe a line for each training as
it ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from bench.judge import curve
from bench.record import ending
from bench.record.model import Finished, TimeToTarget
from bench.report import format as shown
from bench.runner.events import (
    EpochEnded,
    Event,
    Listener,
    Noted,
    Phase,
    Planned,
    RowEnded,
    RowLeftOut,
    RowStarted,
    RunEnded,
    RunStarted,
)

if TYPE_CHECKING:
    import pytest
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    from bench.record.model import Result, TargetResult


def listener(config: pytest.Config) -> Listener:
    """Shows the events of a `pytest bench/`, instead of pytest's dots and file names."""
    listen: Listener | None = None

    def hear(event: Event) -> None:
        nonlocal listen
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:  # -p no:terminal
            return
        if listen is None:
            write = _through_capture(config, reporter)
            if config.option.verbose <= 0:
                reporter.showfspath = False
                config.pluginmanager.register(_WithoutDots())
            listen = _shown(write, _own_stdout() if reporter.isatty else None)
        listen(event)

    return hear


def on_stream(stream: TextIO, *, left_out: bool = True) -> Listener:
    """Shows the events of a command; `left_out`: what is left out, too."""
    terminal = stream if stream.isatty() else None
    return _shown(lambda line: print(line, file=stream, flush=True), terminal, left_out=left_out)


def line(result: Result | TargetResult) -> str:
    """`convnet     cpu    8.54 s first, 7.96 s per epoch, 98.91 %  OK`."""
    repeat = f"repeat {result.repeat}" if result.repeat > 1 else ""
    if result.seed is not None:
        repeat = f"seed {result.seed}"
    mode = result.way.suffix[2:]
    where = " ".join(filter(None, (result.device.id, mode, result.side, repeat)))
    told = f"{result.workload:<10}  {where:<5}  "
    word = ending.word(result)
    if isinstance(result, Finished):
        epochs, quality = result.epochs, result.quality
        first, median = shown.seconds(epochs.first), shown.seconds(epochs.median)
        reached = shown.quality(quality.metric, quality.value)
        return f"{told}{first} first, {median} per epoch, {reached}  {word}"
    if isinstance(result, TimeToTarget):
        last = result.targets[-1]
        took = "n/a" if last.median_seconds is None else shown.seconds(last.median_seconds)
        return f"{told}{took} to {shown.quality(result.quality.metric, last.target)}  {word}"
    return f"{told}{word}: {result.reason.splitlines()[0]}"


@dataclass(slots=True)
class Estimate:
    """How long a run will still take, from the epochs that were timed so far.

    A training to come takes as long as the last of its name did, else as the middle one so far.
    """

    planned: tuple[Planned, ...] = ()
    clock: Callable[[], float] = time.monotonic
    done: list[float] = field(default_factory=list)
    _took: dict[str, float] = field(default_factory=dict)
    _row: float | None = None
    _begun: float = 0.0

    def row_started(self) -> None:
        """A training begins."""
        self._row, self._begun = None, self.clock()

    def epoch_ended(self, number: int, seconds: float, epochs: int) -> None:
        """One of its epochs has ended."""
        self._row = self.clock() - self._begun + max(0, epochs - number) * seconds

    def row_ended(self, title: str, seconds: float) -> None:
        """It has ended."""
        self.done.append(seconds)
        self._took[title], self._row = seconds, None

    def left(self) -> float | None:
        """In s; None before anything was timed."""
        if not self.done and self._row is None:
            return None
        usual = statistics.median(self.done) if self.done else self._row or 0.0
        coming = [self._took.get(each.title, usual) for each in self.planned[len(self.done) :]]
        if coming and self._row is not None:
            coming[0] = max(0.0, self._row - (self.clock() - self._begun))
        return sum(coming)

    def share(self) -> float:
        """What share of the run is done."""
        left = self.left()
        if left is None:
            return 0.0
        spent = sum(self.done) + (0.0 if self._row is None else self.clock() - self._begun)
        return spent / (spent + left) if spent + left else 1.0


@dataclass(slots=True)
class OverfittingAlarm:
    """Says once of a training that it overfits, while it still trains (bench.judge.curve)."""

    _row: RowStarted | None = None
    _quality: list[float | None] = field(default_factory=list)
    _losses: list[float | None] = field(default_factory=list)

    def hear(self, event: Event) -> str | None:
        """The line that is due with an event, if any is."""
        if isinstance(event, RowStarted):
            self._row, self._quality, self._losses = event, [], []
        if self._row is None or self._row.is_error is None or not isinstance(event, EpochEnded):
            return None
        if event.quality is None or event.seed is not None:  # to a target, it ends by itself
            return None
        self._quality.append(event.quality if math.isfinite(event.quality) else None)
        self._losses.append(event.loss)
        test = [None, *self._quality]  # nothing is known of before the first
        seen = curve.read(test, self._losses, is_error=self._row.is_error).overfits
        if seen is None:
            return None
        title, self._row = self._row.title, None
        return (
            f"{title} overfits since epoch {seen.since}: worse than the {curve.EPOCHS} epochs "
            f"before, while the training loss fell; the best so far was epoch {seen.best}"
        )


def _shown(
    write: Callable[[str], None], terminal: TextIO | None, *, left_out: bool = True
) -> Listener:
    bar, alarm = _bar(terminal) if terminal else None, OverfittingAlarm()
    noted: set[str] = set()

    def listen(event: Event) -> None:
        if bar:
            bar(event)
        if told := alarm.hear(event):
            write(told)
        if isinstance(event, Noted) and event.text not in noted:  # every row would say it again
            noted.add(event.text)
            write(event.text)
        if isinstance(event, RowLeftOut) and left_out:
            write(f"{event.title}: left out: {event.reason}")
        if isinstance(event, RowEnded):
            for result in event.results:
                # A bar is enough for the others.
                if not bar or ending.word(result) in (*ending.WRONG, ending.INTERRUPTED):
                    write(line(result))

    return listen


def _bar(terminal: TextIO) -> _Bar | None:
    from rich.console import Console

    console = Console(file=terminal)
    return None if console.is_dumb_terminal else _Bar(console)


class _Bar:
    """Drawn while a worker trains, and away between two trainings, when pytest may write."""

    def __init__(self, console: Console) -> None:
        self._console, self._estimate = console, Estimate()
        self._epochs = 0
        self._bar: Progress | None = None
        self._task: Any = None

    def __call__(self, event: Event) -> None:
        """Takes an event up."""
        if isinstance(event, RunStarted):
            self._estimate.planned = event.trainings
        elif isinstance(event, RowStarted):
            self._epochs = event.epochs
            self._estimate.row_started()
            self._start(event.title)
        elif isinstance(event, Phase):
            self._tell(event.name)
        elif isinstance(event, EpochEnded):
            self._estimate.epoch_ended(event.number, event.seconds, self._epochs)
            self._tell(self._doing(event))
        elif isinstance(event, RowEnded):
            self._estimate.row_ended(event.title, event.seconds)
            self._stop()
        elif isinstance(event, RowLeftOut):
            self._estimate.row_ended(event.title, 0.0)
            self._stop()
        elif isinstance(event, RunEnded):
            self._stop()

    def _doing(self, event: EpochEnded) -> str:
        coming = f"epoch {event.number + 1} of {self._epochs}"
        doing = coming if event.number < self._epochs else "evaluation"
        return doing if event.seed is None else f"seed {event.seed}, {doing}"

    def _start(self, title: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._stop()
        self._bar = Progress(
            TextColumn("{task.fields[count]} trainings"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}: {task.fields[doing]},"),
            _left(self._estimate),
            console=self._console,
            transient=True,
            redirect_stdout=False,  # pytest has put files of its own in their place
            redirect_stderr=False,
            refresh_per_second=2,  # the parent must not take the CPU that is being measured
        )
        count = f"{len(self._estimate.done)} of {len(self._estimate.planned)}"
        self._task = self._bar.add_task(title, total=1.0, count=count, doing="start-up")
        self._tell("start-up")
        self._bar.start()

    def _tell(self, doing: str) -> None:
        if self._bar:
            self._bar.update(self._task, completed=self._estimate.share(), doing=doing)

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None


def _left(estimate: Estimate) -> ProgressColumn:
    """The column with the time left, which goes on between two events."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, _task: Task) -> Text:
            left = estimate.left()
            if left is None:
                return Text("time left unknown")
            minutes, seconds = divmod(round(left), 60)
            return Text(f"{minutes}:{seconds:02} left")

    return Left()


def _through_capture(config: pytest.Config, reporter: Any) -> Callable[[str], None]:
    """Writes a line of its own, past pytest's capturing."""
    capture = config.pluginmanager.getplugin("capturemanager")

    def write(text: str) -> None:
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            reporter.ensure_newline()
            reporter.write_line(text)
            reporter.flush()

    return write


def _own_stdout() -> TextIO:
    """Standard output as it is now, wherever pytest's capturing sends it later."""
    return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding)


class _WithoutDots:
    """Takes pytest's letter for a training away: there is a bar, or a line that says it all."""

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No letter; the test counts as before."""
        if report.when == "call":
            return report.outcome, "", "" if report.passed else report.outcome.upper()
        return None
