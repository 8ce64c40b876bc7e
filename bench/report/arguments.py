"""What the verbs that read runs have in common: RUN, `--results-dir`, `--out`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, TypeAlias

from bench.datasets import cache
from bench.errors import GrindstoneError, why
from bench.record.runs import resolve
from bench.runner.paths import from_here

# argparse names the type of add_subparsers() nowhere else.
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

RUN = "a file, the beginning of its name, `last`, `-2` (the one before), `best` or `best:ROW`"


def add_runs(parser: argparse.ArgumentParser, **attributes: Any) -> None:
    """Adds RUN, or with `nargs` several, and the folder that they are looked for in."""
    parser.add_argument("runs", metavar="RUN", help=RUN, **attributes)
    add_results_dir(parser)


def add_results_dir(parser: argparse.ArgumentParser) -> None:
    """Adds the folder with the runs."""
    parser.add_argument(
        "--results-dir",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder of the runs (default: results)",
    )


def add_out(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Adds the file that is written."""
    where = "" if required else " (default: standard output)"
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        required=required,
        help=f"write this file, which must not be there yet{where}",
    )


def run_of(options: argparse.Namespace) -> Path:
    """The file of the one RUN.

    Raises:
        RecordError: there is no such run, or there are several.
    """
    (path,) = resolve([options.runs], folder_of(options))
    return path


def runs_of(options: argparse.Namespace) -> list[Path]:
    """The files of the RUNs.

    Raises:
        RecordError: there is no such run, or there are several.
    """
    return resolve(options.runs, folder_of(options))


def folder_of(options: argparse.Namespace) -> Path:
    """The folder with the runs.

    Raises:
        GrindstoneError: it is below the home of a user who is not there.
    """
    return from_here("--results-dir", options.results_dir)


def new_file(out: Path | None) -> Path | None:
    """The file that is to be written: whoever takes long to make it looks first.

    Raises:
        GrindstoneError: it is there, or its folder is not.
    """
    if out is None:
        return None
    out = from_here("--out", out)
    if out.is_dir():
        raise GrindstoneError(f"--out {out} is a folder; name a file in it")
    if os.path.lexists(out):
        remove = ", or remove it" if out.is_file() else ""  # not /dev/null
        raise GrindstoneError(f"--out {out} is there already; name another file{remove}")
    try:
        out.parent.stat()  # a folder that is not there is not made
    except OSError as error:
        raise _unwritten(out, error) from error
    return out


def write(text: str, out: Path | None) -> None:
    """Writes a file whole or not at all, or standard output.

    Raises:
        GrindstoneError: it is there, or cannot be written.
    """
    file = new_file(out)
    if file is None:
        sys.stdout.write(text)
        return
    try:
        with cache.whole(file) as opened:
            opened.write(text.encode())
    except OSError as error:
        raise _unwritten(file, error) from error


def _unwritten(out: Path, error: OSError) -> GrindstoneError:
    return GrindstoneError(
        f"--out {out} cannot be written: {why(error)}; name a file in another folder"
    )
