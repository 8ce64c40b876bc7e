"""The options of a run, as words: kept in its record, and used again by `--like RUN`."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import GrindstoneError, shown
from bench.invocation import INSTALLED
from bench.record import codec, runs
from bench.runner.option_table import OPTIONS

# These name the row, which the advice does itself, or are not about a training.
_OF_THE_ROW = {
    *("--device", "--workload", "--mode", "--backend", "--batch", "--precision", "--xla"),
    *("--steps-per-execution", "--design", "--input", "--time-to-target"),
    *("--cluster", "--cluster-index", "--cluster-batch"),
    *("--like", "--processes", "--against", "--html", "--no-plots", "--no-page", "--save-models"),
}

_BENCH = Path(__file__).resolve().parents[1]
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


def words(chosen: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that differ from their defaults: `--seed=7`, `--synthetic`.

    All of them: advice that leaves one out trains something else.

    chosen: what was parsed, by attribute.
    """
    return tuple(
        word
        for name, attributes in OPTIONS.items()
        if name not in _OF_THE_ROW
        for word in _words(name, chosen.get(attribute(name)), attributes)
    )


def attribute(option: str) -> str:
    """What argparse calls an option: `no_page` of `--no-page`."""
    return option[2:].replace("-", "_")


def _words(name: str, value: Any, attributes: Mapping[str, Any]) -> Iterator[str]:
    if value in (None, False, attributes.get("default")):
        return
    for each in value if isinstance(value, (list, tuple)) else (value,):
        yield name if each is True else f"{name}={shown(each)}"


def typed(words: Sequence[str], files: Iterable[str] = ()) -> tuple[str, ...]:
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
        known = parser.parse_known_args(words)[0].words or ()
    except argparse.ArgumentError:  # letters of several options in one word, one of them a plugin's
        known = ()
    every = [*(file for file in files if Path(file).resolve() != _BENCH), *known]
    return tuple(shown(word) for word in every if not word.startswith("--workload="))


def _joined(option: str, value: str) -> str:
    return f"{option}={value}" if option.startswith("--") else f"{option}{value}"


# What an attribute is called on the command line.
_OPTION = {attribute(name): name for name in OPTIONS}


def adopt(chosen: argparse.Namespace, written: Iterable[str]) -> None:
    """Sets those that the run named by `--like` was given and that are not written here.

    written: this run's options, as a person writes them.

    Raises:
        GrindstoneError: there is no such run, or it was given what this Grindstone does not know.
    """
    if chosen.like is None:
        return
    (path,) = runs.resolve([chosen.like], Path(chosen.results_dir))
    here = {word.partition("=")[0] for word in written}
    for name, value in vars(_given(path)).items():
        if _OPTION[name] not in here:
            setattr(chosen, name, value)


def _given(path: Path) -> argparse.Namespace:
    """The options of a run that differed from their defaults."""
    words = codec.read(path).settings.rerun_options
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for name, attributes in OPTIONS.items():
        parser.add_argument(name, **{**attributes, "default": argparse.SUPPRESS})
    try:
        known, unknown = parser.parse_known_args(words)
    except argparse.ArgumentError as error:
        raise GrindstoneError(f"--like {shown(path)}: {error}") from error
    if unknown:
        told = " ".join(unknown)
        raise GrindstoneError(f"--like {shown(path)} was given {shown(told)}, which is no option")
    return known
