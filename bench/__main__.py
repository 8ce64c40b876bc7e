"""Grindstone's command line: `python -m bench VERB`, or `grindstone VERB` where it is installed."""

from __future__ import annotations

import argparse
import difflib
import errno
import io
import os
import platform
import re
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is no traceback while this is imported

if not __package__:  # called by this folder's name, from any other: `python /…/bench list`
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import bench
from bench import files, invocation

if lacking := invocation.lacks():
    sys.exit(lacking)

from bench.compare import command as compare
from bench.errors import GrindstoneError, lines, unforeseen, why
from bench.experiment import command as experiment
from bench.experiment import inspection
from bench.lint import command as lint
from bench.page import command as page
from bench.predict import command as predict
from bench.predict import evaluation
from bench.report import completion, listing, records
from bench.report.arguments import Verbs
from bench.report.export import command as export
from bench.report.fleet import command as fleet
from bench.runner import doctor, evidence, run, stop
from bench.workloads import WORKLOADS
from bench.workloads.workload import DATA_NAMES

_VERBS = (
    *(run, experiment, inspection, lint, predict, evaluation, listing, records),
    *(compare, page, fleet, export, completion, evidence, doctor),
)

# What a write to standard output fails with, which names no file.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_NO_VERB = re.compile(r"argument VERB: invalid choice: '(.*)' \(choose from (.*)\)")


def main(arguments: list[str] | None = None) -> int:
    """Runs a verb; 2 and one line on what a person has to fix (docs/exit-codes.md)."""
    files.open_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # which may have no character for what is printed
        utf = "utf" in sys.stdout.encoding.lower()
        sys.stdout.reconfigure(errors="surrogateescape" if utf else "backslashreplace")
    stopping = stop.Stopping()
    try:
        options = parser().parse_args(arguments)
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except GrindstoneError as error:
        print(f"bench: {lines(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # as by `| head`: whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (OSError, MemoryError, RecursionError) as error:  # of the machine, not of what was asked
        return _unforeseen(error)
    except KeyboardInterrupt as interrupt:
        print(f"bench: {str(interrupt) or 'interrupted'}", file=sys.stderr)
        return stopping.status or 128 + signal.SIGINT
    finally:
        stopping.close()


def _unforeseen(error: BaseException) -> int:
    """Says it in a line.  Where standard output is what cannot be written, its rest is let go."""
    told = unforeseen(error)
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        told = f"the output cannot be written: {why(error)}; what is there of it is not whole"
    print(f"bench: {told}", file=sys.stderr)
    return 2


class _Paragraphs(argparse.HelpFormatter):
    """Fills each paragraph of a description; what is indented stays as it is written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        parts = text.rstrip().split("\n\n")
        return "\n\n".join(
            part if part.startswith(" ") else fill(part, width, indent) for part in parts
        )


class _Parser(argparse.ArgumentParser):
    """Shows descriptions in the width of the terminal, and what is wrong in one line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Paragraphs, **settings)

    def parse_known_args(self, *args: Any, **settings: Any) -> Any:
        """Knows no other arguments, so that a verb names its own help."""
        options, others = super().parse_known_args(*args, **settings)
        if others:
            self.error(f"unrecognized arguments: {' '.join(others)}")
        return options, others

    def error(self, message: str) -> NoReturn:
        """Says it, and where the right words are."""
        if match := _NO_VERB.match(message):
            word, trained = match[1], {*WORKLOADS, *DATA_NAMES}
            near = difflib.get_close_matches(word, re.findall(r"[\w-]+", match[2]), 1)
            meant = "".join(f" (do you mean {each}?)" for each in near)
            if word in trained:
                meant = f"; what is trained is chosen by `{invocation.BENCHMARK} -k {word}`"
            message = f"there is no verb {word}{meant}"
        self.exit(2, f"bench: {lines(message)}; `{self.prog} --help` lists what there is\n")


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    more = "VERB --help lists a verb's options."
    made = _Parser(prog=invocation.COMMAND, description=__doc__, epilog=more)
    version = f"Grindstone {bench.__version__} (Python {platform.python_version()})"
    made.add_argument("--version", action="version", version=version)
    verbs: Verbs = made.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    for verb in _VERBS:
        verb.add(verbs)
    return made


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
