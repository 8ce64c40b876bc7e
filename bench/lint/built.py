"""What only the built model and the data of a file for `--workload` show: the worker runs it."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator

from bench.lint.rules.rule import Hit
from bench.lint.source import Source, SourceError


def hits(source: Source, options: argparse.Namespace) -> Iterator[tuple[str, Hit]]:
    """The traps that a worker finds, by the names of their rules.

    Raises:
        GrindstoneError: the file has no model() and data(), or they fail.
    """
    from bench.experiment import inspection
    from bench.worker.messages import Fault

    if source.cells:
        raise SourceError(f"{source.where(1)}: --run is for Python files with model() and data()")
    how = argparse.Namespace(**vars(options))
    how.what = str(source.path)
    row, settings = inspection.asked(how)
    for each in inspection.told(row, settings, "traps"):
        if isinstance(each, Fault) and each.rule:
            yield each.rule, Hit(_line(source, each.of), each.what)


def _line(source: Source, function: str) -> int:
    """Where a function of the file begins."""
    found = [
        node.lineno
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    return found[-1] if found else 1
