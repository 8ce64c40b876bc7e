"""A line that moves while a worker trains: what it is doing, the epoch, the time left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.runner.supervisor import Event, Listener

if TYPE_CHECKING:
    import pytest


@contextlib.contextmanager
def shown(config: pytest.Config, title: str, epochs: int) -> Iterator[Listener]:
    """A listener to a worker's events that draws them, or ignores them where nobody watches.

    The bar goes to a terminal only: a pipe or a file gets the table and nothing that moves.
    """
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or not reporter.isatty:
        yield _ignored
        return
    with _uncaptured(config), _bar() as bar:
        task = bar.add_task(title, total=epochs, doing="start-up")

        def listen(event: Event) -> None:
            if event["event"] == "phase":
                bar.update(task, doing=event["name"])
            elif event["event"] == "epoch":
                number = event["number"]
                doing = f"epoch {number + 1}" if number < epochs else "evaluation"
                if "seed" in event:
                    doing = f"seed {event['seed']}, {doing}"
                bar.update(task, completed=number, doing=doing)

        yield listen


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("epochs, {task.fields[doing]}"),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(),
        transient=True,
        refresh_per_second=2,  # the parent must not take the CPU that is being measured
    )


@contextlib.contextmanager
def _uncaptured(config: pytest.Config) -> Iterator[None]:
    """Lets the bar through pytest's capturing."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        yield
        return
    with capture.global_and_fixture_disabled():
        print()  # the bar starts on a line of its own, not behind the test's name
        yield


def _ignored(_event: Event) -> None:
    return
