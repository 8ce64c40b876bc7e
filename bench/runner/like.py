"""`--like RUN`: the options of an earlier run, where they are not given anew."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from bench.errors import GrindstoneError, shown
from bench.record import codec, runs
from bench.runner.option_table import OPTIONS
from bench.runner.rerun import attribute

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
    """The options of a run that were not as they are by themselves."""
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
