"""What a run that was ended early has not trained, and the command that does."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.errors import counted, shown, some
from bench.invocation import INSTALLED
from bench.judge import rerun
from bench.record import codec, ending, store
from bench.record.head import Due
from bench.record.model import Record, Result, TargetResult, Training
from bench.record.repeats import Repeat
from bench.record.variant import AS_PUBLISHED
from bench.runner.option_table import OPTIONS

_BENCH = Path(__file__).resolve().parents[1]
# So many are named.
_NAMED = 12
# These choose trainings, or may be about another plugin.
_DROPPED = ("-k", "-m", "-o", "-W", "-n")
# What of pytest's options, and of pytest-benchmark's, is kept: how a run is made and told.
_FLAGS = (
    *("-x", "--exitfirst", "-v", "--verbose", "-q", "--quiet", "-s", "-l", "--full-trace"),
    *("--no-header", "--no-summary", "--benchmark-autosave", "--benchmark-save-data"),
)
_WITH_VALUES = (
    *("--maxfail", "-p", "--rootdir", "--tb", "-r", "--color", "--capture", "--durations"),
    *("--junitxml", "--junit-xml", "--benchmark-json", "--benchmark-save"),
    *("--benchmark-columns", "--benchmark-sort", "--benchmark-group-by"),
    *(() if INSTALLED else ("-c",)),  # `run` has one of its own
)


def kept(words: Sequence[str], files: Iterable[str] = ()) -> tuple[str, ...]:
    """The files and options that a run was called with, but for those that choose its trainings.

    What another plugin was given stays out of the record: it may be a password.
    """
    own = {name: attributes.get("action") == "store_true" for name, attributes in OPTIONS.items()}
    flags = dict.fromkeys(_FLAGS, True) | dict.fromkeys(_WITH_VALUES, False) | own
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for option in _DROPPED:
        parser.add_argument(option)
    for option, is_flag in flags.items():
        how: Any = {"action": "append_const", "const": option}
        if not is_flag:
            how = {"action": "append", "type": functools.partial(_joined, option)}
        parser.add_argument(option, dest="words", **how)
    try:
        typed = parser.parse_known_args(words)[0].words or ()
    except argparse.ArgumentError:  # letters of several options in one word, one of them a plugin's
        typed = ()
    every = [*(file for file in files if Path(file).resolve() != _BENCH), *typed]
    return tuple(shown(word) for word in every if not word.startswith("--workload="))


def _joined(option: str, value: str) -> str:
    return f"{option}={value}" if option.startswith("--") else f"{option}{value}"


def line(record: Record) -> str | None:
    """Which trainings have not come to their end, and what trains them; None where all have."""
    left = _left(record)
    if not left:
        return None
    named = some([each.title for each in left], _NAMED)
    told = f"Not trained: {len(left)} of {len(record.due)}: {named}."
    return f"{told} To train: {_command(record, left)}"


def unfinished(path: Path, record: Record) -> Iterator[str]:
    """What is to be said first of a record whose run has not come to its end, a line each."""
    file = codec.file_of(path)
    left = "The same command goes on with it." if record.settings.experiment else line(record)
    if record.ended:
        if left and any(ending.was_interrupted(each) for each in _trained(record)):
            yield left
    elif store.is_held(file):
        coming = f", {len(_left(record))} to come" if record.due else ""
        yield f"GOES ON: {counted(len(_trained(record)), 'training')} so far{coming}"
    else:
        last = "had no room to write it whole" if file.suffix == codec.JOURNAL else "still went on"
        yield f"CUT OFF: its run was killed, lost its power, or {last}"
        if left or not record.due:
            yield left or "It does not tell what else was to be trained."


def _trained(record: Record) -> Sequence[Result | TargetResult]:
    return (*record.results, *record.time_to_target)


def _left(record: Record) -> Sequence[Due]:
    """Those behind the last that came to its end: what was left out before it has no result."""
    ended = {
        f"{_title(each)}{last}"
        for trained, to_target in ((record.results, False), (record.time_to_target, True))
        for each in trained
        if not ending.was_interrupted(each)
        for last in (", to target" if to_target else Repeat(each.repeat, each.side).suffix,)
    }
    places = [place for place, each in enumerate(record.due, start=1) if each.title in ended]
    return record.due[max(places, default=0) :]


def _title(trained: Training) -> str:
    """What it was called when it was to come: those of `all` had one title."""
    return f"{trained.workload} on {trained.device.option}{trained.way.suffix}"


def _command(record: Record, left: Sequence[Due]) -> str:
    """The same as was typed, with another choice of rows."""
    files = [each.path for each in left if each.path]
    names = " or ".join(dict.fromkeys(each.workload for each in left))
    chosen = [f"--workload={path}" for path in dict.fromkeys(files)] or ["-k", names]
    machines = (each for each in record.settings.variants if each.machines)
    host = record.settings.host
    return rerun.command([*record.words, *chosen], next(machines, AS_PUBLISHED), host=host)
