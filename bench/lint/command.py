"""`python -m bench lint FILE…`: the traps that a script falls into."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError, lines
from bench.experiment.inspection import add_where
from bench.report.arguments import Verbs

if TYPE_CHECKING:
    from bench.lint.checker import Looked
    from bench.lint.rules.rule import Hit
    from bench.lint.source import Source

_LINT = """\
Looks for common mistakes in Python scripts, notebooks and files for --workload, such as a split
that leaks or a misplaced dropout (docs/lint.md).  The files are read and never run, except with
--run.  A comment on a line ignores its findings: # lint: ok, or # lint: ok(RULE).
"""
_NARROWEST = 40


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser("lint", help="find common mistakes in a script", description=_LINT)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a script or notebook")
    parser.add_argument("--json", action="store_true", help="a list of objects, one a finding")
    parser.add_argument(
        "--run",
        dest="runs",
        action="store_true",
        help="build model() and read data() of a file for --workload, too: this runs it",
    )
    add_where(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints what is found; 0 where nothing is, 2 where a file cannot be looked at."""
    from bench.lint import source
    from bench.lint.checker import look

    looked, failed = [], False
    for path in dict.fromkeys(options.files):
        try:
            read = source.read(path)
            for each in read.left_out:
                print(f"bench: {lines(each)}", file=sys.stderr)
            more = list(_built(read, options)) if options.runs else []
            looked.append((path, look(read, more)))
        except GrindstoneError as error:
            failed = True
            print(f"bench: {lines(error)}", file=sys.stderr)
    found = any(each.findings for _, each in looked)
    if options.json:
        print(as_json(looked))
    else:
        _print(looked)
    return 2 if failed else int(found)


def _built(read: Source, options: argparse.Namespace) -> Iterator[tuple[str, Hit]]:
    """What only the built model and the data show, by the names of the rules: a worker runs it.

    Raises:
        GrindstoneError: the file has no model() and data(), or they fail.
    """
    from bench.experiment import inspection
    from bench.lint.program import function
    from bench.lint.rules.rule import Hit
    from bench.lint.source import SourceError
    from bench.worker.messages import Fault

    if read.cells:
        raise SourceError(f"{read.where(1)}: --run is for Python files with model() and data()")
    named = argparse.Namespace(**vars(options), what=str(read.path))
    row, settings = inspection.row_and_settings(named)
    for each in inspection.inspect(row, settings, "traps"):
        if isinstance(each, Fault) and each.rule:
            found = function(read.tree, each.of)
            yield each.rule, Hit(found.lineno if found else 1, each.what)


def as_json(looked: Sequence[tuple[Path, Looked]]) -> str:
    """The findings as a list of objects."""
    return json.dumps(
        [{"file": str(path), **each.members()} for path, seen in looked for each in seen.findings],
        indent=1,
    )


def _print(looked: Sequence[tuple[Path, Looked]]) -> None:
    """The findings, a line each; then once what to do about each rule's; then what was seen."""
    from bench.lint.rules import RULES

    findings = [each for _, seen in looked for each in seen.findings]
    for each in findings:
        print(lines(each.text))
    for rule in RULES:
        if any(each.rule == rule.name for each in findings):
            print(f"\n{_filled(f'{rule.name}: {rule.do}')}\n{_filled(f'    why: {rule.why}')}")
    for path, file in looked:
        seen = f"{_counted(file.networks, 'network')}, {_counted(file.trainings, 'training')} seen"
        count = len(file.findings)
        found = _counted(count, "finding") if count else "nothing found"
        print(f"{lines(path)}: {found} ({seen})", file=sys.stderr)


def _filled(text: str) -> str:
    """A text as wide as the terminal; in a file, of 80 columns."""
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    return textwrap.fill(text, width, subsequent_indent="    ", break_on_hyphens=False)


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
